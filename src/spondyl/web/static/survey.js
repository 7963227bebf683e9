/**
 * The survey: one page after another, and no step further while anything is not saved.
 *
 * The server alone knows where a reader stands; here is kept only which pages were gone back from,
 * so that one can go forth again. A reload, another machine and a second tab therefore all go on
 * where the required answers end. Nothing is asked for before it is shown, so no heatmap comes to
 * this browser while its film is still to be answered.
 */

import { Connection } from "./connection.js";
import { showFault, showHelp } from "./dialogs.js";
import { button, input, made, one, paragraphs, say } from "./dom.js";
import { Lost, Refused } from "./requests.js";
import * as shortcuts from "./shortcuts.js";
import * as api from "./survey_api.js";
import { Clock } from "./survey_clock.js";
import { Stage } from "./survey_film.js";
import { Form } from "./survey_form.js";
import { actionsOf, GROUPS, SHOWN } from "./survey_keys.js";
import { newId, Outbox } from "./survey_outbox.js";
import * as words from "./survey_words.js";
import { sentence } from "./words.js";

/** @typedef {import("./survey_api.js").Place} Place */
/** @typedef {import("./survey_api.js").Stand} Stand */
/** @typedef {import("./survey_api.js").Sent} Sent */
/** @typedef {import("./survey_api.js").Step} Step */

export class Survey {
  constructor() {
    this.token = one("main").dataset.token ?? "";
    this.title = one("h1").textContent ?? "";
    /** @type {Stand | null} */
    this.stand = null;
    /** @type {Place[]} Pages that were gone back from, the nearest last. */
    this.ahead = [];
    this.isGoing = false;
    this.isEnded = false;
    /** @type {(() => void) | null} What failed for want of a server. */
    this.missed = null;
    this.clock = new Clock();
    this.stage = new Stage();
    this.form = new Form(
      () => this.clock.seconds(),
      (step, question, value, seconds) => this.give(step, question, value, seconds),
    );
    this.outbox = new Outbox(this.token, {
      confirmed: (sent) => this.confirmed(sent),
      refused: (sent, error) => this.refused(sent, error),
      lost: () => this.lost(),
      ended: (error) => this.end(error),
    });
    this.connection = new Connection(
      () => words.lost(this.outbox.waiting.size),
      () => this.again(),
    );
    this.listen();
  }

  listen() {
    const actions = actionsOf(this);
    const works = shortcuts.chosenBy(input("#single-keys"));
    const isNumbered = (/** @type {Element} */ at, /** @type {KeyboardEvent} */ event) =>
      /\d/.test(event.key) && at.closest(".question") !== null;
    shortcuts.listen(GROUPS, actions, one("#panes"), (at, event) =>
      works() || isNumbered(at, event));
    addEventListener("keyup", (event) => event.key.toLowerCase() === "h" && this.stage.release());
    for (const pressed of document.querySelectorAll("[data-does]")) {
      const does = /** @type {HTMLElement} */ (pressed).dataset.does ?? "";
      pressed.addEventListener("click", () => actions[does]());
    }
    for (const pressed of document.querySelectorAll("[data-tool]")) {
      const tool = /** @type {HTMLElement} */ (pressed).dataset.tool;
      pressed.addEventListener("click", () => this.stage.take(tool === "window" ? tool : "move"));
    }
    one("#help").addEventListener("click", showHelp);
    one("#keys-tables").append(...shortcuts.tables(SHOWN));
    addEventListener("pagehide", () => this.form.commit());
    document.addEventListener("visibilitychange", () => document.hidden && this.form.commit());
    addEventListener("beforeunload", (event) => {
      this.form.commit();
      if (!this.outbox.isEmpty) event.preventDefault();
    });
  }

  /** Sends what an earlier visit left, then goes where the reader stands. */
  async begin() {
    const left = this.outbox.adopt();
    const isSaved = await this.outbox.flush();
    if (left && isSaved) showFault(words.left(left), words.LOOK);
    if (!this.isEnded) await this.go(null);
  }

  /**
   * Shows a page, or the one where the reader stands.
   * @param {Place | null} place @returns {Promise<boolean>} Whether it is shown.
   */
  async go(place) {
    try {
      this.show(await api.stand(this.token, place));
      return true;
    } catch (error) {
      this.failed(error, () => this.go(place));
      const isShut = error instanceof Refused && error.status === 422 && place !== null;
      if (isShut) this.ahead = [];
      return isShut ? this.go(null) : false;
    }
  }

