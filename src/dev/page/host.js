// The pane of the host: handler, functions, queues, calls and log, live.

import { byId, element } from "./elements.js";
import { keep } from "./rows.js";
import { callRow, logLine } from "./invocation.js";
import { get, listen, post } from "./server.js";
import { on, state } from "./state.js";
import { paneShown } from "./tabs.js";

/** So many calls and lines are shown. */
const CALLS = 60;
const LINES = 100;

const panel = byId("host-panel");
const filter = byId("host-filter");
let waiting = null;
let missed = false;
let stop = null;

/** Looks again soon, several reasons at once being one look; what happens during a look is reason for another. */
function later() {
  missed = true;
  waiting ??= setTimeout(async () => {
    missed = false;
    try {
      await look();
      byId("host-note").hidden = true;
    } catch (error) {
      say(`The host can't be seen now (${error.message}).`);
    }
    waiting = null;
    if (missed) later();
  }, 100);
}

function say(words) {
  byId("host-note").textContent = words;
  byId("host-note").hidden = false;
}

async function look() {
  const about = await get("/dev/host");
  showBuild(about.build);
  byId("host-light").dataset.mood = about.build?.build === "failed" ? "bad" : moodOf(about.handler);
  if (paneShown() !== "host") return;
  const [functions, queues, calls, log] = await Promise.all(["functions", "queues", "invocations", "log"].map((what) => get(`/dev/${what}`)));
  keep(byId("host-handler"), [about], () => "handler", handlerCard);
  keep(byId("host-functions"), functions, ({ name }) => name, functionRow);
  keep(byId("host-queues"), queues, ({ name }) => name, queueRow);
  offer(functions);
  const wanted = calls.filter((call) => !filter.value || (filter.value === "!" ? call.failure : call.function === filter.value));
  keep(byId("host-invocations"), wanted.slice(0, CALLS), ({ n }) => n, callRow);
  const atEnd = isAtEnd();
  keep(byId("host-log"), log.slice(-LINES), (line) => `${line.at} ${line.text}`, logLine);
  if (atEnd) byId("host-log").scrollTop = byId("host-log").scrollHeight;
  tick();
}

function isAtEnd() {
  const { scrollTop, clientHeight, scrollHeight } = byId("host-log");
  return scrollTop + clientHeight >= scrollHeight - 8;
}

/** Which calls can be asked for. */
function offer(functions) {
  const options = [["", "all"], ["!", "failed ones"], ...functions.filter(({ fault }) => !fault).map(({ name }) => [name, name])];
  if (filter.options.length === options.length) return;
  const chosen = filter.value;
  filter.replaceChildren(...options.map(([value, words]) => element("option", { value }, words)));
  filter.value = options.some(([value]) => value === chosen) ? chosen : "";
}

const moodOf = (handler) => ({ ready: "good", unneeded: "good", starting: "" })[handler.state] ?? "bad";

function handlerCard({ address, handler, restarts, build }) {
  const facts = [
    handler.process && `process ${handler.process}`,
    handler.port && `port ${handler.port}`,
    `${restarts} ${restarts === 1 ? "restart" : "restarts"}`,
  ];
  const building = { building: ["building…", ""], failed: ["build failed", "bad"], up_to_date: ["up to date", "good"] }[build?.build];
  return element(
    "article",
    { class: "workflow" },
    element(
      "div",
      { class: "title" },
      element("strong", {}, "Handler"),
      chip(handler.state, moodOf(handler)),
      building && chip(...building),
    ),
    element("p", { class: "facts" }, facts.filter(Boolean).join(" · ")),
    handler.why && element("p", { class: "error" }, handler.why),
    element("p", { class: "facts" }, "Functions at ", element("a", { href: address, target: "_blank", rel: "noopener", "data-focus": "address" }, address)),
  );
}

const chip = (words, mood) => element("span", { class: `chip ${mood ?? ""}` }, words);
const TRIGGERS = { httpTrigger: "HTTP", queueTrigger: "queue", timerTrigger: "timer", cosmosDBTrigger: "change feed" };

