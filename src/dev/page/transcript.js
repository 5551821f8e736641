// Reads a transcript: what each person does, and what everybody is shown because of it. The format is told in
// `src/engine/rehearse.rs`.

/** The steps, each `{ verb, people, shown, line, about }` with what its verb needs. */
export function scenesOf(text) {
  const steps = [];
  const actors = new Set([...text.matchAll(/^> (\p{L}+)/gmu), ...text.matchAll(/^~ (\p{L}+) (?:is|speaks|blocks)/gmu)].map(([, who]) => who));
  let about = [];
  let said = null;
  for (const line of text.split("\n")) {
    if (line.startsWith("  ")) {
      // A message goes on.
      if (said) takeIn(said, line.trim());
      continue;
    }
    said = null;
    const words = line.slice(1).trim();
    const last = steps.at(-1);
    if (line.startsWith("#")) about.push(words);
    if (line.startsWith("<") && last) last.shown.push((said = heard(words, last, actors)));
    if (!/^[>~…]|^\.\.\./.test(line)) continue;
    const step = actOf(line[0], words);
    steps.push({ ...step, people: step.who ? [step.who] : [], shown: [], line: words, about: about.join(" ") || null });
    about = [];
  }
  for (const step of steps) step.people = [...new Set([...step.people, ...step.shown.map(({ who }) => who)])];
  return steps;
}

/** `Bo: May Ada do it? [Yes] [No]`; without a name, it is for whoever has acted. `(2 photos) Look!` has its words last. */
function heard(words, { who }, actors) {
  const [, name, rest] = /^(\p{L}+): ?(.*)$/u.exec(words) ?? [];
  const isNamed = actors.has(name);
  const said = { who: isNamed ? name : who, words: "", buttons: [] };
  takeIn(said, (isNamed ? rest : words).replace(/^\(\d+ \w+\) ?/, ""));
  return said;
}

/** Words and buttons: `What? [Soup] [Fish]` */
function takeIn(said, line) {
  const [, words, buttons] = /^(.*?)((?:\s*\[[^\]]*\])*)$/.exec(line);
  said.words = [said.words, words.trim()].filter(Boolean).join("\n");
  said.buttons.push(...[...buttons.matchAll(/\[([^\]]*)\]/g)].map(([, label]) => label));
}

function actOf(sign, words) {
  if (sign === "~") return ofTheWorld(words);
  if (sign === ">") return ofSomebody(words);
  return { verb: "passes", why: "time here passes by itself" };
}

function ofTheWorld(words) {
  const [who, what, more] = words.split(/\s+/);
  if (what === "is" && more === "here") return { verb: "comes", who };
  if (what === "speaks") return { verb: "speaks", who, language: more };
  if (what === "blocks" || what === "unblocks") return { verb: what, who };
  return { verb: "returns", why: "here the activity itself answers" };
}

const place = (words) => {
  const [latitude, longitude] = words.split(/[\s,]+/).map(Number);
  return { latitude, longitude };
};

function ofSomebody(words) {
  const forms = [
    [/^(\S+) replies to (.+?): (.*)$/, ([who, to, words]) => ({ verb: "replies", who, to, words })],
    [/^(\S+) taps (.+) under (.+)$/, ([who, label, under]) => ({ verb: "taps", who, label, under })],
    [/^(\S+) taps: (.+)$/, ([who, label]) => ({ verb: "taps", who, label, under: "" })],
    [/^(\S+) edits: (.*)$/, ([who, words]) => ({ verb: "edits", who, words })],
    [/^(\S+) moves to (.+)$/, ([who, to]) => ({ verb: "moves", who, place: place(to) })],
    [/^(\S+) sends a (live )?location (.+)$/, ([who, live, at]) => ({ verb: "locates", who, place: place(at), live_period: live ? 3600 : null })],
    [/^(\S+) sends an? ([^:]+?)(?:: (.*))?$/, ([who, what, caption]) => ({ ...files(what), who, caption })],
    [/^(\S+): ?(.*)$/, ([who, words]) => ({ verb: "writes", who, words })],
  ];
  for (const [form, make] of forms) {
    const found = form.exec(words);
    if (found) return make(found.slice(1));
  }
  return { verb: "unknown", why: "this page doesn't know it" };
}

const KINDS = ["photo", "document", "voice", "audio", "video", "sticker"];

/** `album of 2 photos, 1 video`, `photo` */
function files(what) {
  const several = /^album of (.+)$/.exec(what)?.[1].split(", ").flatMap((part) => {
    const [count, kind] = part.split(" ");
    return Array(Number(count)).fill(kind.replace(/s$/, ""));
  });
  const kinds = several ?? [what];
  return kinds.every((kind) => KINDS.includes(kind)) ? { verb: "sends", kinds } : { verb: "unknown", why: "such files only exist in transcripts" };
}
