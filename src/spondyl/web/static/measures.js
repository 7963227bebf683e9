/**
 * What a person measures on a film: points that are set one by one, and what follows from them.
 *
 * Measures stay in this page and are gone when it is closed: they are a person's notes, and nobody
 * else's data is made of them. Points can be moved afterwards, so none has to be hit at once.
 */

import { angleDegrees, cobbDegrees, distance, slip, SQUARE } from "./geometry.js";

/** @typedef {import("./geometry.js").Point} Point */
/** @typedef {"distance" | "angle" | "cobb" | "slip"} Kind */

/**
 * @typedef {object} Tool
 * @property {string} title @property {string[]} points What each point is, in the order set.
 */

/** @type {Record<Kind, Tool>} */
export const TOOLS = {
  distance: { title: "Distance", points: ["one end", "the other end"] },
  angle: {
    title: "Angle",
    points: ["the end of one leg", "the vertex", "the end of the other leg"],
  },
  cobb: {
    title: "Cobb angle",
    points: ["upper line, one end", "upper line, the other end", "lower line, one end",
      "lower line, the other end"],
  },
  slip: {
    title: "Slip",
    points: ["back end of the lower vertebra's upper end plate", "front end of the same end plate",
      "lower back corner of the vertebra above", "lower front corner of the vertebra above"],
  },
};

/** Which points are joined by lines. @type {Record<Kind, [number, number][]>} */
const LINES = {
  distance: [[0, 1]],
  angle: [[0, 1], [1, 2]],
  cobb: [[0, 1], [2, 3]],
  slip: [[0, 1], [2, 3]],
};

/**
 * @typedef {object} Measure
 * @property {number} number Counted from 1 on this film; never given twice. @property {Kind} kind
 * @property {Point[]} points As many as are set.
 */

export class Measures {
  /** @param {() => void} changed Called after each change. */
  constructor(changed) {
    this.changed = changed;
    /** @type {Measure[]} */
    this.all = [];
    /** @type {[number, number] | null} (row, column) millimetres to a pixel. */
    this.spacing = null;
    this.count = 0;
  }

  /** The measure that still lacks points. */
  get unfinished() {
    return this.all.find((one) => !isWhole(one)) ?? null;
  }

  /** Sets the next point of a measure of this kind. @param {Kind} kind @param {Point} point */
  place(kind, point) {
    let open = this.unfinished;
    if (open && open.kind !== kind) this.dropUnfinished();
    if (!open || open.kind !== kind) {
      this.count += 1;
      open = { number: this.count, kind, points: [] };
      this.all.push(open);
    }
    open.points.push(point);
    this.changed();
    return open;
  }

  /** @param {Measure} measure */
  remove(measure) {
    this.all = this.all.filter((one) => one !== measure);
    this.changed();
  }

  removeLast() {
    const last = this.all.at(-1);
    if (last) this.remove(last);
    return last ?? null;
  }

  /** Takes back the last point of a measure that is not whole. */
  dropUnfinished() {
    this.all = this.all.filter(isWhole);
    this.changed();
  }

  /** The point within `reach` pixels of a place, the nearest first. @param {Point} at */
  hit(at, /** @type {number} */ reach) {
    const near = this.all.flatMap((measure) =>
      measure.points.map((point, place) => ({ measure, place, far: distance(at, point) })),
    );
    return near.filter((one) => one.far <= reach).sort((a, b) => a.far - b.far)[0] ?? null;
  }

  /** @param {Measure} measure @param {number} place @param {Point} point */
  move(measure, place, point) {
    measure.points[place] = point;
    this.changed();
  }

  /** What a measure says, short enough for the film; "" while it lacks points. */
  short(/** @type {Measure} */ measure) {
    return isWhole(measure) ? SHORT[measure.kind](measure.points, this.spacing) : "";
  }

  /** What a measure says in words. @param {Measure} measure */
  sentence(measure) {
    const title = `${TOOLS[measure.kind].title} ${measure.number}`;
    if (isWhole(measure)) return `${title}: ${faultOf(measure) ?? this.short(measure)}`;
    return `${title}: ${TOOLS[measure.kind].points.length - measure.points.length} points missing`;
  }
}

/** What the next point is. @param {Kind} kind @param {Measure | null} open */
export function nextPoint(kind, open) {
  const { title, points } = TOOLS[kind];
  const number = open && open.kind === kind ? open.points.length : 0;
  return `${title}: set point ${number + 1} of ${points.length}, ${points[number]}.`;
}

/** The lines of a measure, as far as it has points. @returns {[Point, Point][]} */
export function linesOf(/** @type {Measure} */ { kind, points }) {
  return LINES[kind]
    .filter(([, to]) => to < points.length)
    .map(([from, to]) => [points[from], points[to]]);
}

/** @param {Measure} measure */
export function isWhole({ kind, points }) {
  return points.length === TOOLS[kind].points.length;
}

/** @typedef {(points: Point[], spacing: [number, number] | null) => string} Said */
/** @type {Record<Kind, Said>} */
const SHORT = {
  distance: ([one, other], spacing) =>
    lengthSaid(distance(one, other, spacing ?? SQUARE), spacing),
  angle: ([end, vertex, other], spacing) =>
    angleSaid(angleDegrees(end, vertex, other, spacing ?? SQUARE)),
  cobb: (points, spacing) => angleSaid(cobbDegrees(points, spacing ?? SQUARE)),
  slip: (points, spacing) => {
    const { percent, grade, shift } = slip(points, spacing ?? SQUARE);
    if (percent === null || shift === null) return "no slip";
    const graded = grade === null ? "not forward, no grade" : `Meyerding ${grade}`;
    return `${percent.toFixed(1)} % (${lengthSaid(shift, spacing)}), ${graded}`;
  },
};

/** Why whole points make no slip; null of all other measures. @param {Measure} measure */
function faultOf({ kind, points }) {
  return kind === "slip" ? slip(points).fault : null;
}

/** @param {number} length @param {[number, number] | null} spacing */
function lengthSaid(length, spacing) {
  return spacing === null ? `${length.toFixed(0)} px` : `${length.toFixed(1)} mm`;
}

/** @param {number} degrees */
function angleSaid(degrees) {
  return Number.isNaN(degrees) ? "no angle: two points are one" : `${degrees.toFixed(1)}°`;
}

/**
 * What lengths on this film mean, in a sentence.
 * @param {[number, number] | null} spacing @param {string | null} kind As DICOM states it.
 */
export function spacingSaid(spacing, kind) {
  if (spacing === null) {
    return "This film does not state its spacing: lengths are in pixels (px), not in mm, " +
      "and angles hold if its pixels are squares.";
  }
  if (kind === "calibrated") return "Lengths are in mm on the patient, as the film states.";
  if (kind === "detector") return "Lengths are in mm on the detector, larger than on the patient.";
  return "Lengths are in mm, as the film states its spacing.";
}
