// What the page knows, and who wants to hear when it changes.

import { get } from "./server.js";

function emptyRoom() {
  return { messages: new Map(), presses: {}, about: null, news: new Set() };
}

export const state = {
  people: [],
  bots: [],
  rooms: new Map(),
  behind: false,
  /** Is there a host to look into? */
  look: false,
  /** Who the page is: a person's id. */
  me: null,
  /** The open room's key: `{bot}:{person}`, or `:{group}`. */
  at: null,
  /** The open room: messages by id, open presses by id, what is known about it, and which topics have news. */
  room: emptyRoom(),
  /** The open topic of a group; without one, General. */
  topic: null,
  /** Unread messages by room. */
  unread: new Map(),
  /** The message whose story the second pane tells; without one, the newest. */
  selected: null,
  /** The phones that stand side by side, each `{ person, at }`; without any, the page is one. */
  phones: [],
};

/** Is this one of the phones in a page around it? */
export const isPhone = parent !== window && new URLSearchParams(location.search).has("phone");

const listeners = new Map();

/** Calls `then` whenever one of the topics changes: `overview`, `room`, `message`, `deleted`, `journal`, … */
export function on(topics, then) {
  for (const topic of topics.split(" ")) listeners.set(topic, [...(listeners.get(topic) ?? []), then]);
}

export function changed(topic, what) {
  for (const then of listeners.get(topic) ?? []) then(what);
}

export const me = () => state.people.find((person) => person.id === state.me);
export const isGroup = (key) => key?.startsWith(":") ?? false;
export const botOf = (key) => state.bots.find((bot) => bot.slug === key?.split(":")[0]);

/** Who does something, and where, as the server wants it. */
export function spot() {
  const [bot, chat] = state.at.split(":");
  return bot ? { person: state.me, bot } : { person: state.me, group: Number(chat), topic: state.topic };
}

/** The topic that a message is in. */
export const topicOf = (message) => (message.is_topic_message ? message.message_thread_id : null);

/** The messages of the open topic; those of the room, if it has none. */
export const shownMessages = () => [...state.room.messages.values()].filter((message) => topicOf(message) === state.topic);

/** The chats that a person can open: every bot, and the groups they are in. */
export function chatsOf(person) {
  const groups = [...state.rooms].filter(([key, room]) => isGroup(key) && room.about.people.includes(person));
  return [...state.bots.map((bot) => `${bot.slug}:${person}`), ...groups.map(([key]) => key)];
}

export async function loadOverview() {
  const { people, bots, rooms, behind, look } = await get("/chat/overview");
  Object.assign(state, { people, bots, behind, look, rooms: new Map(rooms.map((room) => [room.key, room])) });
  changed("overview");
}

export async function loadRoom() {
  const key = state.at;
  if (!key) return;
  const { about, messages, presses } = await get("/chat/room", { key });
  if (state.at !== key) return;
  state.room = { ...state.room, about, presses, messages: new Map(messages.map((message) => [message.message_id, message])) };
  changed("room");
}

/** Becomes somebody, in a room; without a room, the same kind of room as before. */
export async function go(person, key) {
  const before = state.at?.split(":") ?? [];
  const mine = chatsOf(person);
  const same = mine.find((chat) => chat === state.at || (before[0] && chat.startsWith(`${before[0]}:`)));
  Object.assign(state, { me: person, at: key ?? same ?? mine[0] ?? null, topic: null, selected: null });
  state.room = emptyRoom();
  state.unread.delete(state.at);
  changed("moved");
  await loadRoom();
}
