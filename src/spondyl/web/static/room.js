/**
 * The reading room: puts its parts together.
 *
 * State lives in the parts; here stand only the chosen film and the chosen tool. Whatever fails
 * comes to one place: a refusal is shown with its hint, a lost server is asked again.
 */

import { actionsOf } from "./actions.js";
import * as api from "./api.js";
import { moveByKey } from "./arrows.js";
import { Connection } from "./connection.js";
import { isSure, showFault, showHelp } from "./dialogs.js";
import { input, one, press, say } from "./dom.js";
import { filmOf } from "./film.js";
import { numbersSaid, reducedSaid } from "./film_words.js";
import { Films } from "./films.js";
import * as findings from "./findings.js";
import * as keys from "./keys.js";
import { Layers } from "./layers.js";
import * as marks from "./marks.js";
import { isWhole, Measures, nextPoint, TOOLS } from "./measures.js";
import * as panels from "./panels.js";
import * as pointer from "./pointer.js";
import * as shortcuts from "./shortcuts.js";
import { Spine } from "./spine.js";
import { taskSaid, waitingSaid } from "./status.js";
import { Viewer } from "./viewer.js";

/** @typedef {import("./geometry.js").Point} Point */
/** @typedef {import("./measures.js").Kind} Kind */
/** @typedef {"move" | "window" | Kind} Tool */

export class Room {
  constructor() {
    this.stage = one("#panes");
    const found = document.querySelectorAll(".pane > canvas");
    const panes = /** @type {HTMLCanvasElement[]} */ ([...found]);
    /** @type {import("./api.js").Entry | null} */
    this.entry = null;
    /** @type {Tool} */
    this.tool = "move";
    /** @type {Point | null} */
    this.crosshair = null;
    /** @type {Map<string, Measures>} */
    this.kept = new Map();
    this.measures = new Measures(() => {});
    /** @type {Map<string, import("./api.js").Corners>} Corrections that are not saved yet. */
    this.drafts = new Map();
    this.connection = new Connection(
      () => "The connection to the server is lost. What you see stays.",
      () => this.again(),
    );
    /** @type {(() => void)[]} What failed for want of a server. */
    this.missed = [];
    this.viewer = new Viewer(panes, () => this.showNumbers());
    this.spine = new Spine(() => this.showSpine());
    this.layers = new Layers(this.viewer, (error, again) => this.failed(error, again));
    this.films = new Films(
      (entry, name) => this.open(entry, name),
      (error) => this.failed(error),
      (name) => isSure(name),
    );
    this.viewer.marks = [
      (pen, place) => this.spine.isShown && marks.drawSpine(pen, place, this.spine),
      (pen, place) => marks.drawMeasures(pen, place, this.measures),
      (pen, place) => this.crosshair && marks.drawCrosshair(pen, place(this.crosshair)),
    ];
    this.listen(panes);
  }

  /** @param {HTMLCanvasElement[]} panes */
  listen(panes) {
    const actions = actionsOf(this);
    const works = shortcuts.chosenBy(input("#single-keys"));
    shortcuts.listen(keys.GROUPS, actions, this.stage, works);
    for (const pressed of document.querySelectorAll("[data-does]")) {
      const does = /** @type {HTMLElement} */ (pressed).dataset.does ?? "";
      pressed.addEventListener("click", () => actions[does]());
    }
    for (const pressed of document.querySelectorAll("[data-tool]")) {
      const tool = /** @type {Tool} */ (/** @type {HTMLElement} */ (pressed).dataset.tool);
      pressed.addEventListener("click", () => this.take(tool));
    }
    panes.forEach((pane) => pointer.listen(pane, this.viewer, this.hands()));
    this.stage.addEventListener("keydown", (event) => moveByKey(this, event));
    this.listenToFields();
    this.listenToDrops();
  }

  listenToFields() {
    input("#files").addEventListener("change", () => {
      this.films.add(input("#files").files ?? []);
      input("#files").value = "";
    });
    for (const name of /** @type {const} */ (["width", "level"])) {
      const field = input(`#window-${name}`);
      field.addEventListener("input", () =>
        this.viewer.setWindow({ ...this.viewer.window, [name]: field.valueAsNumber }),
      );
    }
    one("#help").addEventListener("click", showHelp);
    one("#keys-tables").append(
      ...shortcuts.tables({ ...keys.GROUPS, "On the film": keys.ON_FILM }),
    );
  }

  listenToDrops() {
    addEventListener("dragover", (event) => {
      event.preventDefault();
      document.body.classList.add("dropping");
    });
    addEventListener("dragleave", (event) => {
      if (!event.relatedTarget) document.body.classList.remove("dropping");
    });
    addEventListener("drop", (event) => {
      event.preventDefault();
      document.body.classList.remove("dropping");
      this.films.add(event.dataTransfer?.files ?? []);
    });
    addEventListener("beforeunload", (event) => this.spine.isUnsaved && event.preventDefault());
  }

  /** @returns {import("./pointer.js").Hands} */
  hands() {
    return {
      grab: (point, reach) => this.grab(point, reach),
      place: (point) => this.place(point),
      mode: () => (this.tool === "move" || this.tool === "window" ? this.tool : "measure"),
      over: (point) => this.showNumbers(point),
    };
  }

  /** @param {Point} point @param {number} reach */
  grab(point, reach) {
    const corner = this.spine.hit(point, reach);
    if (corner !== null) return (/** @type {Point} */ to) => this.spine.move(corner, to);
    const found = this.measures.hit(point, reach);
    if (!found) return null;
    return (/** @type {Point} */ to) => this.measures.move(found.measure, found.place, to);
  }

