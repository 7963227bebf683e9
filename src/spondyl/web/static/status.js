/**
 * The lines below the film, and what stands in its place while it is not there.
 */

import { nextPoint } from "./measures.js";
import * as words from "./words.js";

/** @typedef {import("./geometry.js").Point} Point */

/** What a drag or press does now. @param {import("./room.js").Room} room */
export function taskSaid(room) {
  if (room.tool === "window") return "Drag: right is wider, up is brighter.";
  if (room.tool !== "move") return nextPoint(room.tool, room.measures.unfinished);
  if (room.spine.isEdited) {
    const { chosen } = room.spine;
    const title = chosen === null ? "" : `${room.spine.title(chosen)}.`;
    return `Drag a corner, or [ and ] and arrows. ${title}`;
  }
  if (matchMedia("(pointer: coarse)").matches) return "Drag to move, two fingers to zoom.";
  return "Drag to move, wheel to zoom, right button for window and level.";
}

/**
 * Zoom, window and level, and the grey under the pointer.
 * @param {import("./viewer.js").Viewer} viewer @param {Point | null} point
 */
export function numbersSaid({ view, window, film }, point) {
  const zoom = Math.round(100 * view.zoom * devicePixelRatio);
  const greys = `Window ${Math.round(window.width)} · Level ${Math.round(window.level)}`;
  return `${zoom} % · ${greys}${point && film ? greySaid(point, film.at(point)) : ""}`;
}

/** @param {import("./api.js").Entry} entry */
export function waitingSaid(entry) {
  if (entry.state === "failed") return "This film could not be read; see beside it why.";
  return "The film is shown here when it has been read.";
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
