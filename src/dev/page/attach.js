// What goes into the chat beside words: the menu of attachments, files that are picked, pasted or dropped, and places.

import { byId } from "./elements.js";
import { sendFiles } from "./files.js";
import { act } from "./server.js";
import { pickContact, pickLocation } from "./sheets.js";
import { changed, isPhone, spot, state } from "./state.js";

const text = byId("text");
const attachments = byId("attachments");
const failed = (error) => changed("failed", error);

export async function sendLocation() {
  const place = await pickLocation();
  if (place) await act("location", { ...spot(), ...place }).catch(failed);
}

export async function sendContact() {
  const phone_number = await pickContact();
  if (phone_number) await act("contact", { ...spot(), phone_number }).catch(failed);
}

/** A transcript is not sent but played. */
const isTranscript = ([file, another]) => !another && file.name.endsWith(".talk");

/** What is written already becomes the caption. */
async function take(files, plain) {
  if (files.length > 0 && isTranscript(files)) {
    (isPhone ? parent : window).dispatchEvent(new CustomEvent("transcript", { detail: files[0] }));
    return;
  }
  if (files.length === 0 || !state.at || state.room.about?.blocked) return;
  if (!(await sendFiles(files, { plain, caption: text.value }))) return;
  text.value = "";
  text.dispatchEvent(new Event("input"));
}

// The menu.

const attach = {
  photo: () => byId("pick-photo").click(),
  document: () => byId("pick-document").click(),
  location: sendLocation,
  contact: sendContact,
};

function toggle(open) {
  attachments.hidden = !open;
  byId("attach").setAttribute("aria-expanded", String(open));
  if (open) attachments.querySelector("button").focus();
}

byId("attach").addEventListener("click", () => toggle(attachments.hidden));
attachments.addEventListener("click", (event) => {
  const kind = event.target.closest("[data-attach]")?.dataset.attach;
  if (!kind) return;
  toggle(false);
  attach[kind]();
});
attachments.addEventListener("keydown", (event) => {
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (event.key === "Escape") {
    toggle(false);
    byId("attach").focus();
  } else if (by) {
    event.preventDefault();
    const items = [...attachments.children];
    items[(items.indexOf(document.activeElement) + by + items.length) % items.length].focus();
  }
});
document.addEventListener("click", (event) => {
  if (!event.target.closest("#attach, #attachments")) toggle(false);
});

// Files from elsewhere.

for (const kind of ["photo", "document"]) {
  byId(`pick-${kind}`).addEventListener("change", (event) => {
    const files = [...event.target.files];
    event.target.value = "";
    take(files, kind === "document");
  });
}
text.addEventListener("paste", (event) => {
  const files = [...event.clipboardData.files];
  if (files.length === 0) return;
  event.preventDefault();
  take(files, false);
});

const chat = byId("chat");
const drop = byId("drop");
/** Enters minus leaves: a drag over something inside the chat enters it before it leaves the chat. */
let depth = 0;

chat.addEventListener("dragenter", (event) => {
  if (!event.dataTransfer.types.includes("Files") || !state.at) return;
  event.preventDefault();
  depth += 1;
  drop.hidden = false;
  const kinds = [...event.dataTransfer.items].map((item) => item.type);
  drop.classList.toggle("pictures", kinds.every((kind) => /^(image|video)\//.test(kind)));
});
chat.addEventListener("dragleave", () => {
  depth = Math.max(0, depth - 1);
  if (depth === 0) drop.hidden = true;
});
chat.addEventListener("dragover", (event) => {
  event.preventDefault();
  const over = event.target.closest?.("[data-drop]");
  for (const zone of drop.children) zone.classList.toggle("over", zone === over);
});
chat.addEventListener("drop", (event) => {
  event.preventDefault();
  depth = 0;
  drop.hidden = true;
  take([...event.dataTransfer.files], event.target.closest?.("[data-drop]")?.dataset.drop === "document");
});
