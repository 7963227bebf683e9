/**
 * What the page asks of its server, and the two ways in which that fails: refused, or not reached.
 *
 * A refusal has the server's own two lines, an error and a hint, and is shown. A server that is not
 * reached says nothing about the request, so the caller may ask again. Every write carries the
 * header that no foreign page can send.
 */

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

const WAIT_MS = 20_000;
const UPLOAD_MS = 600_000;
const WRITE = { "X-Spondyl": "1" };

/** The server said no, in two lines. */
export class Refused extends Error {
  /** @param {number} status @param {string} message @param {string} hint */
  constructor(status, message, hint) {
    super(message);
    this.status = status;
    this.hint = hint;
  }
}

/** The server was not reached, or did not finish what it said. */
export class Lost extends Error {}

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
  try {
    /** @type {{version: number, corners: Corners}} */
    const found = await json(`/api/readings/${encodeURIComponent(id)}/regions`);
    return found;
  } catch (error) {
    if (error instanceof Refused && error.status === 404) return null;
    throw error;
  }
}

/** @param {string} id @param {Corners} corners @returns {Promise<{version: number}>} */
export function correct(id, corners) {
  return json(`/api/readings/${encodeURIComponent(id)}/regions`, {
    method: "POST",
    body: JSON.stringify({ corners }),
    headers: { ...WRITE, "Content-Type": "application/json" },
  });
}

/** The bytes of a picture. @param {string} url @param {AbortSignal} [signal] */
export async function picture(url, signal) {
  const answered = await asked(url, { signal });
  return whole(answered.blob());
}

/** Whether the server answers at all. */
export async function answers() {
  try {
    await asked("/health", {}, 5000);
    return true;
  } catch (error) {
    return error instanceof Refused && error.status < 500;
  }
}

/** @param {string} url @param {RequestInit} [how] @param {number} [waitMs] */
async function json(url, how = {}, waitMs = WAIT_MS) {
  const answered = await asked(url, how, waitMs);
  return whole(answered.json());
}

/** @param {string} url @param {RequestInit} [how] @param {number} [waitMs] */
async function asked(url, how = {}, waitMs = WAIT_MS) {
  const limit = AbortSignal.timeout(waitMs);
  const signal = how.signal ? AbortSignal.any([how.signal, limit]) : limit;
  const answered = await whole(fetch(url, { ...how, signal, credentials: "same-origin" }));
  if (answered.ok) return answered;
  throw await refusal(answered);
}

/**
 * What a promise of bytes holds; `Lost` where they stopped.
 * @template T @param {Promise<T>} bytes
 */
async function whole(bytes) {
  try {
    return await bytes;
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Lost("the server cannot be reached");
  }
}

/** @param {Response} answered A gateway's own error page means that the server is not there. */
async function refusal(answered) {
  if ([502, 503, 504].includes(answered.status)) return new Lost("the server cannot be reached");
  try {
    const said = await answered.json();
    if (said.error) return new Refused(answered.status, said.error, said.hint ?? "");
  } catch {
    // not ours, said below
  }
  const hint = "Try again; if it stays so, tell whoever runs this server.";
  return new Refused(answered.status, `the server answered ${answered.status}`, hint);
}
