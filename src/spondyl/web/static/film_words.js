/**
 * What is said of a film in sight: its size on the screen, its greys, and what is not shown.
 */

import * as words from "./words.js";

/** @typedef {import("./geometry.js").Point} Point */

/**
 * Zoom, window and level, and the grey under the pointer.
 * @param {import("./viewer.js").Viewer} viewer @param {Point | null} point
 */
export function numbersSaid({ view, window, film }, point) {
  const zoom = Math.round(100 * view.zoom * devicePixelRatio);
  const greys = `Window ${Math.round(window.width)} · Level ${Math.round(window.level)}`;
  return `${zoom} % · ${greys}${point && film ? greySaid(point, film.at(point)) : ""}`;
}

/** @param {Point} point @param {number | null} grey */
function greySaid([row, column], grey) {
  return grey === null ? "" : ` · row ${Math.round(row)}, column ${Math.round(column)}: ${grey}`;
}

/** @param {import("./film.js").FilmPicture} film */
export function reducedSaid(film) {
  const share = words.significant(100 * film.reduced);
  return `Shown at ${share} % of its resolution: this browser holds no more.`;
}
