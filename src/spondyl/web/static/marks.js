/**
 * Draws measures, vertebrae and the crosshair over a film, in CSS pixels, with a dark rim so that
 * they are seen on bone and on air.
 *
 * Colours are apart from those of heat (red to yellow): measures are light blue, the spine is pale,
 * its curves violet. Names stand beside the vertebrae, never on them. Lines that tell angles are
 * labelled at the film, not in a legend.
 */

import { midLine } from "./curves.js";
import { isWhole, linesOf } from "./measures.js";
import { degrees } from "./words.js";

/** @typedef {import("./geometry.js").Point} Point */
/** @typedef {(point: Point) => {x: number, y: number}} Place */

const MEASURE = "#7fd4ff";
const SPINE = "rgb(190 225 235 / 0.75)";
const CURVE = "#e7b3ff";
const NAME = "#e6f3f7";
const RIM = "rgb(0 0 0 / 0.75)";
const FONT = "600 13px system-ui, sans-serif";
const OUTLINE = [0, 1, 3, 2];

/**
 * @param {CanvasRenderingContext2D} pen @param {Place} place
 * @param {import("./measures.js").Measures} measures
 */
export function drawMeasures(pen, place, measures) {
  for (const measure of measures.all) {
    for (const [from, to] of linesOf(measure)) line(pen, [place(from), place(to)], MEASURE, 1.8);
    if (isWhole(measure) && measure.kind !== "distance" && measure.kind !== "angle") {
      const [a, b, c, d] = measure.points;
      dashed(pen, place(mid(a, b)), place(mid(c, d)), MEASURE);
    }
    measure.points.forEach((point) => ring(pen, place(point), 5, MEASURE));
    const last = place(measure.points[measure.points.length - 1]);
    const said = measures.short(measure);
    label(pen, said ? `${measure.number}: ${said}` : String(measure.number), last, MEASURE);
  }
}

/**
 * The vertebrae's outlines and names, and the lines of each curve.
 * @param {CanvasRenderingContext2D} pen @param {Place} place
 * @param {import("./spine.js").Spine} spine
 */
export function drawSpine(pen, place, spine) {
  spine.corners.forEach((four) => {
    line(pen, OUTLINE.map((corner) => place(four[corner])), SPINE, 1, true);
  });
  for (const curve of spine.curves) drawCurve(pen, place, spine, curve);
  drawNames(pen, place, spine);
  if (!spine.isEdited) return;
  spine.corners.flat().forEach((corner, number) => {
    const isChosen = number === spine.chosen;
    ring(pen, place(corner), isChosen ? 7 : 3.5, isChosen ? "#fff" : SPINE);
  });
}

/**
 * @param {CanvasRenderingContext2D} pen @param {Place} place
 * @param {import("./spine.js").Spine} spine @param {import("./curves.js").Curve} curve
 */
function drawCurve(pen, place, spine, curve) {
  const [upper, lower] = spine.ends(curve).map(([left, right]) => [place(left), place(right)]);
  const drawn = [upper, lower].map(([left, right]) => stretched(left, right, 0.9));
  const outer = drawn.map((ends) => ends[curve.side === "right" ? 1 : 0]);
  dashed(pen, outer[0], outer[1], CURVE);
  drawn.forEach((ends) => line(pen, ends, CURVE, 1.8));
  const at = { x: (outer[0].x + outer[1].x) / 2, y: (outer[0].y + outer[1].y) / 2 };
  label(pen, degrees(curve.cobb_deg), at, CURVE, curve.side === "right" ? "left" : "right");
}

/**
 * Names stand where they have room: of every vertebra once they are large enough on the screen.
 * @param {CanvasRenderingContext2D} pen @param {Place} place
 * @param {import("./spine.js").Spine} spine
 */
function drawNames(pen, place, spine) {
  const ends = new Set(spine.curves.flatMap(({ upper, apex, lower }) => [upper, apex, lower]));
  spine.corners.forEach((four, number) => {
    const tall = Math.abs(place(four[2]).y - place(four[0]).y);
    if (tall < 14 && !(ends.has(spine.names[number]) && tall > 7)) return;
    const edge = place(midLine(four)[0]);
    word(pen, spine.names[number], { x: edge.x - 9, y: edge.y }, NAME, "right");
  });
}

