// Puts the page together and keeps it true to what happens on the server.

import "./behind.js";
import "./chat.js";
import "./composer.js";
import "./host.js";
import "./sheets.js";
import "./sidebar.js";
import { byId } from "./elements.js";
import { listen } from "./server.js";
import { changed, chatsOf, go, isGroup, loadOverview, loadRoom, state } from "./state.js";

const app = byId("app");

const heard = {
  async all() {
    await loadOverview();
    await (state.me ? loadRoom() : enter());
    changed("journal");
  },
  people: loadOverview,
  bots: loadOverview,
  async room({ room }) {
    await loadOverview();
    if (room === state.at) await loadRoom();
  },
  message({ room, message }) {
    const known = state.rooms.get(room);
    const isNew = !known?.last || message.message_id > known.last.message_id;
    if (known && (isNew || known.last.message_id === message.message_id)) known.last = message;
    if (room === state.at) {
      state.room.messages.set(message.message_id, message);
      changed("message", message);
    } else if (isNew && message.from.is_bot) {
      state.unread.set(room, (state.unread.get(room) ?? 0) + 1);
    }
    changed("list");
  },
  deleted({ room, message_id }) {
    if (room !== state.at) return;
    state.room.messages.delete(message_id);
    changed("deleted", message_id);
  },
  action({ room, action }) {
    if (room === state.at) changed("action", action);
  },
  pressed({ id, press }) {
    if (press.room !== state.at) return;
    state.room.presses[id] = press;
    changed("pressed", press);
  },
  answered({ id, press }) {
    if (press.room !== state.at) return;
    delete state.room.presses[id];
    changed("pressed", press);
    if (press.person === state.me) changed("answered", press.answer);
  },
  journal({ room }) {
    if (room === state.at) changed("journal");
  },
};

/** Opens what the address names; else the first person and the first chat. */
async function enter() {
  const [person, key] = decodeURIComponent(location.hash.slice(1)).split("/");
  const known = state.people.find(({ id }) => id === Number(person)) ?? state.people[0];
  if (!known) return;
  const chat = chatsOf(known.id).find((chat) => chat === key);
  if (chat || isGroup(key)) app.dataset.view = "chat";
  await go(known.id, chat);
}

let queue = Promise.resolve();
listen(
  "/chat/events",
  // One after another, so that what is loaded never overwrites what came later.
  (news) => (queue = queue.then(() => heard[news.news]?.(news)).catch((error) => changed("failed", error))),
  (connected) => {
    byId("connection").textContent = connected ? "" : "Reconnecting…";
    app.classList.toggle("offline", !connected);
  },
);

addEventListener("hashchange", () => enter().catch((error) => changed("failed", error)));
byId("back").addEventListener("click", () => (app.dataset.view = "list"));
