/**
 * Scoliotic curves from the corners of vertebrae, as `spondyl.measure.cobb` defines them.
 *
 * Corrected corners have to tell their angles while they are dragged, so the definition stands here
 * a second time; a test holds both to the same answers. Intervals are the finder's own and say
 * nothing of corners that a person moved, so there are none here.
 */

import { tiltDegrees } from "./geometry.js";

/** @typedef {import("./geometry.js").Point} Point */

/**
 * @typedef {object} Curve
 * @property {string} upper @property {string} apex @property {string} lower
 * @property {"right" | "left"} side The patient's, if the film shows the patient face to face.
 * @property {string} region @property {number} cobb_deg @property {boolean} at_edge
 * @property {[number, number] | null} interval_deg
 */

/** A smaller Cobb angle is posture (Scoliosis Research Society). */
export const LEAST_DEGREES = 10;

/**
 * The middles of a vertebra's left and right edge.
 * @param {Point[]} four Top-left, top-right, bottom-left, bottom-right.
 * @returns {[Point, Point]}
 */
export function midLine(four) {
  return [middle(four[0], four[2]), middle(four[1], four[3])];
}

/**
 * The curves of 10 degrees or more, from the top.
 * @param {string[]} names @param {Point[][]} corners Four of each vertebra, from the top.
 * @returns {Curve[]}
 */
export function curves(names, corners) {
  const tilt = tilts(corners);
  const ends = endVertebrae(tilt, LEAST_DEGREES);
  const found = [];
  for (let place = 1; place < ends.length; place += 1) {
    const [upper, lower] = [ends[place - 1], ends[place]];
    if (lower - upper > 1) found.push(curveOf(names, corners, tilt, upper, lower));
  }
  return found;
}

/**
 * The largest angle between any two mid-lines, degrees; 0 of no vertebra.
 * @param {Point[][]} corners
 */
export function largestDegrees(corners) {
  const tilt = tilts(corners);
  return tilt.length ? Math.max(...tilt) - Math.min(...tilt) : 0;
}

/**
 * The tilt of each mid-line, positive where its right end is lower.
 * @param {Point[][]} corners
 */
function tilts(corners) {
  return corners.map((four) => tiltDegrees(...midLine(four)));
}

/**
 * Places of alternating extremes, at least `least` apart: the smallest swing is taken out, with
 * both its turning points, or the outer one at an end, until none is too small.
 * @param {number[]} tilt @param {number} least
 */
export function endVertebrae(tilt, least) {
  const turns = turningPoints(tilt);
  while (turns.length > 1) {
    const swings = turns.slice(1).map((turn, place) => Math.abs(tilt[turn] - tilt[turns[place]]));
    const smallest = swings.indexOf(Math.min(...swings));
    if (swings[smallest] >= least) break;
    if (smallest === 0) turns.shift();
    else if (smallest === swings.length - 1) turns.pop();
    else turns.splice(smallest, 2);
  }
  return turns;
}

/** @param {number[]} tilt */
function turningPoints(tilt) {
  if (tilt.length < 2) return tilt.map((_, place) => place);
  const turns = [0];
  let heading = 0;
  for (let place = 0; place < tilt.length - 1; place += 1) {
    const step = Math.sign(tilt[place + 1] - tilt[place]);
    if (step && step === -heading) turns.push(place);
    heading = step || heading;
  }
  return [...turns, tilt.length - 1];
}

/**
 * @param {string[]} names @param {Point[][]} corners @param {number[]} tilt
 * @param {number} upper @param {number} lower @returns {Curve}
 */
function curveOf(names, corners, tilt, upper, lower) {
  const side = tilt[upper] > tilt[lower] ? "right" : "left";
  const middles = corners.slice(upper, lower + 1).map(centre);
  const outward = aside(middles).slice(1, -1).map((far) => (side === "left" ? far : -far));
  const apex = names[upper + 1 + outward.indexOf(Math.max(...outward))];
  return {
    upper: names[upper],
    apex,
    lower: names[lower],
    side,
    region: regionOf(apex),
    cobb_deg: Math.abs(tilt[upper] - tilt[lower]),
    at_edge: upper === 0 || lower === tilt.length - 1,
    interval_deg: null,
  };
}

/**
 * How far each point is right of the line from the first to the last, times that line's length.
 * @param {Point[]} points
 */
function aside(points) {
  const [first, last] = [points[0], points[points.length - 1]];
  const [down, across] = [last[0] - first[0], last[1] - first[1]];
  return points.map(([row, column]) => (column - first[1]) * down - (row - first[0]) * across);
}

/** @param {string} apex Thoracolumbar is T12 and L1. */
function regionOf(apex) {
  if (apex === "T12" || apex === "L1") return "thoracolumbar";
  return apex.startsWith("T") ? "thoracic" : "lumbar";
}

/** @param {Point[]} four @returns {Point} */
function centre(four) {
  return middle(middle(four[0], four[3]), middle(four[1], four[2]));
}

/** @param {Point} one @param {Point} other @returns {Point} */
function middle(one, other) {
  return [(one[0] + other[0]) / 2, (one[1] + other[1]) / 2];
}
