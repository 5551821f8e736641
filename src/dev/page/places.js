// The map of the festival ground, and where somebody is on it.

import { element, icon } from "./elements.js";

/** Places to go to, those of `src/workflows/areas.json`: name, degrees north, degrees east. */
export const PLACES = [
  ["Entrance", 52.479, 13.3985],
  ["Main Stage", 52.4745, 13.401],
  ["Food Court", 52.4738, 13.4065],
  ["Forest Stage", 52.4712, 13.4155],
  ["Camp Site", 52.4665, 13.402],
];

/** The middle of the ground, and how many degrees of it the map shows. */
const GROUND = { latitude: 52.4725, longitude: 13.407, high: 0.019, wide: 0.027 };

/** One press of an arrow key goes so far: about 50 metres. */
const STEP = { latitude: 0.00045, longitude: 0.00075 };
const ARROWS = { ArrowUp: [1, 0], ArrowDown: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1] };

/** A map with a pin. With `go`, the pin can be moved, by arrow keys and by hand: it is called with the new place. */
export function map({ latitude, longitude }, go) {
  const frame = frameOf(latitude, longitude);
  const pin = element("span", { class: "pin" }, icon("place"));
  put(pin, frame, latitude, longitude);
  const spots = PLACES.map(([name, ...at]) => [element("span", { class: "spot", "data-name": name }), at]);
  for (const [spot, at] of spots) put(spot, frame, ...at);
  const shown = frame === GROUND ? spots.map(([spot]) => spot) : [];
  const drawn = element(go ? "button" : "div", go ? { class: "map", "data-focus": "map", "aria-label": "Where you are: move with the arrow keys" } : { class: "map" });
  drawn.append(...shown, pin);
  if (go) {
    drawn.addEventListener("keydown", (event) => {
      const [north, east] = ARROWS[event.key] ?? [];
      if (north === undefined) return;
      event.preventDefault();
      go({ latitude: latitude + north * STEP.latitude, longitude: longitude + east * STEP.longitude });
    });
    drawn.addEventListener("pointerdown", (event) => drag(event, { drawn, pin, frame, go }));
  }
  return drawn;
}

function frameOf(latitude, longitude) {
  const isInside = Math.abs(latitude - GROUND.latitude) < GROUND.high / 2 && Math.abs(longitude - GROUND.longitude) < GROUND.wide / 2;
  return isInside ? GROUND : { ...GROUND, latitude, longitude };
}

function put(thing, frame, latitude, longitude) {
  thing.style.left = `${50 + ((longitude - frame.longitude) / frame.wide) * 100}%`;
  thing.style.top = `${50 - ((latitude - frame.latitude) / frame.high) * 100}%`;
}

function drag(event, { drawn, pin, frame, go }) {
  const box = drawn.getBoundingClientRect();
  const share = (value) => Math.min(1, Math.max(0, value)) - 0.5;
  const placeOf = ({ clientX, clientY }) => ({
    latitude: frame.latitude - share((clientY - box.top) / box.height) * frame.high,
    longitude: frame.longitude + share((clientX - box.left) / box.width) * frame.wide,
  });
  const follow = (moved) => {
    const { latitude, longitude } = placeOf(moved);
    put(pin, frame, latitude, longitude);
  };
  drawn.setPointerCapture(event.pointerId);
  drawn.addEventListener("pointermove", follow);
  drawn.addEventListener(
    "pointerup",
    (last) => {
      drawn.removeEventListener("pointermove", follow);
      go(placeOf(last));
    },
    { once: true },
  );
}
