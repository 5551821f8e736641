// Plays a transcript on the phones, step by step: people do what it says, and what they are shown is compared.

import { byId, element } from "./elements.js";
import { standSideBySide } from "./phones.js";
import { act, get, post, upload } from "./server.js";
import { loadOverview, on, state } from "./state.js";
import { showPane } from "./tabs.js";
import { scenesOf } from "./transcript.js";

/** So long an answer may take. */
const PATIENCE_MS = 4000;
/** So long each step is looked at before the next, while it plays by itself. */
const PAUSE_MS = 900;

const list = byId("replay-steps");
let steps = [];
let next = 0;
let isBusy = false;
let isPlaying = false;

/** Takes a transcript: the phones of its people stand side by side, and nothing has happened yet. */
async function open(name, text) {
  isPlaying = false;
  steps = scenesOf(text);
  next = 0;
  byId("replay-name").textContent = name;
  draw();
  showPane("replay");
  if (steps.length === 0) return say("There is nothing in it that somebody does.");
  try {
    await gather();
    say("");
  } catch (error) {
    say(error.message);
  }
}

/** Everybody in it is somebody here, with the language they speak at first. */
async function gather() {
  const names = [...new Set(steps.flatMap(({ people }) => people))];
  for (const name of names) {
    const language = steps.find((step) => step.verb === "speaks" && step.who === name)?.language ?? "en";
    const known = state.people.find((person) => person.first_name === name);
    if (known) await post("/chat/languages", { person: known.id, language });
    else await post("/chat/people", { name, language });
  }
  await loadOverview();
  const phones = names.map((name) => ({ person: idOf(name), at: null }));
  if (phones.length > 1) await standSideBySide(phones);
}

const idOf = (name) => state.people.find((person) => person.first_name === name)?.id;
const spotOf = (name) => ({ person: idOf(name), bot: state.bots[0].slug });
const keyOf = (name) => `${state.bots[0].slug}:${idOf(name)}`;

async function messagesOf(name) {
  const { messages } = await get("/chat/room", { key: keyOf(name) });
  return messages;
}

/** What a step is done with; what is not here can't be done on a page. */
const deeds = {
  writes: ({ who, words }) => act("say", { ...spotOf(who), text: words }),
  comes: ({ who }) => act("say", { ...spotOf(who), text: "/start" }),
  speaks: ({ who, language }) => post("/chat/languages", { person: idOf(who), language }),
  blocks: ({ who }) => act("block", spotOf(who)),
  unblocks: ({ who }) => act("unblock", spotOf(who)),
  locates: ({ who, place, live_period }) => act("location", { ...spotOf(who), ...place, live_period }),
  async moves({ who, place }) {
    const live = (await messagesOf(who)).findLast(({ from, location }) => from.id === idOf(who) && location?.live_period);
    if (!live) throw new Error("there is no live location");
    await act("move", { ...spotOf(who), message_id: live.message_id, ...place });
  },
  async taps({ who, label, under }) {
    const keys = (await messagesOf(who)).flatMap(({ message_id, text, reply_markup }) =>
      (text ?? "").startsWith(under) ? (reply_markup?.inline_keyboard ?? []).flat().map((key) => ({ ...key, message_id })) : [],
    );
    const key = keys.findLast(({ text }) => text === label);
    if (!key) throw new Error(`no button says “${label}” now`);
    await act("press", { ...spotOf(who), message_id: key.message_id, data: key.callback_data });
  },
  async edits({ who, words }) {
    const own = (await messagesOf(who)).findLast(({ from, text }) => from.id === idOf(who) && text);
    if (!own) throw new Error("there is nothing to change yet");
    await act("edit", { ...spotOf(who), message_id: own.message_id, text: words });
  },
  async replies({ who, to, words }) {
    const message = (await messagesOf(who)).findLast(({ text }) => text?.startsWith(to));
    await act("say", { ...spotOf(who), text: words, reply_to: message?.message_id });
  },
  async sends({ who, kinds, caption }) {
    const media_group_id = kinds.length > 1 ? crypto.randomUUID() : null;
    for (const [index, kind] of kinds.entries()) {
      const file = await upload(await picture(kind, index));
      const what = { ...spotOf(who), file, caption: index === 0 ? (caption ?? "") : "", media_group_id };
      if (kind === "photo" || kind === "document") await act(kind, what);
      else await act("media", { ...what, kind });
    }
  },
};

