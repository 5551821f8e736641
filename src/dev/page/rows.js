// Keeps the rows of a list true to what they show, without disturbing those that are the same.

/**
 * Makes the children of `list` those of the items. `make(item, known)` makes a row, or brings the known one of the same
 * key up to date. Rows that show the same are left alone; what is unfolded and focused stays so.
 */
export function keep(list, items, keyOf, make) {
  const known = new Map([...list.children].map((row) => [row.dataset.key, row]));
  const counts = new Map();
  let place = list.firstElementChild;
  for (const item of items) {
    // Items may have the same key: then they are counted.
    const name = String(keyOf(item));
    const count = counts.get(name) ?? 0;
    counts.set(name, count + 1);
    const key = `${name} ${count}`;
    const before = known.get(key);
    known.delete(key);
    const row = fresh(before, item, make);
    row.dataset.key = key;
    if (before && before !== row) {
      replace(before, row);
      if (place === before) place = row;
    }
    if (row === place) place = row.nextElementSibling;
    else list.insertBefore(row, place);
  }
  for (const row of known.values()) row.remove();
}

function fresh(before, item, make) {
  const print = JSON.stringify(item);
  if (before?.print === print) return before;
  const row = make(item, before);
  row.print = print;
  return row;
}

function replace(before, row) {
  const focused = before.contains(document.activeElement) && document.activeElement.closest("[data-focus]")?.dataset.focus;
  before.replaceWith(row);
  if (focused) row.querySelector(`[data-focus="${focused}"]`)?.focus();
}
