// Dialogs: a new person, a new group, a place, a phone number.

import { ask, byId, element, fullName } from "./elements.js";
import { PLACES } from "./places.js";
import { act } from "./server.js";
import { changed, go, loadOverview, state } from "./state.js";

export async function pickLocation() {
  const form = await ask(byId("location-sheet"));
  const live_period = Number(form?.get("live")) || null;
  return form && { latitude: Number(form.get("latitude")), longitude: Number(form.get("longitude")), live_period };
}

export async function pickContact() {
  return (await ask(byId("contact-sheet")))?.get("phone");
}

const fields = byId("location-sheet").querySelector("form").elements;

function setPlace(latitude, longitude) {
  fields.latitude.value = latitude;
  fields.longitude.value = longitude;
}

byId("places").append(
  ...PLACES.map(([name, latitude, longitude]) => element("button", { type: "button", class: "quiet", onclick: () => setPlace(latitude, longitude) }, name)),
);
setPlace(PLACES[0][1], PLACES[0][2]);
byId("here").addEventListener("click", () =>
  navigator.geolocation.getCurrentPosition(
    ({ coords }) => setPlace(coords.latitude, coords.longitude),
    () => changed("failed", new Error("The browser does not tell where you are")),
  ),
);

byId("people").addEventListener("click", (event) => event.target.closest("#new-person") && addPerson());
byId("phones-new-person").addEventListener("click", addPerson);

async function addPerson() {
  const form = await ask(byId("person-sheet"));
  byId("person-sheet").querySelector("form").reset();
  if (!form) return;
  try {
    const { id } = await act("people", { name: form.get("name"), language: form.get("language") });
    await loadOverview();
    if (state.phones.length > 0) changed("came", id);
    else await go(id);
  } catch (error) {
    changed("failed", error);
  }
}

byId("new-group").addEventListener("click", async () => {
  const box = (name, value, label, checked) => element("label", { class: "check" }, element("input", { type: "checkbox", name, value, checked }), label);
  byId("group-people").replaceChildren(...state.people.map((person) => box("person", person.id, fullName(person), true)));
  byId("group-bots").replaceChildren(...state.bots.map((bot, index) => box("bot", bot.slug, bot.name, index === 0)));
  const form = await ask(byId("group-sheet"));
  if (!form) return;
  try {
    const people = form.getAll("person").map(Number);
    const { id } = await act("groups", { title: form.get("title"), people, bots: form.getAll("bot") });
    await loadOverview();
    if (people.includes(state.me)) await go(state.me, `:${id}`);
  } catch (error) {
    changed("failed", error);
  }
});