/** Something to send: a picture for a photo, a few words for anything else. */
async function picture(kind, index) {
  if (kind !== "photo") return new File(["a few words"], `${kind}.txt`, { type: "text/plain" });
  const canvas = new OffscreenCanvas(640, 480);
  const pen = canvas.getContext("2d");
  const sky = pen.createLinearGradient(0, 0, 0, 480);
  sky.addColorStop(0, `hsl(${205 + index * 35} 45% 62%)`);
  sky.addColorStop(1, `hsl(${165 + index * 35} 35% 38%)`);
  pen.fillStyle = sky;
  pen.fillRect(0, 0, 640, 480);
  return new File([await canvas.convertToBlob()], `photo-${index + 1}.png`, { type: "image/png" });
}

async function step() {
  const now = steps[next];
  if (!now || isBusy) return;
  isBusy = true;
  mark(now, "running");
  try {
    const deed = deeds[now.verb];
    if (!deed) {
      mark(now, "skipped", now.why ?? "a page can't do this");
    } else {
      const before = new Map(await Promise.all(now.people.map(async (name) => [name, new Set((await messagesOf(name)).map(print))])));
      await deed(now);
      const missing = await comeTrue(now, before);
      mark(now, missing.length === 0 ? "done" : "different", missing.length > 0 && `Not shown: ${missing.map(({ words }) => words.split("\n")[0]).join(" · ")}`);
    }
  } catch (error) {
    mark(now, "different", error.message);
  }
  next += 1;
  isBusy = false;
  controls();
}

const print = ({ message_id, edit_date, text }) => `${message_id} ${edit_date} ${text}`;

/** Waits until everybody is shown what the step says; what isn't in time. */
async function comeTrue({ shown }, before) {
  const isThere = async ({ who, words }) => {
    const fresh = (await messagesOf(who)).filter((message) => message.from.is_bot && !before.get(who)?.has(print(message)));
    return fresh.some((message) => plain(message.text ?? message.caption ?? "") === plain(words));
  };
  const over = Date.now() + PATIENCE_MS;
  for (;;) {
    const heard = news();
    const there = await Promise.all(shown.map(isThere));
    const missing = shown.filter((_, index) => !there[index]);
    if (missing.length === 0 || Date.now() > over) return missing;
    await heard;
  }
}

/** Words as a transcript has them, without empty lines; a number that is drawn for each issue is any. */
const plain = (text) => text.replace(/\b[A-Z]-[A-Z0-9]{6}\b/g, "#").split("\n").map((line) => line.trim()).filter(Boolean).join("\n");

let wake = [];
/** The next thing that happens, or a second. */
const news = () => new Promise((done) => {
  wake.push(done);
  setTimeout(done, 1000);
});
on("list journal room", () => {
  for (const done of wake.splice(0)) done();
});

async function play() {
  isPlaying = !isPlaying;
  controls();
  while (isPlaying && next < steps.length) {
    await step();
    await new Promise((done) => setTimeout(done, PAUSE_MS));
  }
  isPlaying = false;
  controls();
}

function draw() {
  const row = (step) => {
    const said = step.shown.map(({ who, words, buttons }) =>
      element("p", { class: "shown" }, element("b", {}, `${who} sees`), " ", words, buttons.map((label) => [" ", element("span", { class: "chip" }, label)])),
    );
    const made = element("li", { class: "scene" }, step.about && element("p", { class: "about" }, step.about), element("p", { class: "does" }, step.line), ...said, element("p", { class: "outcome", hidden: true }));
    step.row = made;
    return made;
  };
  list.replaceChildren(...steps.map(row));
  controls();
}

const MARKS = { running: "Under way…", done: "As written", different: "Different", skipped: "Left out" };

function mark(step, how, why) {
  step.row.dataset.how = how;
  const outcome = step.row.querySelector(".outcome");
  outcome.hidden = false;
  outcome.textContent = why ? `${MARKS[how]}: ${why}` : MARKS[how];
  step.row.scrollIntoView({ block: "nearest" });
}

function controls() {
  const isOver = next >= steps.length;
  byId("replay-step").disabled = isOver || isPlaying || isBusy;
  byId("replay-play").disabled = isOver;
  byId("replay-play").textContent = isPlaying ? "Pause" : "Play";
  byId("replay-count").textContent = steps.length > 0 ? `${next} of ${steps.length}` : "";
  for (const [index, step] of steps.entries()) step.row.toggleAttribute("aria-current", index === next);
}

const say = (words) => {
  byId("replay-note").textContent = words;
  byId("replay-note").hidden = !words;
};

byId("replay-step").addEventListener("click", step);
byId("replay-play").addEventListener("click", play);
byId("replay-pick").addEventListener("click", () => byId("pick-transcript").click());
byId("pick-transcript").addEventListener("change", async ({ target }) => {
  const [file] = target.files;
  if (file) await open(file.name, await file.text());
  target.value = "";
});
addEventListener("transcript", async ({ detail: file }) => open(file.name, await file.text()));
