// Puts the page together and keeps it true to what happens on the server.

import "./behind.js";
import "./chat.js";
import "./composer.js";
import "./handset.js";
import "./host.js";
import "./replay.js";
import "./sheets.js";
import "./sidebar.js";
import "./topics.js";
import { byId } from "./elements.js";
import { standSideBySide } from "./phones.js";
import { listen, overhear, retell } from "./server.js";
import { changed, chatsOf, go, isPhone, loadOverview, loadRoom, on, state, topicOf } from "./state.js";

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
      if (topicOf(message) === state.topic) changed("message", message);
      else state.room.news.add(topicOf(message));
      changed("topics");
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
    // Side by side, it is the person's phone that shows it.
    if (press.person === state.me && state.phones.length === 0) changed("answered", press.answer);
  },
  journal({ room }) {
    if (room === state.at) changed("journal");
  },
};

/** Opens what the address names; else the first person and the first chat. */
async function enter() {
  const named = decodeURIComponent(location.hash.slice(1)).split("+").map(spotOf).filter(Boolean);
  const first = named[0] ?? spotOf(String(state.people[0]?.id));
  if (!first) return;
  if (first.at || isPhone) app.dataset.view = "chat";
  if (!isPhone) await standSideBySide(named);
  await go(first.person, first.at ?? undefined);
}

/** `101/operations:101` is who, and where. */
function spotOf(words) {
  const [id, key] = words.split("/");
  const known = state.people.find((person) => person.id === Number(id));
  return known && { person: known.id, at: chatsOf(known.id).find((chat) => chat === key) ?? null };
}

on("moved phones", () => {
  const open = state.phones.length > 0 ? state.phones : [{ person: state.me, at: state.at }];
  if (state.me) history.replaceState(null, "", `#${open.map(({ person, at }) => `${person}/${at ?? ""}`).join("+")}`);
});

let queue = Promise.resolve();
const hear = isPhone ? overhear : (...how) => listen("/chat/events", ...how);
hear(
  (news) => {
    // One after another, so that what is loaded never overwrites what came later.
    queue = queue.then(() => heard[news.news]?.(news)).catch((error) => changed("failed", error));
    retell("news", news);
  },
  (connected) => {
    byId("connection").textContent = connected ? "" : "Reconnecting…";
    app.classList.toggle("offline", !connected);
    retell("connected", connected);
  },
);

addEventListener("hashchange", () => enter().catch((error) => changed("failed", error)));
byId("back").addEventListener("click", () => (app.dataset.view = "list"));
