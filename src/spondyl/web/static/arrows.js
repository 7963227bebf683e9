/**
 * Arrows and Enter on the film: they move what is in hand, so all can be measured without a mouse.
 *
 * In hand is the crosshair where a tool is chosen, else the chosen corner, else the film. Steps are
 * pixels of the screen, finer on the film the more it is enlarged.
 */

/** @typedef {import("./geometry.js").Point} Point */

const STEP_PX = 40;
/** @type {Record<string, [number, number]>} (rows, columns) */
const WAYS = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};

/**
 * @param {import("./room.js").Room} room @param {KeyboardEvent} event
 */
export function moveByKey(room, event) {
  const measuring = room.tool !== "move" && room.tool !== "window";
  if (event.key === "Enter" && measuring && room.crosshair) return room.place(room.crosshair);
  const way = WAYS[event.key];
  if (!way || !room.viewer.film || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  const step = (event.shiftKey ? 10 : 1) / room.viewer.view.zoom;
  const after = (/** @type {Point} */ at) =>
    /** @type {Point} */ ([at[0] + way[0] * step, at[1] + way[1] * step]);
  if (measuring) {
    room.crosshair = after(room.crosshair ?? room.viewer.view.middle);
    room.showNumbers(room.crosshair);
    room.viewer.draw();
  } else if (room.spine.isEdited && room.spine.chosen !== null) {
    room.spine.move(room.spine.chosen, after(room.spine.at(room.spine.chosen)));
  } else {
    pan(room.viewer, way, event.shiftKey);
  }
}

/**
 * Arrows that move the film and nothing else.
 * @param {import("./viewer.js").Viewer} viewer @param {KeyboardEvent} event
 */
export function panByKey(viewer, event) {
  const way = WAYS[event.key];
  if (!way || !viewer.film || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  pan(viewer, way, event.shiftKey);
}

/**
 * @param {import("./viewer.js").Viewer} viewer @param {[number, number]} way
 * @param {boolean} isFar
 */
function pan(viewer, way, isFar) {
  const far = isFar ? 4 * STEP_PX : STEP_PX;
  viewer.pan(-way[1] * far, -way[0] * far);
}
