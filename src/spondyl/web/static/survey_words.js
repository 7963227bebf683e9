/**
 * The survey's sentences, and what a reader's text is made of.
 */

import { shown } from "./words.js";

/** @typedef {import("./survey_api.js").Step} Step */
/** @typedef {import("./survey_api.js").Progress} Progress */

export const THANKS = [
  "Every question is answered, and every answer is saved.",
  "You can go back and change answers as long as the survey is open: by Back, or later by the " +
    "same link. You may close this page now.",
];
export const LOOK = "Go back if you have changed your mind since.";
export const KEPT = "Answers that were shown as saved are kept.";
export const UNSAVED = "They still wait in this browser: try again, or discard them.";

/** @param {Step} step @param {number} items How many films there are. */
export function heading({ item_id, map_id }, items) {
  const film = `Film ${item_id} of ${items}`;
  return map_id === null ? film : `${film}, heatmap ${map_id}`;
}

/** What is to be done on a page. @param {Step} step */
export function introduction({ phase, map_id, label, questions, answered }) {
  if (phase === "aided") {
    return [`Heatmap ${map_id} of this film, for the label ${quoted(label)}.`];
  }
  const isNew = questions.some(({ key, required }) => required && answered[key] === undefined);
  if (isNew) return ["The film alone; heatmaps follow. What you say first is what counts."];
  return ["The film alone. What you said first counts; what you change now is kept beside it."];
}

/** What the colours say. @param {Step} step */
export function legend({ map_id, label }) {
  return `Heatmap ${map_id} for ${quoted(label)}: red to yellow, with lines at ¼, ½ and ¾, is ` +
    "heat on this map’s own scale.";
}

/** @param {Progress} progress */
export function progress({ steps_done, steps, items }) {
  return `${steps_done} of ${steps} pages answered · ${items} ${items === 1 ? "film" : "films"}`;
}

/** @param {string[]} questions Their texts. */
export function lacking(questions) {
  const many = questions.length;
  return many === 1 ? "One answer is still needed:" : `${many} answers are still needed:`;
}

/** @param {number} waiting How many answers are not confirmed. */
export function notSaved(waiting) {
  if (waiting === 1) return "One answer is not saved yet.";
  return `${waiting} answers are not saved yet.`;
}

/** @param {number} answers That waited in this browser since an earlier visit. */
export function left(answers) {
  if (answers === 1) return "one answer of an earlier visit waited in this browser; it is saved";
  return `of an earlier visit ${answers} answers waited in this browser; they are saved`;
}

/** @param {number} waiting */
export function lost(waiting) {
  const first = "The server cannot be reached, or cannot keep answers just now.";
  if (!waiting) return first;
  return `${first} ${notSaved(waiting)} They wait in this browser and are sent by themselves.`;
}

/**
 * A text as the server takes it: signs that steer, and spaces of odd width, are not for a table.
 * @param {string} text
 */
export function plainText(text) {
  return text
    .replace(/\r\n?|[\p{Zl}\p{Zp}]/gu, "\n")
    .replace(/[^\S\n\t\u00a0]/gu, " ")
    .replace(/(?![\n\t])\p{C}/gu, "");
}

/** @param {string | null} label */
function quoted(label) {
  return `“${shown(label ?? "")}”`;
}
