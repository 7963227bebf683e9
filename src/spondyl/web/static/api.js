/**
 * What the reading room asks of its server: films and what was made of them.
 */

import { asked, json, WRITE } from "./requests.js";

export { Lost, picture, Refused } from "./requests.js";

/** @typedef {{why: string, kind: string}} Doubt */
/** @typedef {import("./curves.js").Curve} Curve */

/**
 * @typedef {object} Measurement As `spondyl measure` writes it.
 * @property {number[] | null} cobb_deg @property {[number, number][] | null} cobb_interval_deg
 * @property {number | null} interval_level @property {string | null} refusal
 * @property {Curve[]} curves @property {string[]} vertebrae
 * @property {([number, number] | null)[]} [corners] 68 of [x, y]; null where there is no vertebra.
 */

/**
 * @typedef {object} Reading As `spondyl.reading.document` writes it.
 * @property {string | null} answer @property {Doubt[]} doubts @property {string} likeliest
 * @property {Record<string, number>} probabilities
 * @property {{labels: string[], p_values: Record<string, number>, alpha: number} | null} label_set
 * @property {Record<string, number>} votes @property {{fold: number}[]} networks
 * @property {number[]} learned_from_this_film @property {Measurement | null} measurement
 * @property {{label: string, method: string, rectified: boolean}} heatmap
 * @property {string[]} warnings @property {string[]} not_run
 * @property {{name: string, dicom: {spacing_kind: string} | null}} film
 * @property {{id: string, title: string}} bundle @property {string} intended_use
 */

/**
 * @typedef {object} HeatMap
 * @property {string} network "mean", or "fold-0" … @property {string} label
 * @property {string} method @property {number} peak @property {string} unit @property {string} url
 */

/**
 * @typedef {object} Film
 * @property {number} width @property {number} height
 * @property {[number, number] | null} spacing_mm (row, column). @property {string} url
 */

/**
 * @typedef {object} Entry
 * @property {string} id @property {"queued" | "reading" | "done" | "failed"} state
 * @property {number | null} position 0 while it is being read.
 * @property {string | null} error @property {string | null} hint
 * @property {Reading | null} [reading] @property {Film | null} [film] @property {HeatMap[]} [maps]
 * @property {string | number} [created]
 */

/** @typedef {([number, number] | null)[]} Corners 68 of [x, y], as a measurement has them. */

const UPLOAD_MS = 600_000;

/** @returns {Promise<Entry[]>} Newest first. */
export async function readings() {
  const found = await json("/api/readings");
  return Array.isArray(found) ? found : found.readings;
}

/** @param {string} id @returns {Promise<Entry>} */
export function reading(id) {
  return json(`/api/readings/${encodeURIComponent(id)}`);
}

/** Sends one film. @param {File} file @returns {Promise<Entry>} As it was queued. */
export async function send(file) {
  const body = new FormData();
  body.append("films", file, file.name);
  const taken = await json("/api/readings", { method: "POST", body, headers: WRITE }, UPLOAD_MS);
  return taken.readings[0];
}

/** Deletes a film and all that was made of it. @param {string} id */
export async function remove(id) {
  const path = `/api/readings/${encodeURIComponent(id)}`;
  await asked(path, { method: "DELETE", headers: WRITE });
}

/** Corners as a person put them right; null where nobody did. @param {string} id */
export async function corrected(id) {
  /** @type {{version: number, corners: Corners} | null} */
  const found = await json(`/api/readings/${encodeURIComponent(id)}/regions`);
  return found;
}

/** @param {string} id @param {Corners} corners @returns {Promise<{version: number}>} */
export function correct(id, corners) {
  return json(`/api/readings/${encodeURIComponent(id)}/regions`, {
    method: "POST",
    body: JSON.stringify({ corners }),
    headers: { ...WRITE, "Content-Type": "application/json" },
  });
}
