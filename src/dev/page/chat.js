// The middle: the messages of the open chat.

import { bubble } from "./bubble.js";
import { byId, dayOf, element, paint } from "./elements.js";
import { act } from "./server.js";
import { botOf, changed, isGroup, on, shownMessages, spot, state } from "./state.js";
import { chatName } from "./sidebar.js";

const list = byId("messages");
let typing = null;
/** Is the newest message in view? Then it stays so, whatever changes its size. */
let stuck = true;

list.addEventListener("scroll", () => (stuck = list.scrollHeight - list.scrollTop - list.clientHeight < 80), { passive: true });
const sizes = new ResizeObserver(() => stuck && toEnd());
sizes.observe(list);
list.addEventListener("load", () => stuck && toEnd(), true);

on("moved", () => {
  list.replaceChildren();
  byId("toasts").replaceChildren();
  byId("failing").hidden = true;
  stuck = true;
  stopTyping();
  head();
});
on("overview", head);
on("room topic", () => {
  head();
  const stick = stuck || list.childElementCount === 0;
  const messages = shownMessages();
  list.replaceChildren(...messages.map(bubble));
  if (messages.length === 0) list.append(welcome());
  arrange();
  if (stick) toEnd();
});
on("message", (message) => {
  const stick = stuck || message.from.id === state.me;
  const made = bubble(message);
  const before = find(message.message_id);
  if (before) exchange(before, made);
  else place(made, message.message_id);
  if (message.from.is_bot && !before) stopTyping();
  arrange();
  if (stick) toEnd();
});
on("deleted", (id) => {
  find(id)?.remove();
  arrange();
});
on("pressed", (press) => {
  const message = state.room.messages.get(press.message_id);
  const before = find(press.message_id);
  if (message && before) exchange(before, bubble(message));
  arrange();
});
on("selected", arrange);
on("action", (action) => {
  stopTyping();
  const doing = { upload_photo: "sends a photo", upload_document: "sends a file", find_location: "picks a location" };
  byId("chat-status").textContent = `${doing[action] ?? "typing"}…`;
  byId("chat-status").classList.add("active");
  typing = setTimeout(stopTyping, 5000);
});
on("answered", ({ text, alert, url }) => {
  if (alert && text) {
    byId("alert-text").textContent = text;
    byId("alert").showModal();
  } else if (text || url) {
    toast(text, url);
  }
});
on("failing", (delivery) => {
  byId("failing").hidden = !delivery;
  if (!delivery) return;
  const next = delivery.next ? `, next try at ${new Date(delivery.next).toLocaleTimeString()}` : "";
  byId("failing").firstElementChild.textContent = `The bot hasn't heard you: ${delivery.error}${next}.`;
});
on("failed", (error) => toast(error.message ?? String(error), null, "error"));

function head() {
  if (!state.at) return;
  const name = chatName(state.at);
  const group = isGroup(state.at);
  byId("chat-name").textContent = name;
  paint(byId("chat-avatar"), name);
  byId("block").hidden = group || !state.room.about;
  document.title = name;
  if (!typing) byId("chat-status").textContent = status(group);
}

function status(group) {
  if (group) return `${state.rooms.get(state.at)?.about.people.length ?? 0} people`;
  const bot = botOf(state.at);
  if (state.room.about?.blocked) return "blocked";
  return bot ? `@${bot.username}` : "";
}

function stopTyping() {
  clearTimeout(typing);
  typing = null;
  byId("chat-status").classList.remove("active");
  byId("chat-status").textContent = state.at ? status(isGroup(state.at)) : "";
}

function welcome() {
  const bot = botOf(state.at);
  const name = chatName(state.at);
  return element(
    "div",
    { class: "welcome" },
    element("h3", {}, `This is where you talk to ${name}`),
    element("p", {}, bot ? "Press Start, or write something. Nothing leaves this machine." : "Write something to begin."),
  );
}

const find = (id) => list.querySelector(`[data-message="${id}"]`);

function toEnd() {
  list.scrollTop = list.scrollHeight;
  stuck = true;
}

/** Puts a bubble in the place of its older self. Who was in there with the keyboard stays, at the same thing or nearby. */
function exchange(before, made) {
  const focused = before.contains(document.activeElement) && document.activeElement.dataset.focus;
  before.replaceWith(made);
  if (focused === false) return;
  const same = focused && [...made.querySelectorAll("[data-focus]")].find((thing) => thing.dataset.focus === focused);
  (same || made).focus({ preventScroll: true });
}

/** Puts a bubble where its number belongs: messages may arrive out of order. */
function place(made, id) {
  list.querySelector(".welcome")?.remove();
  const later = [...list.querySelectorAll("[data-message]")].find((other) => Number(other.dataset.message) > id);
  if (later) later.before(made);
  else list.append(made);
}

/** Sets day lines between days, and lets bubbles of one sender stand together. */
function arrange() {
  list.querySelectorAll(".day").forEach((line) => line.remove());
  let before = null;
  for (const made of list.querySelectorAll("[data-message]")) {
    const message = state.room.messages.get(Number(made.dataset.message));
    if (!message) continue;
    const newDay = !before || dayOf(before.date) !== dayOf(message.date);
    if (newDay) (made.closest(".album") ?? made).before(element("div", { class: "day" }, element("span", {}, dayOf(message.date))));
    const together = !newDay && before.from.id === message.from.id && message.date - before.date < 300;
    made.classList.toggle("follows", together);
    made.classList.toggle("selected", state.selected === message.message_id);
    before = message;
  }
  bind();
}

/** Photos that were sent together stand together. */
function bind() {
  const albums = new Map();
  for (const made of list.querySelectorAll("[data-album]")) albums.set(made.dataset.album, [...(albums.get(made.dataset.album) ?? []), made]);
  for (const together of albums.values()) {
    const around = together[0].closest(".album");
    if (together.length < 2 || (around && together.every((made) => made.parentElement === around))) continue;
    const album = around ?? element("div", { class: "album", role: "group", "aria-label": "Album" });
    if (!around) together[0].before(album);
    album.classList.toggle("mine", together[0].classList.contains("mine"));
    album.append(...together);
    spread(together);
  }
  for (const album of list.querySelectorAll(".album:empty")) album.remove();
}

/** Two in a row; the whole width for what has words, for what is no picture, and for the last if it is alone. */
function spread(together) {
  const isWide = (made) => made.querySelector(".words:not(.bare)") || !made.querySelector(".photo, video");
  for (const made of together) made.classList.toggle("across", Boolean(isWide(made)));
  const narrow = together.filter((made) => !made.classList.contains("across"));
  if (narrow.length % 2 === 1) narrow.at(-1).classList.add("across");
}

export function toast(text, url, kind = "") {
  const link = url && element("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, url);
  const made = element("div", { class: `toast ${kind}` }, text ?? "", link);
  byId("toasts").append(made);
  setTimeout(() => made.classList.add("leaving"), 3600);
  setTimeout(() => made.remove(), 4000);
}

byId("hurry").addEventListener("click", () => act("hurry", {}).catch((error) => changed("failed", error)));
byId("block").addEventListener("click", () =>
  act(state.room.about?.blocked ? "unblock" : "block", spot()).catch((error) => changed("failed", error)),
);