function functionRow({ name, trigger, what, methods, fault, disabled, runs, failures, total_ms, next }) {
  const mean = runs > 0 ? ` · ${(total_ms / runs).toFixed(1)} ms` : "";
  const where = trigger === "httpTrigger" ? `${methods.join(" ") || "any method"} /${what}` : what;
  return element(
    "li",
    { class: "row function" },
    element(
      "div",
      { class: "title" },
      element("strong", {}, name),
      TRIGGERS[trigger] && chip(TRIGGERS[trigger]),
      disabled && chip("disabled"),
      failures > 0 && chip(`${failures} failed`, "bad"),
      element("span", { class: "tally" }, runs > 0 ? `${runs} ${runs === 1 ? "call" : "calls"}${mean}` : ""),
    ),
    element("p", { class: "what" }, where),
    fault && element("p", { class: "error" }, fault),
    trigger === "timerTrigger" &&
      element(
        "div",
        { class: "line" },
        next && !disabled ? element("time", { class: "facts", "data-next": next, title: next }) : element("span", { class: "facts" }, "not scheduled"),
        element("button", { type: "button", class: "quiet", "data-focus": "run", "data-run": name, onclick: () => attempt(() => post(`/dev/functions/${encodeURIComponent(name)}/run`, {})) }, "Run now"),
      ),
  );
}

async function attempt(what) {
  try {
    await what();
    later();
    return true;
  } catch (error) {
    say(error.message);
    return false;
  }
}

function queueRow(queue, known) {
  const row = known ?? newQueueRow(queue);
  row.update(queue);
  return row;
}

/** The row is made once: what somebody writes into it stays while the lengths change. */
function newQueueRow({ name }) {
  const path = `/dev/queues/${encodeURIComponent(name)}`;
  const title = element("div", { class: "title" });
  const inside = element("ol", { class: "messages-in" });
  const message = element("textarea", { rows: "2", "aria-label": `A message for ${name}`, placeholder: "A message", "data-focus": "message", required: true });
  const form = element("form", { class: "put" }, message, element("button", { class: "quiet" }, "Put"));
  const details = element("details", { "data-queue": name }, element("summary", {}, "Look in, or put a message"), inside, form);
  const peek = async () => {
    if (!details.open) return;
    const found = await get(path).catch(() => []);
    inside.replaceChildren(...(found.length > 0 ? found.map(messageRow) : [element("li", { class: "facts" }, "Nothing waits here.")]));
  };
  details.addEventListener("toggle", peek);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (await attempt(() => post(path, { message: message.value }))) message.value = "";
  });
  message.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  const row = element("li", { class: "row queue", "data-name": name }, title, details);
  row.update = ({ visible, hidden, functions, poison }) => {
    title.replaceChildren(
      element("strong", {}, name),
      chip(`${visible} waiting`, poison && visible > 0 ? "bad" : ""),
      ...(hidden > 0 ? [chip(`${hidden} hidden`)] : []),
      ...(functions.length > 0 ? [element("span", { class: "tally" }, `→ ${functions.join(", ")}`)] : []),
    );
    peek();
  };
  return row;
}

function messageRow({ text, base64, dequeue_count, inserted_at }) {
  const tries = dequeue_count > 0 ? ` · tried ${dequeue_count} times` : "";
  return element("li", {}, element("p", { class: "facts" }, new Date(inserted_at).toLocaleTimeString(), tries, base64 ? " · base64" : ""), element("pre", { tabindex: "0" }, text ?? base64));
}

/** Says how long it is until each timer runs. */
function tick() {
  for (const time of panel.querySelectorAll("[data-next]")) {
    const seconds = Math.max(0, Math.round((new Date(time.dataset.next) - Date.now()) / 1000));
    const left = seconds < 90 ? `${seconds} s` : seconds < 5400 ? `${Math.round(seconds / 60)} min` : seconds < 129600 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86400)} days`;
    time.textContent = `next in ${left}`;
  }
}

function showBuild(build) {
  const banner = byId("build");
  banner.hidden = build?.build !== "failed";
  if (!banner.hidden) banner.querySelector("pre").textContent = build.message;
}

function hear() {
  const wanted = state.look && !document.hidden;
  if (wanted && !stop) stop = listen("/dev/events", later);
  // A browser allows few streams at once: a page that nobody sees needs none.
  if (!wanted && stop) stop = void stop();
}

setInterval(() => paneShown() === "host" && tick(), 1000);
document.addEventListener("visibilitychange", hear);
filter.addEventListener("change", later);
on("overview", hear);
on("pane", (pane) => pane === "host" && later());
