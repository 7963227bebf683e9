/**
 * One or two panes that show a film, its heat and what was marked on it, under one view.
 *
 * Drawing is our own, on canvas: a viewer made for tiles (OpenSeadragon, 350 kB) has neither window
 * and level nor an overlay whose heat may be read back, so both would be drawn by hand there
 * too. The price is that a film is loaded whole. Nothing is drawn before the next frame, however
 * many things change.
 */

import { stroke } from "./contours.js";
import { context, FULL, windowOf } from "./film.js";
import { fitted, moved, onFilm, onPane, zoomed } from "./view.js";

/** @typedef {import("./geometry.js").Point} Point */
/** @typedef {import("./film.js").Window} Window */
/** @typedef {{canvas: HTMLCanvasElement | null, contours: Path2D[] | null}} Layer */
/** @typedef {(point: Point) => {x: number, y: number}} Place */
/** @typedef {(pen: CanvasRenderingContext2D, place: Place) => void} Marks */

/** @type {Layer} */
const NO_LAYER = { canvas: null, contours: null };

export class Viewer {
  /**
   * @param {HTMLCanvasElement[]} panes
   * @param {() => void} changed Called after view or window changed.
   */
  constructor(panes, changed) {
    this.panes = panes;
    this.changed = changed;
    /** @type {import("./film.js").FilmPicture | null} */
    this.film = null;
    /** @type {Layer[]} */
    this.layers = panes.map(() => NO_LAYER);
    /** @type {Marks[]} Drawn over all, in CSS pixels. */
    this.marks = [];
    /** @type {import("./view.js").View} */
    this.view = { zoom: 1, middle: [0, 0] };
    /** @type {Window} */
    this.window = { ...FULL };
    this.isFitted = true;
    this.isWindowShown = false;
    this.frame = 0;
    const seen = new ResizeObserver(() => this.resized());
    panes.forEach((pane) => seen.observe(pane));
  }

  /**
   * Shows a film, whole and with all its greys.
   * @param {import("./film.js").FilmPicture | null} film
   */
  open(film) {
    this.film = film;
    this.layers = this.panes.map(() => NO_LAYER);
    this.setWindow(FULL);
    this.fit();
  }

  /** Lays heat over the film in one pane. @param {number} pane @param {Layer | null} layer */
  lay(pane, layer) {
    this.layers[pane] = layer ?? NO_LAYER;
    this.draw();
  }

  /** @param {Window} window */
  setWindow(window) {
    this.window = windowOf(window);
    this.isWindowShown = false;
    this.draw();
    this.changed();
  }

  fit() {
    if (!this.film) return this.draw();
    this.setView(fitted(this.film.full, this.paneSize()));
    this.isFitted = true;
  }

  /** One film's pixel to one of the screen's. */
  actualSize() {
    this.zoom(1 / devicePixelRatio / this.view.zoom);
  }

  /** @param {number} factor @param {{x: number, y: number}} [at] */
  zoom(factor, at) {
    if (this.film) this.setView(zoomed(this.view, this.film.full, this.paneSize(), factor, at));
  }

  /** @param {number} right CSS pixels. @param {number} down */
  pan(right, down) {
    if (this.film) this.setView(moved(this.view, this.film.full, right, down));
  }

  /** The film's point under a place in a pane. @param {{x: number, y: number}} at */
  point(at) {
    return onFilm(this.view, this.paneSize(), at);
  }

  /** Draws everything at the next frame. */
  draw() {
    if (!this.frame) this.frame = requestAnimationFrame(() => this.drawNow());
  }

  /** The first pane's size, CSS pixels; all panes in sight have the same. */
  paneSize() {
    const { clientWidth, clientHeight } = this.panes[0];
    return { width: clientWidth || 1, height: clientHeight || 1 };
  }

  /** @param {import("./view.js").View} view */
  setView(view) {
    this.view = view;
    this.isFitted = false;
    this.draw();
    this.changed();
  }

  resized() {
    if (this.isFitted) this.fit();
    this.draw();
  }

  drawNow() {
    this.frame = 0;
    if (this.film && !this.isWindowShown) {
      this.film.show(this.window);
      this.isWindowShown = true;
    }
    this.panes.forEach((pane, place) => this.drawPane(pane, this.layers[place]));
  }

  /** @param {HTMLCanvasElement} pane @param {Layer} layer */
  drawPane(pane, layer) {
    const { clientWidth: width, clientHeight: height } = pane;
    if (!width || !height) return;
    const dense = devicePixelRatio;
    if (pane.width !== Math.round(width * dense)) pane.width = Math.round(width * dense);
    if (pane.height !== Math.round(height * dense)) pane.height = Math.round(height * dense);
    const pen = context(pane);
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, pane.width, pane.height);
    if (!this.film) return;
    this.drawFilm(pen, { width, height }, layer, dense);
    pen.setTransform(dense, 0, 0, dense, 0, 0);
    const place = (/** @type {Point} */ point) => onPane(this.view, { width, height }, point);
    for (const mark of this.marks) mark(pen, place);
  }

  /**
   * @param {CanvasRenderingContext2D} pen @param {import("./view.js").Size} pane
   * @param {Layer} layer @param {number} dense
   */
  drawFilm(pen, pane, layer, dense) {
    if (!this.film) return;
    const { width, height } = this.film.full;
    const zoom = this.view.zoom * dense;
    const corner = onPane(this.view, pane, [-0.5, -0.5]);
    pen.setTransform(zoom, 0, 0, zoom, corner.x * dense, corner.y * dense);
    pen.imageSmoothingQuality = "high";
    pen.imageSmoothingEnabled = zoom < 4; // from there a pixel is shown as the square it is
    pen.drawImage(this.film.canvas, 0, 0, width, height);
    pen.imageSmoothingEnabled = true;
    if (layer.canvas) pen.drawImage(layer.canvas, 0, 0, width, height);
    pen.translate(0.5, 0.5);
    if (layer.contours) stroke(pen, layer.contours, this.view.zoom);
  }
}
