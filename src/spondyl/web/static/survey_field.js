/**
 * One question: its controls, what is chosen in them, and whether that is saved.
 *
 * A choice counts as given when it is left alone for a moment, or the question is left: arrow keys
 * pass over options, and of a film alone the first answer is the one that counts. "Saved" is only
 * ever said of the value that the server confirmed.
 */

import { made } from "./dom.js";
import { BETWEEN } from "./survey_api.js";
import { plainText } from "./survey_words.js";
import { sentence, shown } from "./words.js";

/** @typedef {import("./survey_api.js").Question} Question */
/** @typedef {import("./survey_api.js").Sent} Sent */

const SETTLED_MS = 1500;
const WRITTEN_MS = 3000;
const LONGEST_TEXT = 4000;
const YES_NO = ["yes", "no"];

export class Field {
  /**
   * @param {Question} question @param {number} number @param {string | undefined} answered
   * @param {() => number} seconds @param {(value: string, seconds: number) => string} give Sends an
   * answer and returns its identifier.
   */
  constructor(question, number, answered, seconds, give) {
    this.question = question;
    this.id = `question-${number}`;
    this.seconds = seconds;
    this.give = give;
    /** @type {string | null} The last value that was given. */
    this.given = answered ?? null;
    /** @type {string | null} Identifier of it while it is not confirmed. */
    this.unconfirmed = null;
    this.refusal = "";
    this.secondsGiven = 0;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.clock = undefined;
    this.state = made("p", { class: "state", id: `${this.id}-state` });
    /** @type {HTMLInputElement[]} */
    this.inputs = [];
    /** @type {HTMLTextAreaElement | null} */
    this.text = null;
    const controls = question.kind === "free text" ? this.textMade() : this.optionsMade();
    const optional = question.required ? [] : [" ", made("span", { class: "quiet" }, "(optional)")];
    this.element = made("fieldset", {
      class: "question", id: this.id, "aria-describedby": this.state.id,
    }, made("legend", { id: `${this.id}-text` }, question.text, ...optional), ...controls);
    this.value = this.given ?? "";
    this.element.addEventListener("input", () => this.changed());
    this.element.addEventListener("focusout", ({ relatedTarget: to }) => {
      // a press on a label of the same question takes the focus for a moment, to nowhere
      if (to instanceof Node && !this.element.contains(to)) this.commit();
    });
    this.tell();
  }

  textMade() {
    const text = /** @type {HTMLTextAreaElement} */ (made("textarea", {
      rows: 2, maxlength: LONGEST_TEXT, "aria-labelledby": `${this.id}-text`,
      "aria-describedby": this.state.id, spellcheck: "true", autocomplete: "off",
    }));
    this.text = text;
    return [text, this.state];
  }

  optionsMade() {
    const { kind, options } = this.question;
    const offered = kind === "yes or no" ? YES_NO : options;
    const type = kind === "any of" ? "checkbox" : "radio";
    const labels = offered.map((value, place) => {
      const field = /** @type {HTMLInputElement} */ (
        made("input", { type, name: this.id, value, id: `${this.id}-${place + 1}` })
      );
      this.inputs.push(field);
      const number = place < 9 ? [made("kbd", { "aria-hidden": "true" }, String(place + 1))] : [];
      const words = kind === "yes or no" ? sentence(value).slice(0, -1) : shown(value);
      return made("label", { for: field.id }, field, made("span", {}, words), ...number);
    });
    const row = { class: `options ${kind.replaceAll(" ", "-")}` };
    return [made("div", row, ...labels, this.state)];
  }

  /** What stands in the controls; "" where nothing does. */
  get value() {
    if (this.text) return plainText(this.text.value);
    return this.inputs.filter((one) => one.checked).map((one) => one.value).join(BETWEEN);
  }

  set value(value) {
    if (this.text) this.text.value = value;
    const chosen = this.question.kind === "any of" ? value.split(BETWEEN) : [value];
    for (const one of this.inputs) one.checked = chosen.includes(one.value);
  }

  get isLacking() {
    return this.question.required && !this.value.trim();
  }

  /** Whether what stands here is, or need not be, on the server's disk. */
  get isSaved() {
    return !this.refusal && this.unconfirmed === null && this.value === (this.given ?? "");
  }

  /** Chooses by number, from 1. @param {number} number */
  choose(number) {
    const field = this.inputs[number - 1];
    if (!field) return;
    field.focus();
    field.click();
  }

  focus() {
    (this.text ?? this.inputs.find((one) => one.checked) ?? this.inputs[0]).focus();
  }

  changed() {
    this.secondsGiven = this.seconds();
    this.refusal = "";
    clearTimeout(this.clock);
    this.clock = setTimeout(() => this.commit(), this.text ? WRITTEN_MS : SETTLED_MS);
    this.tell();
  }

  /** Gives what stands here, unless it was given. */
  commit() {
    clearTimeout(this.clock);
    const { value } = this;
    if (this.text && this.text.value !== value) this.text.value = value;
    if (!this.isLacking && !this.refusal && value !== (this.given ?? "")) {
      this.given = value;
      this.unconfirmed = this.give(value, this.secondsGiven);
    }
    this.tell();
  }

  /** @param {Sent} sent */
  confirmed(sent) {
    if (sent.answer_id === this.unconfirmed) this.unconfirmed = null;
    this.tell();
  }

  /** @param {Sent} sent @param {string} message @param {string} hint */
  refused(sent, message, hint) {
    if (sent.answer_id !== this.unconfirmed) return;
    this.unconfirmed = null;
    this.given = null;
    this.refusal = `${sentence(message)} ${hint && sentence(hint)}`;
    this.tell();
  }

  tell() {
    const isEmpty = this.given === null && !this.value;
    let said = this.isSaved ? "Saved" : "Not saved yet";
    if (this.refusal) said = `Not saved. ${this.refusal}`;
    else if (isEmpty || this.isLacking) said = "";
    if (this.state.textContent !== said) this.state.textContent = said;
    this.state.classList.toggle("error", Boolean(this.refusal));
    this.state.classList.toggle("saved", said === "Saved");
  }
}
