// The left side: who you are, and your chats.

import { avatar, byId, element, fullName, timeOf } from "./elements.js";
import { botOf, chatsOf, go, isGroup, on, state } from "./state.js";

on("overview moved list", () => {
  showPeople();
  showChats();
});

function showPeople() {
  const focused = document.activeElement?.closest("#people [role=radio]")?.dataset.person;
  const people = state.people.map((person) => {
    const mine = person.id === state.me;
    const waiting = chatsOf(person.id).some((key) => !isGroup(key) && state.unread.has(key));
    return element(
      "button",
      {
        role: "radio",
        class: "person",
        "aria-checked": String(mine),
        tabindex: mine || !state.me ? "0" : "-1",
        "data-person": person.id,
        title: `${fullName(person)} (${person.language_code ?? "no language"})`,
        onclick: () => go(person.id),
        onkeydown: step,
      },
      avatar(fullName(person)),
      element("span", { class: "name" }, person.first_name),
      waiting && element("span", { class: "dot", "aria-label": "unread messages" }),
    );
  });
  const add = element(
    "button",
    { class: "person add", id: "new-person", "aria-label": "Add a person", title: "Add a person" },
    element("span", { class: "avatar", "aria-hidden": "true" }, "+"),
    element("span", { class: "name" }, "Add"),
  );
  byId("people").replaceChildren(...people, add);
  if (focused) byId("people").querySelector(`[data-person="${focused}"]`)?.focus();
}

/** Arrow keys go from person to person, as in any group of radio buttons. */
function step(event) {
  const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (!by) return;
  event.preventDefault();
  const at = state.people.findIndex((person) => person.id === state.me);
  const next = state.people[(at + by + state.people.length) % state.people.length];
  byId("people").querySelector(`[data-person="${next.id}"]`)?.focus();
  go(next.id);
}

function showChats() {
  if (!state.me) return;
  const rows = chatsOf(state.me).map((key) => {
    const room = state.rooms.get(key);
    const name = chatName(key);
    const unread = state.unread.get(key);
    const last = room?.last;
    return element(
      "button",
      {
        class: "chat-row",
        "aria-current": key === state.at ? "page" : null,
        "data-room": key,
        onclick: () => {
          byId("app").dataset.view = "chat";
          go(state.me, key);
        },
      },
      avatar(name),
      element("span", { class: "name" }, name),
      element("time", {}, last ? timeOf(last.date) : ""),
      element("span", { class: "preview" }, preview(last, key)),
      unread && element("span", { class: "count", "aria-label": `${unread} unread` }, String(unread)),
    );
  });
  byId("chats").replaceChildren(...rows);
}

export function chatName(key) {
  return isGroup(key) ? (state.rooms.get(key)?.about.chat.title ?? "Group") : (botOf(key)?.name ?? key);
}

function preview(message, key) {
  if (!message) return `@${botOf(key)?.username ?? ""}`;
  const who = message.from.id === state.me ? "You: " : "";
  return who + summary(message);
}

const MEDIA = Object.entries({ voice: "Voice message", audio: "Audio", video: "Video", video_note: "Video message", animation: "Animation", sticker: "Sticker" });

/** A message in a few words. */
export function summary(message) {
  if (message.text) return message.text;
  if (message.photo) return `Photo${message.caption ? `, ${message.caption}` : ""}`;
  for (const [kind, name] of MEDIA) if (message[kind]) return message.caption ? `${name}, ${message.caption}` : name;
  if (message.document) return message.document.file_name;
  if (message.location) return message.location.live_period ? "Live location" : "Location";
  if (message.contact) return `Contact: ${fullName(message.contact)}`;
  if (message.forum_topic_created) return `Topic “${message.forum_topic_created.name}” opened`;
  return "Message";
}
