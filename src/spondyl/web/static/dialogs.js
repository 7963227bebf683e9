/**
 * What stands over the page or across it: a question before a deletion, help, and refusals.
 *
 * Dialogs are the browser's own, so focus stays in them and comes back by itself. Only one refusal
 * stands at a time, the latest.
 */

import { button, made, one } from "./dom.js";
import * as words from "./words.js";

/** Whether a film is to be deleted, as somebody says. @param {string} name */
export async function isSure(name) {
  const dialog = /** @type {HTMLDialogElement} */ (one("#sure"));
  one("#sure-text").textContent =
    `${name}: film, reading, heatmaps and corrections are deleted and cannot be brought back.`;
  dialog.returnValue = "no";
  dialog.showModal();
  await new Promise((closed) => dialog.addEventListener("close", closed, { once: true }));
  return dialog.returnValue === "yes";
}

/** Help, with all keys. */
export function showHelp() {
  /** @type {HTMLDialogElement} */ (one("#keys")).showModal();
}

/** A refusal in its two lines, until it is dismissed. @param {string} said @param {string} hint */
export function showFault(said, hint) {
  const fault = made("div", { class: "fault", role: "alert" },
    made("p", {}, made("strong", {}, words.sentence(said)), ` ${hint && words.sentence(hint)}`));
  fault.append(button("Dismiss", () => fault.remove()));
  document.querySelector(".fault")?.remove();
  one("#connection").after(fault);
}