  /** @param {Stand} stand */
  show(stand) {
    const { step, before, progress } = stand;
    this.stand = stand;
    this.clock.stop();
    say(""); // what was said belongs to the page before
    const title = step ? words.heading(step, progress.items) : "Thank you";
    one("#page-title").textContent = title;
    document.title = `${title} · ${this.title}`;
    one("#introduction").replaceChildren(
      ...paragraphs(step ? words.introduction(step) : words.THANKS),
    );
    const bar = /** @type {HTMLProgressElement} */ (one("#progress"));
    bar.max = progress.steps || 1;
    bar.value = progress.steps_done;
    one("#progress-words").textContent = words.progress(progress);
    one("#back").hidden = before === null;
    one("#next").hidden = step === null;
    one("#stage").hidden = step === null;
    this.form.show(step);
    this.tellSaving();
    scrollTo(0, 0);
    one("#page-title").focus({ preventScroll: true });
    this.showPicture(step);
  }

  /** Answers are taken, and time runs, from when the picture is there. @param {Step | null} step */
  async showPicture(step) {
    this.form.open(false);
    try {
      if (!(await this.stage.open(step))) return;
      this.form.open(true);
      this.clock.begin();
    } catch (error) {
      if (this.stage.step !== step) return;
      this.stage.showWaiting("The film could not be loaded.");
      if (error instanceof Refused) return showFault(error.message, error.hint);
      this.failed(error, () => this.stage.step === step && this.showPicture(step));
    }
  }

  async next() {
    if (!this.stand?.step) return;
    this.form.commit();
    if (this.form.faults.length) return this.form.tellLacking();
    await this.leave(async () => {
      const shown = await this.go(this.ahead.at(-1) ?? null);
      if (shown) this.ahead.pop();
    });
  }

  async back() {
    if (!this.stand?.before) return;
    const { before, step } = this.stand;
    this.form.commit();
    await this.leave(async () => {
      if (step) this.ahead.push({ item_id: step.item_id, map_id: step.map_id });
      if (!(await this.go(before)) && step) this.ahead.pop();
    });
  }

  /** Goes to another page when all is saved, and says so where it is not. */
  async leave(/** @type {() => Promise<void>} */ goes) {
    if (this.isGoing || this.isEnded) return;
    this.isGoing = true;
    try {
      if (await this.outbox.flush()) await goes();
      else this.tellSaving(true);
    } finally {
      this.isGoing = false;
    }
  }

  /**
   * @param {Step} step @param {string} question @param {string} value @param {number} seconds
   */
  give(step, question, value, seconds) {
    const answer_id = newId();
    const { item_id, map_id } = step;
    this.outbox.put({ answer_id, item_id, map_id, question, value, seconds });
    this.tellSaving();
    return answer_id;
  }

  /** @param {Sent} sent */
  confirmed(sent) {
    this.form.of(sent)?.confirmed(sent);
    this.tellSaving();
  }

  /** @param {Sent} sent @param {Refused} error */
  refused(sent, error) {
    const field = this.form.of(sent);
    field?.refused(sent, error.message, error.hint);
    showFault(error.message, error.hint);
    this.tellSaving();
  }

  /** How many answers are on their way; loudly where that holds the reader back. */
  tellSaving(isLoud = false) {
    const waiting = this.outbox.waiting.size;
    one("#saving").textContent = waiting ? words.notSaved(waiting) : "";
    if (this.connection.isLost) this.connection.retell();
    if (isLoud && waiting) {
      one("#lacking").replaceChildren(
        made("p", {}, `This page stays until all is saved. ${words.notSaved(waiting)}`),
      );
    } else if (!waiting && !this.form.faults.length) this.form.clear();
  }

  lost() {
    this.connection.lost();
    this.tellSaving();
  }

  /** @param {unknown} error @param {() => void} again What to do when the server is back. */
  failed(error, again) {
    if (error instanceof Lost || (error instanceof Refused && error.status >= 500)) {
      this.missed = again;
      return this.connection.lost();
    }
    if (error instanceof Refused && error.status === 404) return this.end(error);
    if (error instanceof Refused) return showFault(error.message, error.hint);
    showFault(error instanceof Error ? error.message : String(error), "Load the page again.");
  }

  /** The server is back. */
  async again() {
    if (!(await this.outbox.flush())) return;
    const { missed } = this;
    this.missed = null;
    missed?.();
  }

  /** The invitation lets nobody in any more. @param {Refused} error */
  end(error) {
    this.isEnded = true;
    this.stand = null;
    this.stage.open(null);
    this.form.show(null);
    one("main").classList.add("ended");
    const waiting = this.outbox.waiting.size;
    const unsaved = waiting ? [words.notSaved(waiting), words.UNSAVED] : [];
    const said = [sentence(error.message), sentence(error.hint), words.KEPT, ...unsaved];
    const ways = [button("Try again", () => this.retry())];
    if (waiting) ways.push(button("Discard what is not saved", () => this.discard()));
    one("#page-title").textContent = "This survey is not open to you";
    one("#introduction").replaceChildren(...paragraphs(said), ...ways);
    one("#page-title").focus();
  }

  async retry() {
    this.isEnded = false;
    one("main").classList.remove("ended");
    await this.begin();
  }

  discard() {
    this.outbox.discard();
    return this.retry();
  }
}

new Survey().begin();
