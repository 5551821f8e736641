// The right side's panes: what happened behind a message, a transcript, and the host. One of them is shown, or none.

import { byId } from "./elements.js";
import { changed, isPhone, on, state } from "./state.js";

const app = byId("app");
const tabs = [byId("tab-behind"), byId("tab-replay"), byId("tab-host")];
/** Each opens and closes the right side: one stands over the chat, the other over phones side by side. */
const buttons = [byId("show-behind"), byId("show-behind-phones")];
const paneOf = (tab) => tab.id.replace("tab-", "");
let chosen = "behind";

/** `behind`, `replay` or `host`; null if the right side is closed. */
export const paneShown = () => (app.classList.contains("no-behind") ? null : chosen);

function choose(pane) {
  chosen = pane;
  for (const tab of tabs) {
    const isChosen = paneOf(tab) === pane;
    tab.setAttribute("aria-selected", String(isChosen));
    tab.tabIndex = isChosen ? 0 : -1;
    byId(tab.getAttribute("aria-controls")).hidden = !isChosen;
  }
  changed("pane", paneShown());
}

function toggle(open) {
  if (!isPhone) localStorage.setItem("pane", open ? "open" : "");
  app.classList.toggle("no-behind", !open);
  for (const button of buttons) button.setAttribute("aria-expanded", String(open));
  changed("pane", paneShown());
}

export function showPane(pane) {
  choose(pane);
  toggle(true);
}

for (const tab of tabs) tab.addEventListener("click", () => choose(paneOf(tab)));
byId("tabs").addEventListener("keydown", (event) => {
  if (!["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) return;
  event.preventDefault();
  const open = tabs.filter((tab) => !tab.hidden);
  const next = { Home: 0, End: open.length - 1 }[event.key] ?? (open.indexOf(document.activeElement) + (event.key === "ArrowLeft" ? open.length - 1 : 1)) % open.length;
  open[next].focus();
  choose(paneOf(open[next]));
});

for (const button of buttons) button.addEventListener("click", () => toggle(app.classList.contains("no-behind")));
byId("hide-behind").addEventListener("click", () => {
  toggle(false);
  buttons.find((button) => button.checkVisibility())?.focus();
});

on("selected", () => {
  if (!state.selected || isPhone) return;
  showPane("behind");
});

on("overview", () => {
  byId("tab-host").hidden = !state.look;
  // A handler without bots has no chats: then the host is all there is.
  const alone = state.look && state.bots.length === 0;
  if (alone === app.classList.contains("no-chats")) return;
  app.classList.toggle("no-chats", alone);
  byId("tab-behind").hidden = byId("tab-replay").hidden = alone;
  choose(alone ? "host" : "behind");
  if (alone) toggle(true);
});

toggle(!isPhone && localStorage.getItem("pane") === "open" && matchMedia("(min-width: 1101px)").matches);
