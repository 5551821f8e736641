// What the page does while it is one of several phones: the page around it is told where it is, and who turns to it.

import { isPhone, on, state } from "./state.js";

function tell(turned) {
  if (!state.at) return;
  const { me: person, at, selected } = state;
  parent.dispatchEvent(new CustomEvent("phone", { detail: { person, at, selected, turned } }));
}

if (isPhone) {
  document.documentElement.classList.add("handset");
  on("moved", () => tell(document.hasFocus()));
  on("selected", () => tell(true));
  for (const turns of ["focusin", "pointerdown"]) addEventListener(turns, () => tell(true));
}
