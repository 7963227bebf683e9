/**
 * Mouse, pen and fingers on the film: what is taken hold of, and what a drag then does.
 *
 * A handle under the pointer comes first, then the chosen tool; a drag that takes hold of nothing
 * moves the film, and the right button changes window and level. A tool sets a point where a press
 * ends without having moved, so one can move the film in the middle of a measure. Two fingers zoom
 * and move at once.
 */

/** @typedef {import("./viewer.js").Viewer} Viewer */
/** @typedef {import("./geometry.js").Point} Point */
/** @typedef {{x: number, y: number}} At */

/**
 * @typedef {object} Hands
 * @property {(point: Point, reach: number) => ((point: Point) => void) | null} grab What moves the
 * handle there; null where there is none.
 * @property {(point: Point) => void} place A press that did not move.
 * @property {() => "move" | "window" | "measure"} mode
 * @property {(point: Point | null) => void} over Where the pointer is.
 */

/** CSS pixels within which a handle is taken hold of. */
const REACH = { mouse: 9, pen: 14, touch: 24 };
const STILL = 5;
/** Greys to a CSS pixel of a drag. */
const GREYS = 0.7;
const WHEEL = 0.0016;

/** @param {HTMLCanvasElement} pane @param {Viewer} viewer @param {Hands} hands */
export function listen(pane, viewer, hands) {
  /** @type {Map<number, At>} */
  const down = new Map();
  /** @type {((point: Point) => void) | null} */
  let held = null;
  let pressed = { x: 0, y: 0 };
  let travelled = 0;
  let turnsWindow = false;

  pane.addEventListener("contextmenu", (event) => event.preventDefault());
  pane.addEventListener("pointerdown", (event) => {
    if (!viewer.film || event.button === 1) return;
    const at = place(pane, event);
    pane.setPointerCapture(event.pointerId);
    down.set(event.pointerId, at);
    if (down.size > 1) {
      held = null;
      travelled = Infinity;
      return;
    }
    pressed = at;
    travelled = 0;
    turnsWindow = event.button === 2 || hands.mode() === "window";
    const reach = (REACH[/** @type {"mouse"} */ (event.pointerType)] ?? REACH.mouse);
    held = turnsWindow ? null : hands.grab(viewer.point(at), reach / viewer.view.zoom);
  });
  pane.addEventListener("pointermove", (event) => {
    const at = place(pane, event);
    hands.over(viewer.film ? viewer.point(at) : null);
    const before = down.get(event.pointerId);
    if (!before) return;
    down.set(event.pointerId, at);
    if (down.size === 2) return pinch(viewer, [...down.values()], at, before);
    travelled = Math.max(travelled, Math.hypot(at.x - pressed.x, at.y - pressed.y));
    if (held) return held(viewer.point(at));
    if (travelled < STILL) return;
    if (turnsWindow) turn(viewer, at.x - before.x, at.y - before.y);
    else viewer.pan(at.x - before.x, at.y - before.y);
  });
  const release = (/** @type {PointerEvent} */ event) => {
    if (!down.delete(event.pointerId) || down.size) return;
    const isPress = event.type === "pointerup" && travelled < STILL && !held && !turnsWindow;
    if (isPress && hands.mode() === "measure") hands.place(viewer.point(place(pane, event)));
    held = null;
  };
  pane.addEventListener("pointerup", release);
  pane.addEventListener("pointercancel", release);
  pane.addEventListener("pointerleave", () => hands.over(null));
  pane.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
      viewer.zoom(Math.exp(-event.deltaY * lines * WHEEL), place(pane, event));
    },
    { passive: false },
  );
}

/**
 * Window and level after a drag: to the right is wider, upwards is brighter.
 * @param {Viewer} viewer @param {number} right @param {number} down
 */
function turn(viewer, right, down) {
  const { width, level, inverted } = viewer.window;
  viewer.setWindow({ width: width + GREYS * right, level: level + GREYS * down, inverted });
}

/**
 * One of two fingers moved from `before` to `at`: the film follows both.
 * @param {Viewer} viewer @param {At[]} fingers @param {At} at @param {At} before
 */
function pinch(viewer, fingers, at, before) {
  const other = fingers.find((one) => one !== at) ?? at;
  const apart = Math.hypot(before.x - other.x, before.y - other.y) || 1;
  const factor = Math.hypot(at.x - other.x, at.y - other.y) / apart;
  viewer.zoom(factor, { x: (before.x + other.x) / 2, y: (before.y + other.y) / 2 });
  viewer.pan((at.x - before.x) / 2, (at.y - before.y) / 2);
}

/** @param {HTMLCanvasElement} pane @param {MouseEvent} event @returns {At} */
function place(pane, event) {
  const box = pane.getBoundingClientRect();
  return { x: event.clientX - box.left, y: event.clientY - box.top };
}
