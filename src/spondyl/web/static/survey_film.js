/**
 * The film of a page, and the same film under its heat at the same place.
 *
 * Both come drawn from the server: the heat lies over the film as a picture of the same size, so
 * zoom and place are one by construction. Who changes window, level or invert is shown the film
 * alone, for colours under another window would no longer be those of the legend. A film stays as
 * it was moved and zoomed from its own page to those of its heatmaps.
 */

import { panByKey } from "./arrows.js";
import { made, one, press, say } from "./dom.js";
import { context, filmOf, FULL, surface } from "./film.js";
import { numbersSaid, reducedSaid } from "./film_words.js";
import * as pointer from "./pointer.js";
import { picture } from "./requests.js";
import { legend } from "./survey_words.js";
import { Viewer } from "./viewer.js";

/** @typedef {import("./survey_api.js").Step} Step */

/** A heat button or key that is held longer than so is let go of as it was. */
const HELD_MS = 400;

export class Stage {
  constructor() {
    this.panes = one("#panes");
    this.pane = /** @type {HTMLCanvasElement} */ (one(".pane > canvas"));
    this.viewer = new Viewer([this.pane], () => this.changed());
    this.seen = this.viewer.window;
    /** @type {Step | null} */
    this.step = null;
    this.filmUrl = "";
    /** @type {HTMLCanvasElement | null} */
    this.heat = null;
    this.isHeat = false;
    /** @type {number | null} */
    this.pressedAt = null;
    /** @type {"move" | "window"} */
    this.tool = "move";
    pointer.listen(this.pane, this.viewer, {
      grab: () => null,
      place: () => {},
      mode: () => this.tool,
      over: (point) => this.showNumbers(point),
    });
    this.panes.addEventListener("keydown", (event) => panByKey(this.viewer, event));
    addEventListener("blur", () => this.release());
  }

  /**
   * Shows the picture of a page.
   * @param {Step | null} step
   * @returns {Promise<boolean>} Whether it is there; false where another page was asked for.
   */
  async open(step) {
    this.step = step;
    this.heat = null;
    this.showHeat(false);
    this.showTools();
    if (!step || step.film_url !== this.filmUrl) this.viewer.open(null);
    this.filmUrl = this.viewer.film && step ? step.film_url : "";
    this.pane.setAttribute("aria-label", "No film");
    if (!step) return false;
    this.showWaiting("The film is being loaded …");
    const film = await this.filmOf(step);
    const heat = step.map_url ? await picture(step.map_url).then(drawn) : null;
    if (this.step !== step) return false;
    if (!this.viewer.film) this.viewer.open(film);
    this.filmUrl = step.film_url;
    this.heat = heat;
    this.showWaiting(film.reduced < 1 ? reducedSaid(film) : "");
    this.showHeat(heat !== null);
    return true;
  }

  /** The one that is there already, where it is the same. @param {Step} step */
  async filmOf(step) {
    if (this.viewer.film) return this.viewer.film;
    return filmOf(await picture(step.film_url));
  }

  /** @param {boolean} isHeat */
  showHeat(isHeat) {
    this.isHeat = isHeat && this.heat !== null;
    this.viewer.lay(0, this.isHeat ? { canvas: this.heat, contours: null } : null);
    if (this.step?.map_url && this.heat) press("#heat", this.isHeat);
    this.showLegend();
    this.showTask();
  }

  /** A heat button or key goes down. */
  press() {
    if (!this.heat) return;
    this.pressedAt = performance.now();
    this.toggle();
  }

  /** It comes up: after a while as it was before. */
  release() {
    const isHeld = this.pressedAt !== null && performance.now() - this.pressedAt > HELD_MS;
    this.pressedAt = null;
    if (isHeld) this.toggle();
  }

  toggle() {
    if (!this.heat) return;
    this.showHeat(!this.isHeat);
    say(this.isHeat ? "The film with heat." : "The film alone.");
  }

  /** The button of the heat is there only where a heatmap is. */
  showTools() {
    const place = one("#heat-place");
    if (!this.step?.map_url) return place.replaceChildren();
    if (place.firstElementChild) return;
    const heat = made("button", { type: "button", id: "heat", "aria-pressed": "false" }, "Heat");
    heat.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      heat.setPointerCapture(event.pointerId);
      this.press();
    });
    heat.addEventListener("pointerup", () => this.release());
    heat.addEventListener("pointercancel", () => this.release());
    heat.addEventListener("click", (event) => event.detail === 0 && this.toggle()); // by a key
    place.append(heat);
  }

  /** Beside the film, for nothing may lie on what is judged. */
  showLegend() {
    one("#legend").classList.toggle("alone", !this.isHeat);
    one("#legend .heat").textContent = this.step && this.heat ? legend(this.step) : "";
    if (!this.step) return;
    const alone = `Film ${this.step.item_id} alone`;
    const hot = `Film ${this.step.item_id} under heatmap ${this.step.map_id}`;
    const title = this.isHeat ? hot : alone;
    if (this.viewer.film) this.pane.setAttribute("aria-label", title);
    this.panes.setAttribute("aria-label", `Film viewer, ${title}`);
  }

  /** View or window changed. */
  changed() {
    const { width, level, inverted } = this.viewer.window;
    const { seen } = this;
    this.seen = this.viewer.window;
    const isSame = width === seen.width && level === seen.level && inverted === seen.inverted;
    if (!isSame && this.isHeat) this.toggle();
    this.showNumbers();
  }

  /** @param {"move" | "window"} tool */
  take(tool) {
    this.tool = tool;
    for (const other of ["move", "window"]) press(`[data-tool=${other}]`, other === tool);
    this.panes.dataset.tool = tool;
    this.showTask();
  }

  showTask() {
    const isTouch = matchMedia("(pointer: coarse)").matches;
    let said = "Drag to move, wheel to zoom, right button for window and level.";
    if (isTouch) said = "Drag to move, two fingers to zoom.";
    if (this.tool === "window") said = "Drag: right is wider, up is brighter.";
    if (this.isHeat) said = "Heat as drawn. H or Heat, pressed or held, shows the film alone.";
    one("#task").textContent = said;
  }

  /** @param {import("./geometry.js").Point | null} [point] Under the pointer. */
  showNumbers(point = null) {
    one("#numbers").textContent = this.viewer.film ? numbersSaid(this.viewer, point) : "";
    press("[data-does=invert]", this.viewer.window.inverted);
  }

  /** @param {string} sentence "" for none. */
  showWaiting(sentence) {
    one("#waiting").hidden = !sentence;
    one("#waiting").textContent = sentence;
    one("#waiting").classList.toggle("note", sentence.startsWith("Shown"));
  }

  reset() {
    this.viewer.setWindow(FULL);
    this.viewer.fit();
  }
}

/** A picture in all its colours. @param {Blob} file */
async function drawn(file) {
  const decoded = await createImageBitmap(file, { colorSpaceConversion: "none" });
  const canvas = surface(decoded.width, decoded.height);
  context(canvas).drawImage(decoded, 0, 0);
  decoded.close();
  return canvas;
}
