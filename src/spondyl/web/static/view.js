/**
 * Where a film lies in a pane: one zoom and the film's point in the middle, nothing else.
 *
 * Panes that share one view are linked by construction. The middle stays when a pane changes size.
 * A film's pixel centres are at whole numbers and its edges at halves; a pane's corner is at (0, 0)
 * in CSS pixels.
 */

import { clamp } from "./geometry.js";

/** @typedef {import("./geometry.js").Point} Point */
/** @typedef {{width: number, height: number}} Size */
/**
 * @typedef {object} View
 * @property {number} zoom CSS pixels to a film's pixel.
 * @property {Point} middle The film's point in the middle of the pane.
 */

const MOST_ZOOM = 32;
/** Share of the fitted zoom to which one can go back. */
const LEAST_ZOOM = 0.5;

/** The whole film, as large as it can be. @param {Size} film @param {Size} pane @returns {View} */
export function fitted(film, pane) {
  const zoom = Math.min(pane.width / film.width, pane.height / film.height);
  return { zoom: Math.max(zoom, 1e-6), middle: [(film.height - 1) / 2, (film.width - 1) / 2] };
}

/**
 * The pane's (x, y) of a film's point.
 * @param {View} view @param {Size} pane @param {Point} point
 */
export function onPane(view, pane, point) {
  return {
    x: pane.width / 2 + (point[1] - view.middle[1]) * view.zoom,
    y: pane.height / 2 + (point[0] - view.middle[0]) * view.zoom,
  };
}

/** @param {View} view @param {Size} pane @param {{x: number, y: number}} at @returns {Point} */
export function onFilm(view, pane, at) {
  return [
    view.middle[0] + (at.y - pane.height / 2) / view.zoom,
    view.middle[1] + (at.x - pane.width / 2) / view.zoom,
  ];
}

/**
 * The view `factor` times larger, with the film's point under `at` staying there.
 * @param {View} view @param {Size} film @param {Size} pane @param {number} factor
 * @param {{x: number, y: number}} [at] The pane's middle where it is left out. @returns {View}
 */
export function zoomed(view, film, pane, factor, at) {
  const place = at ?? { x: pane.width / 2, y: pane.height / 2 };
  const least = LEAST_ZOOM * Math.min(1, fitted(film, pane).zoom);
  const zoom = clamp(view.zoom * factor, least, MOST_ZOOM);
  const kept = onFilm(view, pane, place);
  const middle = /** @type {Point} */ ([
    kept[0] - (place.y - pane.height / 2) / zoom,
    kept[1] - (place.x - pane.width / 2) / zoom,
  ]);
  return within({ zoom, middle }, film);
}

/**
 * The view after the film was moved by CSS pixels; its middle never leaves the film.
 * @param {View} view @param {Size} film @param {number} right @param {number} down @returns {View}
 */
export function moved(view, film, right, down) {
  const [row, column] = view.middle;
  return within({ ...view, middle: [row - down / view.zoom, column - right / view.zoom] }, film);
}

/** @param {View} view @param {Size} film @returns {View} */
function within(view, film) {
  const [row, column] = view.middle;
  return {
    zoom: view.zoom,
    middle: [clamp(row, -0.5, film.height - 0.5), clamp(column, -0.5, film.width - 0.5)],
  };
}
