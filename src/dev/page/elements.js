// Makes elements. Words of people and bots only ever become text nodes.

/** element("p", { class: "x", onclick: f, "aria-label": "y" }, child, "text", …); children that are null are left out. */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  svg.setAttribute("aria-hidden", "true");
  return svg;
}

export const byId = (id) => document.getElementById(id);

/** A circle with the initials of a name, in a colour that goes with it. */
export function avatar(name) {
  const made = element("span", { class: "avatar", "aria-hidden": "true" });
  paint(made, name);
  return made;
}

export function paint(circle, name) {
  const letters = name.split(/\s+/).map((word) => [...word][0] ?? "").join("").slice(0, 2);
  const tone = [...name].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 9973, 7) % 7;
  circle.textContent = letters.toUpperCase();
  circle.dataset.tone = tone;
}

export const fullName = (user) => [user?.first_name, user?.last_name].filter(Boolean).join(" ") || "?";

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });

/** The time of day of a date in seconds since 1970. */
export const timeOf = (seconds) => clock.format(seconds * 1000);
export const dayOf = (seconds) => day.format(seconds * 1000);

export function sizeOf(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1 << 20 ? `${(bytes / 1024).toFixed(1)} KB` : `${(bytes / (1 << 20)).toFixed(1)} MB`;
}

document.addEventListener("click", ({ target }) => target.closest("[data-cancel]")?.closest("dialog").close());

/** Opens a dialog; gives its form's fields, or null if it was cancelled. */
export function ask(dialog) {
  const form = dialog.querySelector("form");
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((done) => {
    const close = () => {
      // After a click Chromium gives the focus back to a field and still lets nobody type there, until it comes anew.
      const back = document.activeElement;
      back?.blur();
      back?.focus({ preventScroll: true });
      done(dialog.returnValue === "ok" ? new FormData(form) : null);
    };
    dialog.addEventListener("close", close, { once: true });
  });
}
