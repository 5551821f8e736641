// The topics of a group: which is open, and a new one.

import { ask, byId, element } from "./elements.js";
import { post } from "./server.js";
import { changed, isGroup, on, state } from "./state.js";

const row = byId("topics");

on("room overview moved topic topics", () => {
  const chat = isGroup(state.at) && state.room.about?.chat;
  byId("new-topic").hidden = chat?.type !== "supergroup";
  row.hidden = !chat?.is_forum;
  if (row.hidden) return;
  const topics = [{ id: null, name: "General" }, ...(state.room.about.topics ?? [])];
  // Made anew only if something has changed: nobody loses a chip while it is pressed.
  const print = JSON.stringify([topics, state.topic, [...state.room.news]]);
  if (row.print === print) return;
  row.print = print;
  const focused = document.activeElement?.dataset.topic;
  row.replaceChildren(...topics.map(chip));
  if (focused) row.querySelector(`[data-topic="${focused}"]`)?.focus();
});

function chip({ id, name }) {
  const hasNews = state.room.news.has(id) && id !== state.topic;
  return element(
    "button",
    { class: "chip-button", "aria-pressed": String(id === state.topic), "data-topic": id ?? "general", onclick: () => open(id) },
    name,
    hasNews && element("span", { class: "dot", role: "img", "aria-label": "new messages" }),
  );
}

function open(id) {
  state.topic = id;
  state.room.news.delete(id);
  changed("topic");
}

byId("new-topic").addEventListener("click", async () => {
  const form = await ask(byId("topic-sheet"));
  byId("topic-sheet").querySelector("form").reset();
  if (!form) return;
  try {
    const { id } = await post("/chat/topics", { group: Number(state.at.slice(1)), name: form.get("name") });
    open(id);
  } catch (error) {
    changed("failed", error);
  }
});
