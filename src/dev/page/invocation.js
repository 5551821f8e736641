// Calls of functions with what went over the wire, and lines of the log. Words of others only ever become text nodes.

import { element, sizeOf } from "./elements.js";
import { get } from "./server.js";

const time = (at) => new Date(at).toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const BY = { httpTrigger: "by a request", queueTrigger: "by a message", timerTrigger: "by the clock", cosmosDBTrigger: "by changed documents" };

/** A row that unfolds into the call's details; `known` is the row of the same call before it ended. */
export function callRow(call, known) {
  const { n, at, function: name, trigger, duration_ms, failure, status } = call;
  const over = duration_ms !== null;
  const outcome = !over ? ["running", ""] : failure ? ["failed", "bad"] : [status ?? "done", status >= 400 ? "bad" : "good"];
  const inside = element("div", { class: "call-inside" });
  const details = element(
    "details",
    { "data-call": n, open: known?.querySelector("details").open },
    element(
      "summary",
      { "data-focus": "call", title: BY[trigger] },
      element("time", { datetime: at }, time(at)),
      element("strong", {}, name),
      element("span", { class: `chip ${outcome[1]}` }, outcome[0]),
      over && element("span", { class: "tally" }, `${duration_ms.toFixed(1)} ms`),
    ),
    failure && element("p", { class: "error" }, failure),
    inside,
  );
  const fill = async () => {
    if (details.open) inside.replaceChildren(...(await insideOf(n)));
  };
  details.addEventListener("toggle", fill);
  return element("li", { class: "row call" }, details);
}

async function insideOf(n) {
  try {
    const { invocation, trigger, wire, logs, printed } = await get(`/dev/invocations/${n}`);
    return [
      element("p", { class: "facts" }, `${BY[trigger] ?? trigger} · ${invocation}`),
      ...wire.flatMap(({ request, answer }) => [part("Request", request), answer ? part("Answer", answer) : element("p", { class: "error" }, "There was no answer.")]),
      ...lines("The function's log", logs),
      ...lines("The handler printed meanwhile", printed),
    ];
  } catch (error) {
    return [element("p", { class: "error" }, `The call can't be shown (${error.message}).`)];
  }
}

function part(title, { head, body, length }) {
  const cut = new Blob([body]).size < length ? ` of ${sizeOf(length)}, cut` : "";
  return element(
    "div",
    { class: "wire" },
    element("h4", {}, title, cut && element("span", { class: "tally" }, cut)),
    element("pre", { tabindex: "0" }, element("code", { class: "head" }, head), body && `\n\n${pretty(body)}`),
  );
}

function pretty(body) {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}

const lines = (title, events) => (events.length > 0 ? [element("h4", {}, title), element("ol", { class: "log" }, events.map(logLine))] : []);

/** A line of the log. */
export function logLine({ at, source, level, function: name, text }) {
  const who = name ?? { host: "host", stdout: "handler", stderr: "handler", function: "function" }[source];
  return element("li", { class: level }, element("time", { datetime: at }, time(at)), element("b", {}, who), element("span", {}, text));
}
