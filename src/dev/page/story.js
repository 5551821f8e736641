// The cards of the second pane. What they show comes from elsewhere: every field may be missing.

import { element } from "./elements.js";

const took = (micros) => (micros >= 1000 ? `${(micros / 1000).toFixed(micros >= 10000 ? 0 : 1)} ms` : `${micros} µs`);

function parsed(text) {
  try {
    return typeof text === "string" ? JSON.parse(text) : text;
  } catch {
    return text;
  }
}

function step(kind, title, chips, ...body) {
  const shown = chips.filter(Boolean).map(([words, mood]) => element("span", { class: `chip ${mood ?? ""}` }, words));
  return element("li", { class: `step ${kind}` }, element("div", { class: "title" }, element("strong", {}, title), ...shown), ...body);
}

/** An update on its way to the webhook. */
export function deliveryCard({ n, update_id, kind, state, attempts, status, error, micros, next, update }) {
  const mood = { delivered: "good", dropped: "bad", waiting: attempts ? "bad" : "", in_flight: "" }[state];
  return step(
    "update",
    `Update ${update_id ?? ""}`,
    [[String(kind ?? "").replaceAll("_", " ")], [status ?? String(state ?? "").replaceAll("_", " "), mood], micros ? [took(micros)] : null, attempts > 1 ? [`${attempts} attempts`, "bad"] : null],
    error && element("p", { class: "error" }, error, next ? `; again at ${new Date(next).toLocaleTimeString()}` : ""),
    tree("the update as delivered", parsed(update), `delivery-${n}`),
  );
}

/** A call of the Bot API. */
export function callCard({ n, method, parameters, status, answer, micros, from_webhook }) {
  const refused = status && status !== 200;
  return step(
    "call",
    method ?? "call",
    [[status || "no answer", refused || !status ? "bad" : "good"], [took(micros ?? 0)], from_webhook ? ["in the webhook's answer"] : null],
    refused && element("p", { class: "error" }, answer?.description ?? ""),
    parameters?.text && element("p", { class: "said" }, parameters.text),
    tree("parameters", parameters, `parameters-${n}`),
    tree("answer", answer, `answer-${n}`),
  );
}

/** An input as the conversation's inbox keeps it. */
export function itemCard(item, index) {
  const state = item.state ?? "";
  return step("item", "Inbox", [[state, state === "done" ? "good" : ""]], values(item.caused, "caused"), tree("the input", item.input ?? item, `item-${index}`));
}

/** An input as a workflow's log keeps it. */
export function entryCard(entry, workflow) {
  const effects = entry.effects ?? [];
  return step(
    "entry",
    `Entry ${entry.n ?? ""}${workflow?.script ? ` of ${workflow.script}` : ""}`,
    [],
    values(entry.meaning, "meaning"),
    effects.length > 0 && element("ul", { class: "effects" }, effects.map((effect) => element("li", {}, brief(effect)))),
    tree("input", entry.input, `entry-${workflow?.id}-${entry.n}`),
    tree("effects", effects.length > 0 ? effects : null, `effects-${workflow?.id}-${entry.n}`),
  );
}

export function eventCard(event, index) {
  const type = event.type ?? event.event?.type ?? "event";
  return step("event", type, [], tree("data", event.data ?? event, `event-${event.id ?? index}`));
}

export function workflowCard(workflow) {
  const { id, script, status, open = [], answers = [], log = [] } = workflow;
  const answered = Array.isArray(answers) ? answers : Object.entries(answers).map(([name, value]) => ({ name, value }));
  return element(
    "article",
    { class: "workflow" },
    element("div", { class: "title" }, element("strong", {}, script ?? "workflow"), status && element("span", { class: `chip ${mood(status)}` }, brief(status))),
    id && element("code", { class: "id" }, id),
    answered.length > 0 && element("dl", { class: "answers" }, answered.flatMap((answer) => [element("dt", {}, nameOf(answer)), element("dd", {}, brief(valueOf(answer)))])),
    open.length > 0 && element("p", { class: "open" }, "Waits for ", open.map((question, index) => [index > 0 ? ", " : "", element("span", { class: "chip" }, nameOf(question))])),
    log.length > 0 && element("details", { "data-key": `log-${id}` }, element("summary", {}, `Log of ${log.length}`), element("ol", { class: "steps" }, log.map((entry) => entryCard(entry, workflow)))),
  );
}

const mood = (status) => ({ done: "good", finished: "good", ended: "good", stuck: "bad", failed: "bad" })[String(status)] ?? "";
const nameOf = (thing) => (typeof thing === "string" ? thing : (thing?.name ?? thing?.question ?? thing?.[0] ?? "?"));
const valueOf = (thing) => thing?.value ?? thing?.answer ?? (Array.isArray(thing) ? thing[1] : thing);

function values(list, title) {
  const all = list === undefined || list === null ? [] : Array.isArray(list) ? list : [list];
  return all.length > 0 && element("ul", { class: title }, all.map((value) => element("li", {}, brief(value))));
}

/** A value in one line. */
function brief(value) {
  if (value === null || value === undefined) return "–";
  if (typeof value !== "object") return String(value);
  if (Array.isArray(value)) return value.map(brief).join(", ");
  const pairs = Object.entries(value).filter(([, inner]) => inner !== null && inner !== undefined);
  if (pairs.length === 1) {
    const [name, inner] = pairs[0];
    return `${name}: ${brief(inner)}`;
  }
  const words = pairs.map(([name, inner]) => `${name} ${typeof inner === "object" ? JSON.stringify(inner) : inner}`).join(", ");
  return words.length > 160 ? `${words.slice(0, 160)}…` : words;
}

/** JSON that unfolds. */
export function tree(title, value, key) {
  if (value === null || value === undefined) return null;
  return element("details", { "data-key": key }, element("summary", {}, title), element("pre", { tabindex: "0" }, typeof value === "string" ? value : JSON.stringify(value, null, 2)));
}
