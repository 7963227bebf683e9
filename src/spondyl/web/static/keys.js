/**
 * All keys in one table, from which both the page listens and the help is made: none is secret.
 *
 * Single keys can be switched off outside the film (WCAG 2.2, 2.1.4), because who speaks to a
 * machine types by accident. A field that is being filled in keeps all its keys.
 */

import { made } from "./dom.js";

/** @typedef {{keys: string[], does: string, title: string}} Key */

/** Keys as `KeyboardEvent.key` has them; "Shift+" where a letter needs it. */
export const GROUPS = /** @type {Record<string, Key[]>} */ ({
  Films: [
    { keys: ["u"], does: "chooseFiles", title: "Choose films" },
    { keys: [".", "PageDown"], does: "nextFilm", title: "Next film" },
    { keys: [",", "PageUp"], does: "previousFilm", title: "Previous film" },
    { keys: ["m"], does: "modelCard", title: "Model card" },
    { keys: ["?"], does: "help", title: "This help" },
  ],
  View: [
    { keys: ["+", "="], does: "zoomIn", title: "Zoom in" },
    { keys: ["-"], does: "zoomOut", title: "Zoom out" },
    { keys: ["f", "0"], does: "fit", title: "Whole film" },
    { keys: ["1"], does: "actualSize", title: "Actual size, pixel to pixel" },
    { keys: ["w"], does: "windowNarrower", title: "Narrower window, more contrast" },
    { keys: ["Shift+W"], does: "windowWider", title: "Wider window" },
    { keys: ["l"], does: "levelDown", title: "Lower level, brighter" },
    { keys: ["Shift+L"], does: "levelUp", title: "Higher level, darker" },
    { keys: ["i"], does: "invert", title: "Invert" },
    { keys: ["r"], does: "reset", title: "Reset view, window and level" },
  ],
  Heat: [
    { keys: ["h"], does: "heat", title: "Heat on or off" },
    { keys: ["n"], does: "nextNetwork", title: "Next network" },
    { keys: ["b"], does: "nextLabel", title: "Next label" },
    { keys: ["o"], does: "opacityDown", title: "Less opaque" },
    { keys: ["Shift+O"], does: "opacityUp", title: "More opaque" },
    { keys: ["c"], does: "contours", title: "Contour lines on or off" },
    { keys: ["s"], does: "sideBySide", title: "Side by side" },
  ],
  Measuring: [
    { keys: ["d"], does: "distance", title: "Distance" },
    { keys: ["a"], does: "angle", title: "Angle" },
    { keys: ["k"], does: "cobb", title: "Cobb angle by two lines" },
    { keys: ["p"], does: "slip", title: "Slip by four points" },
    { keys: ["Escape"], does: "stop", title: "Drop what is begun, back to moving" },
    { keys: ["Delete", "Backspace"], does: "removeMeasure", title: "Remove the last measure" },
  ],
  "Spine finder": [
    { keys: ["v"], does: "spineLines", title: "Lines on or off" },
    { keys: ["e"], does: "editCorners", title: "Correct corners, on or off" },
    { keys: ["]"], does: "nextCorner", title: "Next corner" },
    { keys: ["["], does: "previousCorner", title: "Previous corner" },
    { keys: ["Shift+S"], does: "saveCorners", title: "Save corrections" },
  ],
});

/** Only while the film has the focus; handled where the arrows are. */
const ON_FILM = [
  { keys: ["Arrows"], title: "Move the film, the crosshair or the chosen corner" },
  { keys: ["Enter"], title: "Set a point at the crosshair" },
];

/** Elsewhere they scroll, or are pressed for something else. */
const FILM_ALONE = ["PageUp", "PageDown", "Delete", "Backspace"];
const FILLED_IN = "input:not([type=checkbox]):not([type=file]), select, textarea, dialog[open] *";

/**
 * Calls what a key does.
 * @param {Record<string, () => void>} actions @param {HTMLElement} film
 * @param {() => boolean} works Whether single keys work outside the film.
 */
export function listen(actions, film, works) {
  const table = new Map(
    Object.values(GROUPS).flatMap((group) => group.flatMap(({ keys, does }) =>
      keys.map((key) => /** @type {[string, string]} */ ([key, does])))),
  );
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const at = event.target instanceof Element ? event.target : document.body;
    if (at.closest(FILLED_IN) || document.querySelector("dialog[open]")) return;
    const isOnFilm = film.contains(at);
    const isLetter = event.key.length === 1;
    if (!isOnFilm && isLetter && !works() && event.key !== "?") return;
    if (!isOnFilm && FILM_ALONE.includes(event.key)) return;
    const does = table.get(named(event));
    if (!does) return;
    event.preventDefault();
    actions[does]();
  });
}

/** As the table spells it; a locked Shift makes no difference. @param {KeyboardEvent} event */
function named({ key, shiftKey }) {
  if (!/^\p{L}$/u.test(key)) return key;
  return shiftKey ? `Shift+${key.toUpperCase()}` : key.toLowerCase();
}

/** Tables of all keys, one a group. */
export function tables() {
  const groups = Object.entries({ ...GROUPS, "On the film": ON_FILM });
  return groups.map(([title, keys]) =>
    made("table", {}, made("caption", {}, title), made("tbody", {}, ...keys.map(row))),
  );
}

/** @param {{keys: string[], title: string}} key */
function row({ keys, title }) {
  const caps = keys.flatMap((key, place) => [place ? " or " : "", made("kbd", {}, key)]);
  return made("tr", {}, made("th", { scope: "row" }, ...caps), made("td", {}, title));
}