  /** Sets the next point of the chosen tool. @param {Point} point */
  place(point) {
    if (this.tool === "move" || this.tool === "window" || !this.viewer.film) return;
    const measure = this.measures.place(this.tool, point);
    say(isWhole(measure) ? this.measures.sentence(measure) : nextPoint(this.tool, measure));
  }

  /** @param {Tool} tool */
  take(tool) {
    if (this.measures.unfinished) this.measures.dropUnfinished();
    this.tool = tool;
    for (const other of ["move", "window", ...Object.keys(TOOLS)]) {
      press(`[data-tool=${other}]`, other === tool);
    }
    this.stage.dataset.tool = tool;
    this.crosshair = null;
    this.showTask();
    this.viewer.draw();
    say(one("#task").textContent ?? "");
  }

  /** Drops what is begun; with nothing begun, the tool; with none, the correcting of corners. */
  stop() {
    if (this.measures.unfinished) return this.measures.dropUnfinished();
    if (this.tool === "move" && this.spine.isEdited) return this.spine.toggleEditing();
    this.take("move");
  }

  removeMeasure() {
    const removed = this.measures.removeLast();
    say(removed ? `${this.measures.sentence(removed)} is removed.` : "There is no measure.");
  }

  /** @param {import("./api.js").Entry | null} entry @param {string} name */
  async open(entry, name) {
    this.keepDraft();
    this.entry = entry;
    this.measures = this.measuresOf(entry);
    findings.show(entry, name);
    this.viewer.open(null);
    this.layers.open(null);
    this.spine.open(null, { width: 1, height: 1 }, false);
    one("#saved").textContent = "";
    this.showWaiting(entry ? "" : "Choose a film, or drop one here.");
    this.stage.setAttribute("aria-label", entry ? `Film viewer, ${name}` : "Film viewer, no film");
    this.take("move");
    this.showMeasures();
    if (entry) await this.load(entry);
  }

  /** @param {import("./api.js").Entry} entry */
  async load(entry) {
    if (!entry.film) return this.showWaiting(waitingSaid(entry));
    this.showWaiting("The film is being loaded …");
    try {
      const [film, corrected] = await Promise.all([
        api.picture(entry.film.url).then(filmOf),
        entry.reading?.measurement ? api.corrected(entry.id) : null,
      ]);
      if (this.entry !== entry) return;
      this.showWaiting(film.reduced < 1 ? reducedSaid(film) : "");
      this.viewer.open(film);
      this.layers.open(entry);
      const corners = corrected?.corners ?? entry.reading?.measurement?.corners ?? null;
      this.spine.open(corners, film.full, corrected !== null);
      if (corrected) one("#saved").textContent = `Correction ${corrected.version} is shown.`;
      this.spine.resume(this.drafts.get(entry.id) ?? null);
      this.showMeasures();
    } catch (error) {
      if (this.entry !== entry) return;
      this.failed(error, () => this.entry === entry && this.load(entry));
      this.showWaiting("The film could not be loaded.");
    }
  }

  /** What was corrected and not saved waits until its film is chosen again. */
  keepDraft() {
    if (!this.entry || !this.spine.isThere) return;
    if (this.spine.isUnsaved) this.drafts.set(this.entry.id, this.spine.asSent());
    else this.drafts.delete(this.entry.id);
  }

  /** @param {import("./api.js").Entry | null} entry */
  measuresOf(entry) {
    const id = entry?.id ?? "";
    const found = this.kept.get(id) ?? new Measures(() => this.showMeasures());
    found.spacing = entry?.film?.spacing_mm ?? null;
    this.kept.set(id, found);
    return found;
  }

  async saveCorners() {
    const { entry, spine } = this;
    if (!entry || !spine.isUnsaved) return;
    const sent = spine.asSent();
    try {
      const { version } = await api.correct(entry.id, sent);
      if (this.entry !== entry) return;
      spine.keep(sent);
      one("#saved").textContent = `Saved as correction ${version}; the finder's own are kept.`;
    } catch (error) {
      this.failed(error);
      if (error instanceof api.Lost) {
        one("#saved").textContent = "Not saved: the server cannot be reached. Save again later.";
      }
    }
  }

  /** @param {unknown} error @param {() => void} [again] What to do when the server is back. */
  failed(error, again) {
    if (error instanceof DOMException && error.name === "AbortError") return;
    if (error instanceof api.Lost) {
      if (again) this.missed.push(again);
      return this.connection.lost();
    }
    const [said, hint] =
      error instanceof api.Refused
        ? [error.message, error.hint]
        : [error instanceof Error ? error.message : String(error), "Load the page again."];
    showFault(said, hint);
  }

  /** The server is back. */
  again() {
    const missed = this.missed.splice(0);
    missed.forEach((one) => one());
    this.films.sendAll();
  }

  showSpine() {
    panels.showSpine(this.spine, this.entry?.reading?.measurement ?? null);
    this.showTask();
    this.viewer.draw();
  }

  showMeasures() {
    const kind = this.entry?.reading?.film.dicom?.spacing_kind ?? null;
    panels.showMeasures(this.measures, kind, Boolean(this.entry?.film));
    this.showTask();
    this.viewer.draw();
  }

  showTask() {
    one("#task").textContent = taskSaid(this);
  }

  /** @param {Point | null} [point] Under the pointer. */
  showNumbers(point = null) {
    panels.showGrey(this.viewer.window);
    one("#numbers").textContent = this.viewer.film ? numbersSaid(this.viewer, point) : "";
  }

  /** @param {string} sentence "" for none. */
  showWaiting(sentence) {
    one("#waiting").hidden = !sentence;
    one("#waiting").textContent = sentence;
    one("#waiting").classList.toggle("note", sentence.startsWith("Shown"));
  }
}

new Room().films.refresh();
