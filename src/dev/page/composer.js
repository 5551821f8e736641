// Under the messages: writing, commands, replies, corrections.

import { sendContact, sendLocation } from "./attach.js";
import { byId, element, fullName, icon } from "./elements.js";
import { act } from "./server.js";
import { summary } from "./sidebar.js";
import { botOf, changed, isGroup, me, on, shownMessages, spot, state } from "./state.js";

const text = byId("text");
const suggestions = byId("suggestions");
/** Unsent words by room. */
const drafts = new Map();
let here = null;
/** The message that is answered or corrected: `{ verb: "reply" | "edit", message }`. */
let about = null;
/** Which suggestion Enter takes. */
let chosen = 0;

on("moved", () => {
  if (here !== null) drafts.set(here, text.value);
  here = `${state.me}/${state.at}`;
  setAbout(null);
  text.value = drafts.get(here) ?? "";
  grow();
  suggest();
  if (matchMedia("(hover: hover)").matches) text.focus();
});
on("room", () => {
  const { about: room, messages } = state.room;
  const blocked = room?.blocked ?? false;
  byId("unblock").hidden = !blocked;
  byId("start").hidden = blocked || isGroup(state.at) || messages.size > 0;
  byId("composer").classList.toggle("closed", blocked);
  byId("block").setAttribute("aria-pressed", String(blocked));
  showKeyboard(room?.keyboard);
  askForReply();
});
on("message", (message) => {
  byId("start").hidden = true;
  if (message.force_reply && message.from.is_bot && !message.edit_date) setAbout({ verb: "reply", message });
});
on("topic", () => setAbout(null));
on("deleted", (id) => about?.message.message_id === id && setAbout(null));
on("overview moved", () => (byId("menu").hidden = commands().length === 0));
on("reply", (message) => setAbout({ verb: "reply", message }));
on("edit", (message) => {
  setAbout({ verb: "edit", message });
  text.value = message.text ?? message.caption ?? "";
  grow();
});

function askForReply() {
  const last = shownMessages().at(-1);
  if (last?.force_reply && last.from.is_bot) setAbout({ verb: "reply", message: last });
}

function setAbout(next) {
  const wasEdit = about?.verb === "edit";
  about = next;
  const bar = byId("about-message");
  bar.hidden = !about;
  byId("send").replaceChildren(icon(about?.verb === "edit" ? "check" : "send"));
  if (wasEdit && !about) {
    text.value = "";
    grow();
  }
  if (!about) return;
  const close = element("button", { class: "icon", "aria-label": "Cancel", onclick: () => setAbout(null) }, icon("close"));
  const title = about.verb === "edit" ? "Edit message" : `Reply to ${fullName(about.message.from)}`;
  bar.replaceChildren(icon(about.verb), element("div", {}, element("strong", {}, title), element("span", {}, summary(about.message))), close);
  text.focus();
}

async function send() {
  const said = text.value.trim();
  if (!said || !state.at) return;
  const now = about;
  text.value = "";
  about = null;
  setAbout(null);
  grow();
  suggest();
  try {
    if (now?.verb === "edit") await act("edit", { ...spot(), message_id: now.message.message_id, text: said });
    else await act("say", { ...spot(), text: said, reply_to: now?.message.message_id });
  } catch (error) {
    text.value = said;
    changed("failed", error);
  }
}

const say = (words) => act("say", { ...spot(), text: words }).catch((error) => changed("failed", error));

/** The menu for this person's language, else the one for all. */
function commands() {
  const menus = botOf(state.at)?.menus.filter((menu) => ["default", "all_private_chats"].includes(menu.scope.type)) ?? [];
  const menu = menus.find((menu) => menu.language_code === me()?.language_code) ?? menus.find((menu) => !menu.language_code);
  return menu?.commands ?? [];
}

function suggest(all = false) {
  grow();
  const typed = /^\/(\w*)$/.exec(text.value)?.[1];
  const fitting = all ? commands() : typed === undefined ? [] : commands().filter(({ command }) => command.startsWith(typed));
  chosen = 0;
  suggestions.hidden = fitting.length === 0;
  byId("menu").setAttribute("aria-expanded", String(!suggestions.hidden));
  const option = ({ command, description }, index) =>
    element(
      "button",
      { role: "option", id: `command-${index}`, "data-command": command, onclick: () => take(command) },
      element("span", { class: "command" }, `/${command}`),
      element("span", { class: "description" }, description),
    );
  suggestions.replaceChildren(...fitting.map(option));
  mark();
}

function mark() {
  [...suggestions.children].forEach((option, index) => option.setAttribute("aria-selected", String(index === chosen)));
  const active = suggestions.hidden ? "" : `command-${chosen}`;
  text.setAttribute("aria-activedescendant", active);
  suggestions.children[chosen]?.scrollIntoView({ block: "nearest" });
}

function take(command) {
  text.value = "";
  suggest();
  say(`/${command}`);
  text.focus();
}

function grow() {
  text.style.height = "auto";
  text.style.height = `${Math.min(text.scrollHeight, 180)}px`;
  byId("send").classList.toggle("ready", text.value.trim() !== "");
}

text.addEventListener("input", () => {
  grow();
  suggest();
});
text.addEventListener("keydown", (event) => {
  const open = !suggestions.hidden;
  const count = suggestions.childElementCount;
  if (event.isComposing) return;
  if (open && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
    event.preventDefault();
    chosen = (chosen + (event.key === "ArrowDown" ? 1 : -1) + count) % count;
    mark();
  } else if (open && event.key === "Tab") {
    event.preventDefault();
    text.value = `/${suggestions.children[chosen].dataset.command} `;
    suggest();
  } else if (open && event.key === "Enter") {
    event.preventDefault();
    take(suggestions.children[chosen].dataset.command);
  } else if (event.key === "Enter" && !event.shiftKey) {
    event.preventDefault();
    send();
  } else if (event.key === "Escape") {
    if (open) suggestions.hidden = true;
    else setAbout(null);
  } else if (event.key === "ArrowUp" && text.value === "") {
    const own = shownMessages().filter((message) => message.from.id === state.me && message.text).at(-1);
    if (own) {
      event.preventDefault();
      changed("edit", own);
    }
  }
});
byId("send").addEventListener("click", send);
byId("start").addEventListener("click", () => say("/start"));
byId("unblock").addEventListener("click", () => act("unblock", spot()).catch((error) => changed("failed", error)));
byId("menu").addEventListener("click", () => {
  if (suggestions.hidden) suggest(true);
  else suggestions.hidden = true;
  text.focus();
});

function showKeyboard(keyboard) {
  const place = byId("keyboard");
  place.hidden = !keyboard;
  const key = (button) => {
    const label = button.text ?? button;
    const press = () => {
      if (button.request_location) sendLocation();
      else if (button.request_contact) sendContact();
      else say(label);
    };
    return element("button", { class: "key", onclick: press }, label);
  };
  place.replaceChildren(...(keyboard?.keyboard ?? []).map((row) => element("div", { class: "keys" }, row.map(key))));
}

document.addEventListener("click", (event) => {
  if (!event.target.closest("#composer")) suggestions.hidden = true;
});
