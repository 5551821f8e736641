// The right side: what happened behind a message, from the update to the effects.

import { byId, element } from "./elements.js";
import { summary } from "./sidebar.js";
import { get } from "./server.js";
import { changed, isGroup, on, shownMessages, state } from "./state.js";
import { paneShown } from "./tabs.js";
import { callCard, deliveryCard, entryCard, eventCard, itemCard, workflowCard } from "./story.js";

const body = byId("behind-body");
let waiting = null;
let afterwards = null;
let shown = "";

on("moved", () => {
  shown = "";
  body.replaceChildren();
  later(0);
});
on("room topic journal message deleted selected", () => later(120));

/** Looks again soon, several reasons at once being one look; and once more when things have calmed down. */
function later(delay) {
  clearTimeout(afterwards);
  afterwards = setTimeout(look, 1500);
  waiting ??= setTimeout(look, delay);
}

async function look() {
  clearTimeout(waiting);
  waiting = null;
  try {
    await refresh();
  } catch (error) {
    shown = "";
    body.replaceChildren(note(`This can't be shown now (${error.message}).`));
  }
}

async function refresh() {
  const key = state.at;
  if (!key) return;
  const hidden = paneShown() !== "behind";
  const [journal, behind] = await Promise.all([get("/chat/journal", { key }), hidden ? null : fetchBehind(key)]);
  if (key !== state.at) return;
  changed("failing", journal.deliveries.findLast((delivery) => delivery.state === "waiting" && delivery.error));
  if (!behind) return;
  const story = tell(journal, behind);
  // What is the same is left alone, so that what somebody unfolded stays unfolded.
  const print = JSON.stringify([story, behind, key]);
  if (print === shown) return;
  shown = print;
  const open = new Set([...body.querySelectorAll("details[open]")].map((details) => details.dataset.key));
  byId("behind-subject").textContent = story.subject ? summary(story.subject) : "";
  body.replaceChildren(...draw(story, behind));
  for (const details of body.querySelectorAll("details")) details.open ||= open.has(details.dataset.key);
}

/** What the app says about the conversation; `{ missing }` says why it says nothing. */
async function fetchBehind(key) {
  if (!state.behind) return { missing: "The bot keeps to itself what it made of this; below is what went over the wire." };
  const [bot, chat] = key.split(":");
  const slug = isGroup(key) ? state.rooms.get(key)?.about.bots[0] : bot;
  try {
    return await get(`/behind/conversation/${encodeURIComponent(`${slug}:${chat}:${state.topic ?? 0}:${state.me}`)}`);
  } catch (error) {
    return { missing: `The app doesn't answer now (${error.message}).` };
  }
}

/** The message to tell about, the update that began it, and the calls up to the next update. */
function tell({ calls, deliveries }, behind) {
  const newest = shownMessages().at(-1);
  const subject = state.room.messages.get(state.selected) ?? newest ?? null;
  const oldestFirst = [...deliveries].reverse();
  const begun = subject && oldestFirst.findLast((delivery) => began(delivery, subject, calls));
  const next = begun && oldestFirst.find(({ n }) => n > begun.n);
  const theirs = begun ? calls.filter(({ n }) => n > begun.n && (!next || n < next.n)).reverse() : [...calls].reverse().slice(-5);
  const mentions = (thing) => begun && JSON.stringify(thing ?? "").includes(String(begun.update_id));
  const workflows = behind.workflows ?? [];
  return {
    subject,
    delivery: begun ?? null,
    calls: theirs,
    items: (behind.items ?? []).filter(mentions),
    entries: workflows.flatMap((workflow) => (workflow.log ?? []).filter((entry) => mentions(entry.input ?? entry)).map((entry) => ({ workflow, entry }))),
  };
}

/** Did this update begin what made the message? A bot's message goes back to the update before the call that made it. */
function began(delivery, message, calls) {
  if (!message.from.is_bot) return isAbout(delivery, message.message_id);
  const made = calls.find((call) => call.answer?.result?.message_id === message.message_id);
  return made ? delivery.n < made.n : isAbout(delivery, message.message_id);
}

function isAbout(delivery, id) {
  try {
    const update = JSON.parse(delivery.update);
    return (update.message ?? update.edited_message ?? update.callback_query?.message)?.message_id === id;
  } catch {
    return false;
  }
}

function draw({ delivery, calls, items, entries }, behind) {
  const parts = [];
  if (behind.missing) parts.push(note(behind.missing));
  if (!delivery && calls.length === 0) parts.push(note("Nothing has happened here yet. Write something and watch."));
  const steps = [
    delivery && deliveryCard(delivery),
    ...items.map(itemCard),
    ...entries.map(({ workflow, entry }) => entryCard(entry, workflow)),
    ...calls.map(callCard),
  ].filter(Boolean);
  if (steps.length > 0) parts.push(element("ol", { class: "steps" }, steps));
  const workflows = behind.workflows ?? [];
  if (workflows.length > 0) parts.push(section("Workflows", workflows.map(workflowCard)));
  const events = behind.events ?? [];
  if (events.length > 0) parts.push(section("Events", [element("ol", { class: "steps" }, [...events].reverse().map(eventCard))]));
  return parts;
}

const note = (words) => element("p", { class: "note" }, words);
const section = (title, children) => element("section", {}, element("h3", {}, title), ...children);

on("pane", (pane) => pane === "behind" && later(0));
