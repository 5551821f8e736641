// Shows a text with its entities. Offsets are UTF-16 code units, as in JavaScript's strings.

import { element } from "./elements.js";

const TAGS = {
  bold: "strong",
  italic: "em",
  underline: "u",
  strikethrough: "s",
  code: "code",
  blockquote: "blockquote",
  expandable_blockquote: "blockquote",
};

/** A fragment with the text; `command` is called with a command that is clicked. */
export function words(text, entities = [], command = () => {}) {
  const fragment = document.createDocumentFragment();
  const sorted = [...entities].sort((a, b) => a.offset - b.offset || b.length - a.length);
  fill(fragment, { text, from: 0, to: text.length, entities: sorted, command });
  return fragment;
}

function fill(parent, { text, from, to, entities, command }) {
  let at = from;
  for (let i = 0; i < entities.length; i++) {
    const entity = entities[i];
    const end = Math.min(entity.offset + entity.length, to);
    if (entity.offset < at || end <= entity.offset) continue;
    parent.append(text.slice(at, entity.offset));
    const inner = entities.slice(i + 1).filter((other) => other.offset < end);
    const mark = marked(entity, text.slice(entity.offset, end), command);
    fill(mark.lastElementChild ?? mark, { text, from: entity.offset, to: end, entities: inner, command });
    parent.append(mark);
    at = end;
  }
  parent.append(text.slice(at, to));
}

function marked(entity, content, command) {
  switch (entity.type) {
    case "url":
    case "text_link":
      return link(entity.url ?? content);
    case "bot_command":
      return element("button", { type: "button", class: "link", onclick: () => command(content) });
    case "pre":
      return element("pre", { "data-language": entity.language }, element("code"));
    case "spoiler":
      return element("span", { class: "spoiler", tabindex: "0", onclick: (event) => event.currentTarget.classList.add("open") });
    case "mention":
    case "text_mention":
    case "hashtag":
      return element("span", { class: "link" });
    default:
      return element(TAGS[entity.type] ?? "span");
  }
}

function link(address) {
  let safe = null;
  try {
    const url = new URL(address.includes("://") || address.startsWith("mailto:") ? address : `https://${address}`);
    if (["http:", "https:", "mailto:", "tg:"].includes(url.protocol)) safe = url.href;
  } catch {
    // What is no address stays words.
  }
  return safe ? element("a", { href: safe, target: "_blank", rel: "noopener noreferrer" }) : element("span");
}
