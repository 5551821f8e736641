// Several phones side by side: each is this page once more, as narrow as a phone, and somebody else's.

import { avatar, byId, element, fullName } from "./elements.js";
import { changed, go, on, state } from "./state.js";

/** So many stand side by side at first. */
const FIRST = 3;

const row = byId("phones-row");
const language = new Intl.DisplayNames(undefined, { type: "language", fallback: "code" });

/** Shows the phones of these people, each `{ person, at }`; of fewer than two, the chats of one. */
export async function standSideBySide(phones) {
  const wasOpen = state.phones.length > 0;
  state.phones = phones.length > 1 ? phones : [];
  changed("phones");
  if (wasOpen && state.phones.length === 0) {
    const { person, at } = phones[0] ?? { person: state.me, at: state.at };
    await go(person, at ?? undefined);
  }
}

on("overview phones moved", () => {
  const open = state.phones.length > 0;
  byId("app").classList.toggle("side-by-side", open);
  byId("side-by-side").hidden = state.people.length < 2;
  const known = new Map([...row.children].map((phone) => [Number(phone.dataset.person), phone]));
  for (const phone of state.phones) {
    // A frame that is moved starts anew: what is there stays where it is.
    const shown = known.get(phone.person) ?? row.appendChild(make(phone));
    shown.classList.toggle("active", phone.person === state.me);
    known.delete(phone.person);
  }
  for (const phone of known.values()) phone.remove();
  if (open) showPeople();
});

function make({ person, at }) {
  const user = state.people.find(({ id }) => id === person);
  const name = fullName(user);
  const close = element("button", { class: "icon", "aria-label": `Put ${name}'s phone away`, title: "Put away", onclick: () => toggle(person) });
  close.append(cross());
  return element(
    "article",
    { class: "phone", "data-person": person, "aria-label": `${name}'s phone` },
    element("header", {}, avatar(name), element("h2", {}, name), user.language_code && element("span", { class: "language" }, language.of(user.language_code)), close),
    element("iframe", { title: `${name}'s chats`, src: `/?phone#${person}/${at ?? ""}` }),
  );
}

function cross() {
  return byId("hide-behind").querySelector("svg").cloneNode(true);
}

/** Who has a phone on the table, and who could have. */
function showPeople() {
  // Made anew only if something has changed: nobody loses a chip while it is pressed.
  const print = JSON.stringify([state.people, state.phones.map(({ person }) => person)]);
  if (byId("phones-people").print === print) return;
  byId("phones-people").print = print;
  const focused = document.activeElement?.dataset.phoneOf;
  const people = state.people.map(({ id, first_name: name }) =>
    element(
      "button",
      { class: "chip-button", "aria-pressed": String(state.phones.some(({ person }) => person === id)), "data-phone-of": id, onclick: () => toggle(id) },
      avatar(name),
      name,
    ),
  );
  byId("phones-people").replaceChildren(...people);
  if (focused) byId("phones-people").querySelector(`[data-phone-of="${focused}"]`)?.focus();
}

function toggle(person) {
  const others = state.phones.filter((phone) => phone.person !== person);
  const isOpen = others.length < state.phones.length;
  standSideBySide(isOpen ? others : [...others, { person, at: null }]).catch((error) => changed("failed", error));
}

on("came", toggle);
byId("side-by-side").addEventListener("click", () => {
  const others = state.people.filter(({ id }) => id !== state.me).slice(0, FIRST - 1);
  standSideBySide([{ person: state.me, at: state.at }, ...others.map(({ id }) => ({ person: id, at: null }))]);
});
byId("one-phone").addEventListener("click", () => standSideBySide([{ person: state.me, at: state.at }]));

/** A phone tells where it is; and, once somebody turns to it, that the right side is about it. */
addEventListener("phone", async ({ detail: { person, at, selected, turned } }) => {
  const phone = state.phones.find((phone) => phone.person === person);
  if (!phone) return;
  phone.at = at;
  if (turned && (person !== state.me || at !== state.at)) await go(person, at);
  else changed("phones");
  if (turned && selected !== state.selected) {
    state.selected = selected;
    changed("selected");
  }
});
