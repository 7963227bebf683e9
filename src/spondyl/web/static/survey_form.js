/**
 * The questions of one page: which is the marked one, what is lacking, and what is not saved.
 *
 * The marked question is the one that was last in hand, at first the first without an answer;
 * number keys choose in it. Enter goes on to the next question, from the last one to the way on.
 */

import { button, made, one } from "./dom.js";
import { Field } from "./survey_field.js";
import { lacking } from "./survey_words.js";

/** @typedef {import("./survey_api.js").Sent} Sent */
/** @typedef {import("./survey_api.js").Step} Step */
/** @typedef {import("./requests.js").Refused} Refused */

export class Form {
  /**
   * @param {() => number} seconds
   * @param {(step: Step, question: string, value: string, seconds: number) => string} give
   */
  constructor(seconds, give) {
    this.seconds = seconds;
    this.give = give;
    this.root = one("#questions");
    /** @type {Step | null} */
    this.step = null;
    /** @type {Field[]} */
    this.fields = [];
    /** @type {Field | null} */
    this.marked = null;
    this.root.addEventListener("focusin", (event) => {
      const field = this.around(event.target);
      if (field !== this.marked) this.marked?.commit(); // so answers are sent as they were given
      this.mark(field);
    });
    this.root.addEventListener("keydown", (event) => this.enter(event));
    this.root.addEventListener("input", () => this.clear());
  }

  /** @param {Step | null} step */
  show(step) {
    this.clear();
    this.step = step;
    this.fields = (step?.questions ?? []).map((question, place) => {
      const give = (/** @type {string} */ value, /** @type {number} */ seconds) =>
        this.give(/** @type {Step} */ (step), question.key, value, seconds);
      return new Field(question, place + 1, step?.answered[question.key], this.seconds, give);
    });
    this.root.replaceChildren(...this.fields.map(({ element }) => element));
    this.root.scrollTop = 0;
    this.marked = null;
    this.mark(this.fields.find((field) => field.given === null) ?? this.fields[0] ?? null);
  }

  /** Whether answers are taken: not before the picture is there. @param {boolean} isOpen */
  open(isOpen) {
    this.root.inert = !isOpen;
  }

  get isSaved() {
    return this.fields.every((field) => field.isSaved || (!field.refusal && field.isLacking));
  }

  commit() {
    this.fields.forEach((field) => field.commit());
  }

  /** @param {number} number From 1. */
  choose(number) {
    if (!this.root.inert) this.marked?.choose(number);
  }

  /** What keeps the reader here: required and empty, or refused. */
  get faults() {
    return this.fields.filter((field) => field.isLacking || field.refusal);
  }

  /** Says what is lacking, and goes to the first of it. */
  tellLacking() {
    const { faults } = this;
    const rows = faults.map((field) =>
      made("li", {}, button(field.question.text, () => field.focus(), { class: "quiet-button" })));
    one("#lacking").replaceChildren(
      made("p", {}, lacking(faults.map(({ question }) => question.text))), made("ul", {}, ...rows),
    );
    faults[0]?.focus();
  }

  clear() {
    one("#lacking").replaceChildren();
  }

  /** @param {Sent} sent @returns {Field | undefined} */
  of(sent) {
    const isHere = sent.item_id === this.step?.item_id && sent.map_id === this.step.map_id;
    return isHere ? this.fields.find(({ question }) => question.key === sent.question) : undefined;
  }

  /** @param {EventTarget | null} target */
  around(target) {
    return this.fields.find(({ element }) => target instanceof Node && element.contains(target));
  }

  /** @param {Field | null | undefined} field */
  mark(field) {
    if (!field || field === this.marked) return;
    this.marked?.element.classList.remove("marked");
    this.marked = field;
    field.element.classList.add("marked");
  }

  /** @param {KeyboardEvent} event */
  enter(event) {
    const isText = event.target instanceof HTMLTextAreaElement;
    const isMeant = isText ? event.ctrlKey || event.metaKey : !event.ctrlKey && !event.metaKey;
    if (event.key !== "Enter" || !isMeant || event.isComposing) return;
    event.preventDefault();
    const place = this.fields.findIndex((field) => field === this.around(event.target));
    const next = this.fields[place + 1];
    if (next) next.focus();
    else one("#next").focus();
  }
}
