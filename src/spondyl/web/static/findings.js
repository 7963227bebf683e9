/**
 * The reading of one film beside it: answer or doubts first, numbers next, then what limits them.
 *
 * Nothing is computed here; sentences are those of the terminal and the sheet. A refusal takes the
 * place of the answer and is as large, so that nobody reads a probability before it.
 */

import { made, one, paragraphs } from "./dom.js";
import * as words from "./words.js";

/** @typedef {import("./api.js").Entry} Entry */
/** @typedef {import("./api.js").Reading} Reading */

const TITLES = { queued: "Waiting", reading: "Being read", failed: "Not read", done: "Loading" };

/** @param {Entry | null} entry @param {string} name What the film is called on this page. */
export function show(entry, name) {
  const reading = entry?.reading ?? null;
  one("#answer").classList.toggle("none", reading !== null && reading.answer === null);
  one("#answer-title").textContent = title(entry);
  const content = one("#answer .content");
  if (reading) content.replaceChildren(...answered(reading, name));
  else content.replaceChildren(...unread(entry, name));
  showNotes(reading);
  showMade(entry, reading);
}

/** @param {Entry | null} entry */
function title(entry) {
  if (!entry) return "No film chosen";
  if (entry.reading) return words.answer(entry.reading);
  return TITLES[entry.state];
}

/** @param {Entry | null} entry @param {string} name */
function unread(entry, name) {
  if (!entry) return paragraphs(["The reading of the chosen film stands here."], "quiet");
  if (entry.state === "failed") {
    const said = words.sentence(entry.error ?? "no reason stated");
    return [
      ...paragraphs([name], "quiet"),
      ...paragraphs([said], "error"),
      ...(entry.hint ? paragraphs([words.sentence(entry.hint)]) : []),
    ];
  }
  return paragraphs([name, "What is found will stand here."], "quiet");
}

/** @param {Reading} reading @param {string} name */
function answered(reading, name) {
  const doubts = words.doubts(reading);
  return [
    ...paragraphs([name], "quiet name"),
    ...(doubts.length ? [made("ul", { class: "doubts" }, ...items(doubts))] : []),
    probabilities(reading),
    ...paragraphs(words.labelSet(reading)),
    ...paragraphs(words.votes(reading)),
  ];
}

/** @param {Reading} reading All labels, the likeliest first. */
function probabilities(reading) {
  const kept = reading.label_set;
  const rows = Object.entries(reading.probabilities).sort(([, a], [, b]) => b - a);
  const titles = ["Label", "Probability", ...(kept ? ["Ruled out"] : [])];
  const head = made("tr", {}, ...titles.map((text) => made("th", { scope: "col" }, text)));
  return made(
    "table",
    { class: "labels" },
    made("caption", { class: "unseen" }, "Probabilities"),
    made("thead", {}, head),
    made("tbody", {}, ...rows.map(([label, probability]) => {
      const out = kept && !kept.labels.includes(label);
      return made(
        "tr",
        { class: out ? "out" : null },
        made("th", { scope: "row" }, words.shown(label), bar(probability)),
        made("td", {}, words.share(probability)),
        ...(kept ? [made("td", {}, out ? "yes" : "no")] : []),
      );
    })),
  );
}

/** @param {number} share 0 … 1 */
function bar(share) {
  const filled = made("span", { class: "bar", "aria-hidden": "true" });
  filled.style.width = `${100 * share}%`; // a property set by script; the policy forbids attributes
  return filled;
}

/** @param {Reading | null} reading */
function showNotes(reading) {
  const warnings = (reading?.warnings ?? []).map((said) => words.sentence(said));
  const notRun = (reading?.not_run ?? []).map((said) => words.sentence(said));
  one("#notes").hidden = !warnings.length && !notRun.length;
  one("#notes .content").replaceChildren(
    ...listed("Warnings", warnings),
    ...listed("Not done", notRun),
  );
}

/** @param {string} head @param {string[]} sentences */
function listed(head, sentences) {
  if (!sentences.length) return [];
  return [made("h3", {}, head), made("ul", {}, ...items(sentences))];
}

/** @param {Entry | null} entry @param {Reading | null} reading */
function showMade(entry, reading) {
  one("#made").hidden = !reading;
  if (!reading || !entry) return;
  one("#made .content").replaceChildren(
    ...paragraphs([
      `${reading.bundle.title}, bundle ${reading.bundle.id.slice(0, 12)}.`,
      words.sentence(reading.intended_use),
    ].map(words.shown)),
    made("p", {}, asJson(entry)),
  );
}

/** @param {Entry} entry */
function asJson({ id }) {
  const href = `/api/readings/${encodeURIComponent(id)}`;
  return made("a", { href, target: "_blank", rel: "noopener" }, "This reading as JSON");
}

/** @param {string[]} sentences */
function items(sentences) {
  return sentences.map((said) => made("li", {}, said));
}
