// Files on their way into the chat: what they are sent as, with a look at them before they go.

import { ask, byId, element, icon, sizeOf } from "./elements.js";
import { act, upload } from "./server.js";
import { changed, spot } from "./state.js";

/** An album holds so many (<https://core.telegram.org/bots/api#sendmediagroup>). */
const ALBUM = 10;

const sheet = byId("files-sheet");
const fields = sheet.querySelector("form").elements;
let looked = [];

/** Shows the files, asks for a caption, and begins to send them; `plain` sends all as files. False if they are not to be sent. */
export async function sendFiles(files, { plain = false, caption = "" } = {}) {
  looked = files;
  fields.plain.checked = plain;
  fields.caption.value = caption;
  const canBeMore = files.some((file) => kindOf(file, false) !== "document");
  byId("files-as").hidden = !canBeMore;
  show();
  const form = await ask(sheet);
  for (const image of sheet.querySelectorAll("img")) URL.revokeObjectURL(image.src);
  if (!form) return false;
  // Whoever has said yes writes on while it goes.
  send(files, form.has("plain"), form.get("caption").trim()).catch((error) => changed("failed", error));
  return true;
}

function show() {
  const plain = fields.plain.checked;
  byId("files-title").textContent = `Send ${counted(looked.map((file) => kindOf(file, plain)))}`;
  const look = (file) => {
    const picture = kindOf(file, plain) === "photo" && element("img", { src: URL.createObjectURL(file), alt: "" });
    return element("li", { class: picture ? "picture" : "" }, picture || icon("file"), element("span", { class: "name" }, file.name), element("span", { class: "size" }, sizeOf(file.size)));
  };
  byId("files-list").replaceChildren(...looked.map(look));
}

fields.plain.addEventListener("change", show);

const NAMES = { photo: "photo", video: "video", audio: "song", voice: "voice message", animation: "animation", document: "file" };

/** `3 photos`; of several kinds, `3 files`. */
function counted(kinds) {
  const name = kinds.every((kind) => kind === kinds[0]) ? NAMES[kinds[0]] : "file";
  return kinds.length === 1 ? `a ${name}`.replace("a a", "an a") : `${kinds.length} ${name}s`;
}

function kindOf({ type }, plain) {
  if (plain) return "document";
  if (type === "image/gif") return "animation";
  if (/^image\/(png|jpeg|webp)$/.test(type)) return "photo";
  if (type.startsWith("video/")) return "video";
  if (type === "audio/ogg") return "voice";
  return type.startsWith("audio/") ? "audio" : "document";
}

/** What goes together into albums: photos mix with videos, and nothing else mixes. */
const FAMILIES = { photo: "pictures", video: "pictures", audio: "audio", document: "document" };

async function send(files, plain, caption) {
  const parcels = new Map();
  for (const [index, file] of files.entries()) {
    const kind = kindOf(file, plain);
    const family = FAMILIES[kind] ?? index;
    parcels.set(family, [...(parcels.get(family) ?? []), { file, kind }]);
  }
  let words = caption;
  for (const parcel of parcels.values()) {
    for (let from = 0; from < parcel.length; from += ALBUM) {
      const together = parcel.slice(from, from + ALBUM);
      const media_group_id = together.length > 1 ? crypto.randomUUID() : null;
      // All are there before the first goes: an album arrives together.
      const ids = await Promise.all(together.map(({ file }) => upload(file)));
      for (const [index, { kind }] of together.entries()) {
        const what = { ...spot(), file: ids[index], caption: words, media_group_id };
        if (kind === "photo" || kind === "document") await act(kind, what);
        else await act("media", { ...what, kind });
        words = "";
      }
    }
  }
}
