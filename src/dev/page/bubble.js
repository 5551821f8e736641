// One message as it looks in the chat.

import { avatar, element, fullName, icon, sizeOf, timeOf, byId } from "./elements.js";
import { map } from "./places.js";
import { act } from "./server.js";
import { changed, isGroup, spot, state } from "./state.js";
import { summary } from "./sidebar.js";
import { words } from "./words.js";

/** What nobody says, but a group tells. */
const TOLD = {
  forum_topic_created: ({ name }) => `Topic “${name}” opened`,
  migrate_to_chat_id: () => "This group has become a supergroup",
  migrate_from_chat_id: () => "The supergroup begins here",
};

export function bubble(message) {
  const told = Object.keys(TOLD).find((kind) => message[kind]);
  if (told) return element("article", { class: "told", "data-message": message.message_id }, element("span", {}, TOLD[told](message[told])));
  const mine = message.from.id === state.me;
  const said = (command) => act("say", { ...spot(), text: command }).catch((error) => changed("failed", error));
  const body = element(
    "div",
    { class: "bubble" },
    isGroup(state.at) && !mine && element("div", { class: "sender" }, fullName(message.from)),
    message.reply_to_message && quote(message.reply_to_message),
    message.photo && photo(message.photo),
    message.document && !message.animation && file(message.document),
    ...media(message),
    message.location && place(message, mine),
    message.contact && contact(message.contact),
    element(
      "div",
      { class: message.text || message.caption ? "words" : "words bare" },
      words(message.text ?? message.caption ?? "", message.entities ?? message.caption_entities, said),
      element(
        "span",
        { class: "meta" },
        message.edit_date && element("span", { class: "edited" }, "edited"),
        element("time", { title: new Date(message.date * 1000).toLocaleString() }, timeOf(message.date)),
      ),
    ),
    message.reactions?.length && element("div", { class: "reactions" }, message.reactions.map((emoji) => element("span", {}, emoji))),
  );
  const column = element("div", { class: "column" }, body, keyboard(message));
  const made = element(
    "article",
    { class: mine ? "message mine" : "message", "data-message": message.message_id, "data-album": message.media_group_id, tabindex: "-1", "aria-label": `${mine ? "You" : fullName(message.from)}: ${summary(message)}` },
    column,
    actions(message, mine),
  );
  if (isGroup(state.at) && !mine) made.prepend(avatar(fullName(message.from)));
  body.addEventListener("click", (event) => {
    if (!event.target.closest("a, button, summary") && getSelection().isCollapsed) select(message);
  });
  return made;
}

/** The second pane tells the story of this message. */
function select(message) {
  state.selected = state.selected === message.message_id ? null : message.message_id;
  changed("selected");
}

function actions(message, mine) {
  const action = (name, label, detail) =>
    element("button", { class: "icon", "aria-label": label, title: label, onclick: () => changed(name, detail) }, icon(name));
  const editable = mine && (message.text || message.caption);
  return element(
    "div",
    { class: "actions" },
    action("reply", "Reply", message),
    editable && action("edit", "Edit", message),
    element("button", { class: "icon", "aria-label": "What happened behind it", title: "What happened behind it", onclick: () => select(message) }, icon("behind")),
  );
}

function quote(quoted) {
  const jump = () => document.querySelector(`[data-message="${quoted.message_id}"]`)?.scrollIntoView({ block: "center", behavior: "smooth" });
  return element("button", { class: "quote", onclick: jump }, element("strong", {}, fullName(quoted.from)), element("span", {}, summary(quoted)));
}

function photo(sizes) {
  const largest = sizes.at(-1);
  const image = element("img", { src: `/chat/file/${largest.file_id}`, alt: "Photo", width: largest.width, height: largest.height, loading: "lazy" });
  return element("button", { class: "photo", "aria-label": "Open the photo", onclick: () => view(image.src) }, image);
}

function view(source) {
  const dialog = byId("photo-view");
  dialog.querySelector("img").src = source;
  dialog.showModal();
}

function file(document) {
  return element(
    "a",
    { class: "file", href: `/chat/file/${document.file_id}`, download: document.file_name },
    element("span", { class: "badge" }, icon("file")),
    element("span", { class: "name" }, document.file_name),
    element("span", { class: "size" }, sizeOf(document.file_size)),
  );
}

/** Sound, moving pictures and stickers. */
function media({ voice, audio, video, video_note, animation, sticker }) {
  const source = (clip) => `/chat/file/${clip.file_id}`;
  const sound = voice ?? audio;
  return [
    sound && element("audio", { src: source(sound), controls: true, preload: "metadata", "aria-label": voice ? "Voice message" : (audio.file_name ?? "Audio") }),
    video && element("video", { src: source(video), controls: true, preload: "metadata", "aria-label": "Video" }),
    video_note && element("video", { class: "round", src: source(video_note), controls: true, preload: "metadata", "aria-label": "Video message" }),
    animation && (animation.mime_type === "image/gif" ? element("img", { class: "moving", src: source(animation), alt: "Animation" }) : element("video", { src: source(animation), controls: true, loop: true, muted: true, "aria-label": "Animation" })),
    sticker && element("img", { class: "sticker", src: source(sticker), alt: "Sticker" }),
  ];
}

function place({ message_id, date, location }, mine) {
  const degrees = (value, positive, negative) => `${Math.abs(value).toFixed(5)}° ${value < 0 ? negative : positive}`;
  const until = location.live_period && date + location.live_period;
  const isLive = until > Date.now() / 1000;
  const go = (to) => act("move", { ...spot(), message_id, ...to }).catch((error) => changed("failed", error));
  return element(
    "div",
    { class: isLive ? "place live" : "place" },
    map(location, mine && isLive ? go : null),
    until && element("div", { class: "until" }, isLive ? `Live location until ${timeOf(until)}` : "Live location, ended"),
    element("div", { class: "degrees" }, `${degrees(location.latitude, "N", "S")}, ${degrees(location.longitude, "E", "W")}`),
  );
}

function contact(person) {
  return element(
    "div",
    { class: "contact" },
    avatar(fullName(person)),
    element("span", { class: "name" }, fullName(person)),
    element("span", { class: "size" }, person.phone_number),
  );
}

function keyboard(message) {
  const rows = message.reply_markup?.inline_keyboard;
  if (!rows) return null;
  return element("div", { class: "keyboard" }, rows.map((row) => element("div", { class: "keys" }, row.map((key) => button(message, key)))));
}

function button(message, key) {
  if (key.url) {
    return element("a", { class: "key", href: key.url, target: "_blank", rel: "noopener noreferrer" }, key.text, icon("external"));
  }
  const open = Object.values(state.room.presses).some((press) => press.message_id === message.message_id && press.data === key.callback_data);
  const press = async (event) => {
    event.currentTarget.classList.add("glows");
    try {
      await act("press", { ...spot(), message_id: message.message_id, data: key.callback_data });
    } catch (error) {
      changed("failed", error);
    }
  };
  return element("button", { class: open ? "key glows" : "key", "data-focus": `key ${key.callback_data}`, "data-data": key.callback_data, "aria-busy": open ? "true" : null, onclick: press }, key.text);
}
