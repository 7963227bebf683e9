/**
 * Distances, angles and slips from points that a person set: pure functions, nothing drawn.
 *
 * Points are [row, column] in the film's pixels, centres at whole numbers, as everywhere in this
 * house. Every function takes `spacing`, [row, column] millimetres to a pixel, or [1, 1] where the
 * film states none, and so is right where pixels are no squares. The price of a film that states
 * nothing: lengths are in pixels, and angles trust that its pixels are squares.
 */

/** @typedef {[number, number]} Point (row, column), pixels. */
/** @typedef {readonly [number, number]} Spacing (row, column), millimetres to a pixel. */

/** @type {Spacing} */
export const SQUARE = [1, 1];

/** The largest percentage of each of Meyerding's grades; more than the last is V. */
const GRADES = /** @type {const} */ ([[25, "I"], [50, "II"], [75, "III"], [100, "IV"]]);

/**
 * The length between two points, in the unit of `spacing`.
 * @param {Point} one @param {Point} other @param {Spacing} spacing
 */
export function distance(one, other, spacing = SQUARE) {
  const [down, across] = between(one, other, spacing);
  return Math.hypot(down, across);
}

/**
 * The angle at `vertex` between the ways to both ends, 0 … 180 degrees; NaN where a way has no
 * length.
 * @param {Point} end @param {Point} vertex @param {Point} other @param {Spacing} spacing
 */
export function angleDegrees(end, vertex, other, spacing = SQUARE) {
  const [a, b] = [between(vertex, end, spacing), between(vertex, other, spacing)];
  if (!Math.hypot(...a) || !Math.hypot(...b)) return NaN;
  const cross = a[0] * b[1] - a[1] * b[0];
  return Math.abs(degrees(Math.atan2(cross, a[0] * b[0] + a[1] * b[1])));
}

/**
 * How far the line through two points, read from left to right, falls: -90 … 90 degrees, positive
 * where its right end is lower; NaN where the points are one.
 * @param {Point} one @param {Point} other @param {Spacing} spacing
 */
export function tiltDegrees(one, other, spacing = SQUARE) {
  const [down, across] = between(one, other, spacing);
  if (!down && !across) return NaN;
  return across < 0 ? degrees(Math.atan2(-down, -across)) : degrees(Math.atan2(down, across));
}

/**
 * The Cobb angle between two lines of two points each (Cobb 1948, Instr Course Lect 5:261).
 * Degrees; both are read from left to right, so angles of more than 90 degrees are possible, and it
 * does not matter which end was set first.
 * @param {Point[]} points Four. @param {Spacing} spacing
 */
export function cobbDegrees(points, spacing = SQUARE) {
  const [a, b, c, d] = points;
  return Math.abs(tiltDegrees(a, b, spacing) - tiltDegrees(c, d, spacing));
}

/**
 * @typedef {object} Slip
 * @property {number | null} percent Forward shift over the end plate below, negative backward.
 * @property {string | null} grade Meyerding's; null of what has not slipped forward.
 * @property {number | null} shift The shift itself, in the unit of `spacing`.
 * @property {string | null} fault Why these points make no slip; null where they do.
 */

/**
 * The slip of a vertebra on the one below (Taillard 1954, Acta Orthop Scand 24:115), graded after
 * Meyerding (1932, Surg Gynecol Obstet 54:371), as `spondyl.measure.slip` has both.
 *
 * `points`: posterior and anterior end of the upper end plate below, posterior and anterior lower
 * corner of the vertebra above.
 * @param {Point[]} points Four. @param {Spacing} spacing
 * @returns {Slip}
 */
export function slip(points, spacing = SQUARE) {
  const [lowerPosterior, lowerAnterior, upperPosterior, upperAnterior] = points;
  const plate = between(lowerPosterior, lowerAnterior, spacing);
  const above = between(upperPosterior, upperAnterior, spacing);
  if (!Math.hypot(...plate) || !Math.hypot(...above)) {
    return noSlip("Back and front corner are one point. Mark both ends of each end plate.");
  }
  if (dot(plate, above) <= 0) {
    return noSlip("The two end plates point to opposite sides: back and front are swapped on one.");
  }
  const along = dot(between(lowerPosterior, upperPosterior, spacing), plate);
  const percent = (100 * along) / dot(plate, plate);
  return { percent, grade: meyerding(percent), shift: along / Math.hypot(...plate), fault: null };
}

/**
 * The grade of a slip: I up to and with 25 %, II 50, III 75, IV 100, beyond it V; null of none.
 * @param {number} percent
 */
export function meyerding(percent) {
  if (percent <= 0) return null;
  const found = GRADES.find(([most]) => percent <= most);
  return found ? found[1] : "V";
}

/** @param {number} value @param {number} least @param {number} most */
export function clamp(value, least, most) {
  return Math.min(most, Math.max(least, value));
}

/** @param {Point} one @param {Point} other @param {Spacing} spacing @returns {Point} */
function between(one, other, spacing) {
  return [(other[0] - one[0]) * spacing[0], (other[1] - one[1]) * spacing[1]];
}

/** @param {Point} a @param {Point} b */
function dot(a, b) {
  return a[0] * b[0] + a[1] * b[1];
}

/** @param {number} radians */
function degrees(radians) {
  return (radians * 180) / Math.PI;
}

/** @param {string} fault @returns {Slip} */
function noSlip(fault) {
  return { percent: null, grade: null, shift: null, fault };
}