/** @param {CanvasRenderingContext2D} pen @param {{x: number, y: number}} at */
export function drawCrosshair(pen, at) {
  line(pen, [{ x: at.x - 16, y: at.y }, { x: at.x - 4, y: at.y }], "#fff", 1.4);
  line(pen, [{ x: at.x + 4, y: at.y }, { x: at.x + 16, y: at.y }], "#fff", 1.4);
  line(pen, [{ x: at.x, y: at.y - 16 }, { x: at.x, y: at.y - 4 }], "#fff", 1.4);
  line(pen, [{ x: at.x, y: at.y + 4 }, { x: at.x, y: at.y + 16 }], "#fff", 1.4);
}

/**
 * @param {CanvasRenderingContext2D} pen @param {{x: number, y: number}[]} points
 * @param {string} colour @param {number} width @param {boolean} [closed]
 */
function line(pen, points, colour, width, closed = false) {
  pen.beginPath();
  points.forEach(({ x, y }, place) => (place ? pen.lineTo(x, y) : pen.moveTo(x, y)));
  if (closed) pen.closePath();
  inked(pen, colour, width);
}

/** @param {CanvasRenderingContext2D} pen @param {{x: number, y: number}} at */
function ring(pen, at, /** @type {number} */ radius, /** @type {string} */ colour) {
  pen.beginPath();
  pen.arc(at.x, at.y, radius, 0, 2 * Math.PI);
  inked(pen, colour, 1.6);
}

/** @param {CanvasRenderingContext2D} pen @param {string} colour @param {number} width */
function inked(pen, colour, width) {
  pen.lineJoin = "round";
  pen.strokeStyle = RIM;
  pen.lineWidth = width + 1.6;
  pen.stroke();
  pen.strokeStyle = colour;
  pen.lineWidth = width;
  pen.stroke();
}

/**
 * @param {CanvasRenderingContext2D} pen @param {{x: number, y: number}} from
 * @param {{x: number, y: number}} to @param {string} colour
 */
function dashed(pen, from, to, colour) {
  pen.setLineDash([2, 5]);
  line(pen, [from, to], colour, 1);
  pen.setLineDash([]);
}

/**
 * @param {CanvasRenderingContext2D} pen @param {string} text @param {{x: number, y: number}} at
 * @param {string} colour @param {CanvasTextAlign} [align]
 */
function label(pen, text, at, colour, align = "left") {
  const aside = align === "left" ? 10 : -10;
  word(pen, text, { x: at.x + aside, y: at.y - 2 }, colour, align);
}

/**
 * @param {CanvasRenderingContext2D} pen @param {string} text @param {{x: number, y: number}} at
 * @param {string} colour @param {CanvasTextAlign} align
 */
function word(pen, text, at, colour, align) {
  pen.font = FONT;
  pen.textAlign = align;
  pen.textBaseline = "middle";
  pen.lineJoin = "round";
  const dense = pen.getTransform().a;
  const width = pen.measureText(text).width;
  const left = align === "left" ? 0 : align === "right" ? width : width / 2;
  const x = Math.max(left + 4, Math.min(pen.canvas.width / dense - (width - left) - 4, at.x));
  pen.strokeStyle = RIM;
  pen.lineWidth = 4;
  pen.strokeText(text, x, at.y);
  pen.fillStyle = colour;
  pen.fillText(text, x, at.y);
}

/**
 * A line made longer by a share of itself at each end.
 * @param {{x: number, y: number}} from @param {{x: number, y: number}} to @param {number} by
 */
function stretched(from, to, by) {
  const [across, down] = [by * (to.x - from.x), by * (to.y - from.y)];
  return [{ x: from.x - across, y: from.y - down }, { x: to.x + across, y: to.y + down }];
}

/** @param {Point} one @param {Point} other @returns {Point} */
function mid(one, other) {
  return [(one[0] + other[0]) / 2, (one[1] + other[1]) / 2];
}
