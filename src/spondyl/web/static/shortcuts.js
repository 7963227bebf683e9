/**
 * Keys that do something, listened to by the same tables of which the help is made: none is secret.
 *
 * Single keys can be switched off outside the film (WCAG 2.2, 2.1.4), because who speaks to a
 * machine types by accident. A field that is being filled in keeps all its keys.
 */

import { made } from "./dom.js";

/** @typedef {{keys: string[], does: string, title: string}} Key */
/** @typedef {Record<string, Key[]>} Groups */

/** Elsewhere they scroll, or are pressed for something else. */
const FILM_ALONE = ["PageUp", "PageDown", "Delete", "Backspace"];
const FILLED_IN = "input:not([type=checkbox]):not([type=radio]):not([type=file]), select, textarea";
const SINGLE_KEYS = "spondyl.single-keys";

/**
 * Calls what a key of `groups` does.
 * @param {Groups} groups @param {Record<string, (event: KeyboardEvent) => void>} actions
 * @param {HTMLElement} film
 * @param {(at: Element, event: KeyboardEvent) => boolean} works Whether single keys work there,
 * outside the film.
 */
export function listen(groups, actions, film, works) {
  const table = new Map(
    Object.values(groups).flatMap((group) => group.flatMap(({ keys, does }) =>
      keys.map((key) => /** @type {[string, string]} */ ([key, does])))),
  );
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const at = event.target instanceof Element ? event.target : document.body;
    if (at.closest(FILLED_IN) || document.querySelector("dialog[open]")) return;
    const isOnFilm = film.contains(at);
    const isLetter = event.key.length === 1;
    if (!isOnFilm && isLetter && !works(at, event) && event.key !== "?") return;
    if (!isOnFilm && FILM_ALONE.includes(event.key)) return;
    const does = table.get(named(event));
    if (!does) return;
    event.preventDefault();
    actions[does](event);
  });
}

/** As the table spells it; a locked Shift makes no difference. @param {KeyboardEvent} event */
function named({ key, shiftKey }) {
  if (!/^\p{L}$/u.test(key)) return key;
  return shiftKey ? `Shift+${key.toUpperCase()}` : key.toLowerCase();
}

/**
 * Whether single keys work, as this browser's user chose it with the box.
 * @param {HTMLInputElement} box @returns {() => boolean}
 */
export function chosenBy(box) {
  box.checked = kept() !== "off";
  box.addEventListener("change", () => keep(box.checked ? "on" : "off"));
  return () => box.checked;
}

/**
 * Tables of all keys, one a group.
 * @param {Record<string, {keys: string[], title: string}[]>} groups
 */
export function tables(groups) {
  return Object.entries(groups).map(([title, keys]) =>
    made("table", {}, made("caption", {}, title), made("tbody", {}, ...keys.map(row))),
  );
}

/** @param {{keys: string[], title: string}} key */
function row({ keys, title }) {
  const caps = keys.flatMap((key, place) => [place ? " or " : "", made("kbd", {}, key)]);
  return made("tr", {}, made("th", { scope: "row" }, ...caps), made("td", {}, title));
}

function kept() {
  try {
    return localStorage.getItem(SINGLE_KEYS);
  } catch {
    return null; // this browser keeps nothing for pages
  }
}

/** @param {string} choice */
function keep(choice) {
  try {
    localStorage.setItem(SINGLE_KEYS, choice);
  } catch {
    // the choice holds until the page is left
  }
}
