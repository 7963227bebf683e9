/**
 * The corners that the spine finder named, and what a person makes of them.
 *
 * Corners move alone; which vertebrae there are is the finder's word and cannot be changed here. A
 * correction is unsaved until the server has confirmed it, and angles follow the corners at once,
 * without the finder's intervals, which say nothing of corners that a person moved.
 */

import { curves, largestDegrees, midLine } from "./curves.js";
import { clamp, distance } from "./geometry.js";

/** @typedef {import("./geometry.js").Point} Point */

const VERTEBRAE = [
  ...Array.from({ length: 12 }, (_, place) => `T${place + 1}`),
  ...Array.from({ length: 5 }, (_, place) => `L${place + 1}`),
];
const CORNERS = ["top left", "top right", "bottom left", "bottom right"];

export class Spine {
  /** @param {() => void} changed Called after each change. */
  constructor(changed) {
    this.changed = changed;
    /** @type {string[]} */
    this.names = [];
    /** @type {Point[][]} */
    this.corners = [];
    /** @type {Point[][]} */
    this.saved = [];
    /** @type {import("./view.js").Size} */
    this.film = { width: 1, height: 1 };
    this.isShown = false;
    this.isEdited = false;
    /** Whether a person moved a corner, now or in a saved correction. */
    this.isCorrected = false;
    /** @type {number | null} Of all corners, from the top. */
    this.chosen = null;
  }

  /**
   * Takes the corners of a film; none where nothing was found.
   * @param {import("./api.js").Corners | null} corners @param {import("./view.js").Size} film
   * @param {boolean} byHand
   */
  open(corners, film, byHand) {
    const given = corners ?? [];
    const fourOf = (/** @type {number} */ place) => given.slice(4 * place, 4 * place + 4);
    const all = VERTEBRAE.map((name, place) => ({ name, four: fourOf(place) }));
    const found = all.filter(({ four }) => four.length === 4 && four.every((one) => one !== null));
    this.names = found.map(({ name }) => name);
    this.corners = found.map(({ four }) => four.map((corner) => rowFirst(corner)));
    this.saved = copied(this.corners);
    this.film = film;
    this.isCorrected = byHand;
    this.isEdited = false;
    this.chosen = null;
    this.changed();
  }

  get isThere() {
    return this.names.length > 0;
  }

  get isUnsaved() {
    return this.corners.some((four, place) =>
      four.some((corner, which) => distance(corner, this.saved[place][which]) > 0),
    );
  }

  get curves() {
    return curves(this.names, this.corners);
  }

  get largestDegrees() {
    return largestDegrees(this.corners);
  }

  /** Shows or hides the lines. */
  toggle() {
    this.isShown = !this.isShown && this.isThere;
    if (!this.isShown) this.isEdited = false;
    this.changed();
  }

  /** Lets corners be moved, or no longer. */
  toggleEditing() {
    this.isEdited = !this.isEdited && this.isThere;
    this.isShown ||= this.isEdited;
    this.chosen = this.isEdited ? (this.chosen ?? 0) : null;
    this.changed();
  }

  /** The corner within `reach` pixels; null where none may be moved. @param {Point} at */
  hit(at, /** @type {number} */ reach) {
    if (!this.isEdited) return null;
    const far = this.corners.flat().map((corner) => distance(at, corner));
    const nearest = Math.min(...far);
    return nearest <= reach ? far.indexOf(nearest) : null;
  }

  /** @param {number} step To the next corner, or back. */
  choose(step) {
    const number = 4 * this.names.length;
    this.chosen = ((this.chosen ?? 0) + step + number) % number;
    this.changed();
    return this.title(this.chosen);
  }

  /** @param {number} corner @param {Point} point Kept on the film. */
  move(corner, point) {
    this.corners[corner >> 2][corner & 3] = [
      clamp(point[0], 0, this.film.height - 1),
      clamp(point[1], 0, this.film.width - 1),
    ];
    this.chosen = corner;
    this.isCorrected = true;
    this.changed();
  }

  /** @param {number} corner */
  at(corner) {
    return this.corners[corner >> 2][corner & 3];
  }

  /** @param {number} corner */
  title(corner) {
    return `${this.names[corner >> 2]}, ${CORNERS[corner & 3]} corner`;
  }

  /** Puts all corners back where they were when last saved. */
  undo() {
    this.corners = copied(this.saved);
    this.changed();
  }

  /**
   * Goes on with corners that were moved and not saved.
   * @param {import("./api.js").Corners | null} draft
   */
  resume(draft) {
    if (draft === null) return;
    this.corners = this.inOrder(draft);
    this.isCorrected = true;
    this.isShown = true;
    this.changed();
  }

  /** What the server is sent. @returns {import("./api.js").Corners} */
  asSent() {
    return VERTEBRAE.flatMap((name) => {
      const four = this.corners[this.names.indexOf(name)];
      if (!four) return [null, null, null, null];
      return four.map(([row, column]) => /** @type {[number, number]} */ ([column, row]));
    });
  }

  /** The server has confirmed these corners. @param {import("./api.js").Corners} sent */
  keep(sent) {
    this.saved = this.inOrder(sent);
    this.changed();
  }

  /** Of the vertebrae that are there. @param {import("./api.js").Corners} sent */
  inOrder(sent) {
    const given = sent.filter((corner) => corner !== null).map((corner) => rowFirst(corner));
    return this.names.map((_, place) => given.slice(4 * place, 4 * place + 4));
  }

  /** The mid-lines of a curve's two end vertebrae. @param {import("./curves.js").Curve} curve */
  ends(curve) {
    const places = [curve.upper, curve.lower].map((name) => this.names.indexOf(name));
    return places.map((place) => midLine(this.corners[place]));
  }
}

/** @param {[number, number] | null} corner [x, y] @returns {Point} */
function rowFirst(corner) {
  return corner ? [corner[1], corner[0]] : [NaN, NaN];
}

/** @param {Point[][]} corners @returns {Point[][]} */
function copied(corners) {
  return corners.map((four) => four.map(([row, column]) => [row, column]));
}
