// The right side's two panes: what happened behind a message, and the host. One of them is shown, or none.

import { byId } from "./elements.js";
import { changed, on, state } from "./state.js";

const app = byId("app");
const tabs = [byId("tab-behind"), byId("tab-host")];
const paneOf = (tab) => tab.id.replace("tab-", "");
let chosen = "behind";

/** `behind` or `host`; null if the right side is closed. */
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
  app.classList.toggle("no-behind", !open);
  byId("show-behind").setAttribute("aria-expanded", String(open));
  changed("pane", paneShown());
}

for (const tab of tabs) tab.addEventListener("click", () => choose(paneOf(tab)));
byId("tabs").addEventListener("keydown", (event) => {
  if (!["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) return;
  event.preventDefault();
  const open = tabs.filter((tab) => !tab.hidden);
  const next = { Home: 0, End: open.length - 1 }[event.key] ?? (open.indexOf(document.activeElement) + 1) % open.length;
  open[next].focus();
  choose(paneOf(open[next]));
});

byId("show-behind").addEventListener("click", () => toggle(app.classList.contains("no-behind")));
byId("hide-behind").addEventListener("click", () => {
  toggle(false);
  byId("show-behind").focus();
});

on("selected", () => {
  if (!state.selected) return;
  choose("behind");
  toggle(true);
});

on("overview", () => {
  byId("tab-host").hidden = !state.look;
  // A handler without bots has no chats: then the host is all there is.
  const alone = state.look && state.bots.length === 0;
  if (alone === app.classList.contains("no-chats")) return;
  app.classList.toggle("no-chats", alone);
  byId("tab-behind").hidden = alone;
  choose(alone ? "host" : "behind");
  if (alone) toggle(true);
});

if (matchMedia("(max-width: 1100px)").matches) toggle(false);
