/**
 * What the survey's page asks of its server, for the one reader whose invitation it holds.
 */

import { json, WRITE } from "./requests.js";

/**
 * @typedef {object} Question
 * @property {string} key @property {string} text
 * @property {"one of" | "any of" | "scale" | "yes or no" | "free text"} kind
 * @property {string[]} options @property {boolean} required
 */

/**
 * @typedef {object} Place A page of the survey.
 * @property {string} item_id The film's number in this reader's order.
 * @property {string | null} map_id The heatmap's letter; null of the film alone.
 */

/**
 * @typedef {object} Page What only the page of a place has.
 * @property {"unaided" | "aided"} phase @property {string | null} label
 * @property {string} film_url @property {string | null} map_url
 * @property {Question[]} questions @property {Record<string, string>} answered
 */

/** @typedef {Place & Page} Step */

/** @typedef {{items_done: number, items: number, steps_done: number, steps: number}} Progress */

/**
 * @typedef {object} Stand Where the reader is.
 * @property {string} title @property {string} reader @property {boolean} done
 * @property {Step | null} step Null when every required question is answered.
 * @property {Place | null} before @property {Progress} progress
 */

/**
 * @typedef {object} Sent An answer.
 * @property {string} answer_id @property {string} item_id @property {string | null} map_id
 * @property {string} question @property {string} value
 * @property {number} seconds From when the page's picture was seen, while it was in sight.
 */

/** Between the chosen options of an "any of", as `spondyl.review.questions` joins them. */
export const BETWEEN = "; ";

/**
 * Where the reader stands, or a page that was reached before.
 * @param {string} token @param {Place | null} [place] @returns {Promise<Stand>}
 */
export function stand(token, place = null) {
  const asked = new URLSearchParams();
  if (place) asked.set("item_id", place.item_id);
  if (place?.map_id) asked.set("map_id", place.map_id);
  return json(`/api/review/${encodeURIComponent(token)}/step?${asked}`);
}

/**
 * Sends an answer; it is on the server's disk when this is over. A page that is being left lets the
 * request run on.
 * @param {string} token @param {Sent} sent @returns {Promise<Sent>}
 */
export function answer(token, sent) {
  return json(`/api/review/${encodeURIComponent(token)}/answers`, {
    method: "POST",
    body: JSON.stringify(sent),
    headers: { ...WRITE, "Content-Type": "application/json" },
    keepalive: true,
  });
}
