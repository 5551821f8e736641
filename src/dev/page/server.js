// Talks to the fake Telegram: its JSON API, and the stream of what happens.

export async function get(path, parameters = {}) {
  const response = await fetch(`${path}?${new URLSearchParams(parameters)}`);
  if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
  return response.json();
}

/** Does what a person does; the verbs are those of `Act` on the server. */
export const act = (verb, what) => post(`/chat/${verb}`, what);

export async function post(path, what) {
  const response = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(what),
  });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.error ?? `${response.status} ${response.statusText}`);
  return answer;
}

/** Gives a file to the server; returns its id. */
export async function upload(file) {
  const response = await fetch(`/chat/upload?${new URLSearchParams({ name: file.name })}`, {
    method: "POST",
    headers: { "Content-Type": file.type || "application/octet-stream" },
    body: file,
  });
  if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
  return (await response.json()).file;
}

/**
 * The same as `listen`, of what the page around this one hears: a browser allows few streams at once, and there may be
 * many phones.
 */
export function overhear(hear, connected) {
  const onNews = ({ detail }) => hear(detail);
  const onConnected = ({ detail }) => connected(detail);
  parent.addEventListener("news", onNews);
  parent.addEventListener("connected", onConnected);
  addEventListener("pagehide", () => {
    parent.removeEventListener("news", onNews);
    parent.removeEventListener("connected", onConnected);
  });
  hear({ news: "all" });
}

/** What `overhear` brings to the phones in this page. */
export const retell = (what, detail) => dispatchEvent(new CustomEvent(what, { detail }));

/**
 * Calls `hear` with all news of a stream, and `connected` with whether any can come. After a gap the first news is `all`.
 * Returns what ends it.
 */
export function listen(path, hear, connected = () => {}) {
  let source;
  let again;
  const open = () => {
    source = new EventSource(path);
    source.onopen = () => connected(true);
    source.onmessage = (event) => hear(JSON.parse(event.data));
    source.onerror = () => {
      connected(false);
      if (source.readyState === EventSource.CLOSED) again = setTimeout(open, 1000);
    };
  };
  open();
  return () => {
    clearTimeout(again);
    source.close();
  };
}
