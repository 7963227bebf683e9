/**
 * Answers that were given and not confirmed yet: sent one after another, in order, until each is.
 *
 * Each waits under its own identifier in this browser's storage, so a closed page or a dead machine
 * loses none, and one that arrives twice is kept once. What is confirmed is taken out at once,
 * since the machine may be a ward's; what stays names neither invitation nor reader. Entries have a
 * place each and are never rewritten, so two tabs cannot undo each other; at worst both send the
 * same. A browser that keeps nothing for pages still sends, from memory.
 */

import * as api from "./survey_api.js";
import { Lost, Refused } from "./requests.js";

/** @typedef {import("./survey_api.js").Sent} Sent */

/**
 * @typedef {object} Told What the page is told.
 * @property {(sent: Sent) => void} confirmed It is on the server's disk.
 * @property {(sent: Sent, error: Refused) => void} refused It will never be kept.
 * @property {() => void} lost The server is not there, or cannot keep anything just now.
 * @property {(error: Refused) => void} ended The invitation lets nobody in.
 */

/** Statuses of a server that may keep the same answer later. */
const LATER = [408, 429];

export class Outbox {
  /** @param {string} token @param {Told} told */
  constructor(token, told) {
    this.token = token;
    this.told = told;
    this.prefix = `spondyl.survey.${digest(token)}.`;
    this.count = 0;
    /** @type {Map<string, Sent>} Place in the storage → answer, in order. */
    this.waiting = new Map();
    /** @type {Promise<boolean> | null} */
    this.sending = null;
  }

  get isEmpty() {
    return this.waiting.size === 0;
  }

  /** Takes an answer, and sends it when all before it are sent. @param {Sent} sent */
  put(sent) {
    this.count += 1;
    const [now, count] = [Date.now(), String(this.count).padStart(6, "0")];
    const place = `${this.prefix}${now}.${count}.${sent.answer_id}`;
    this.waiting.set(place, sent);
    stored((storage) => storage.setItem(place, JSON.stringify(sent)));
    this.flush();
  }

  /**
   * Sends what waits, here or left by a page that was closed.
   * @returns {Promise<boolean>} Whether nothing waits any more.
   */
  flush() {
    this.sending ??= this.sendAll().finally(() => {
      this.sending = null;
    });
    return this.sending;
  }

  async sendAll() {
    this.adopt();
    for (let next = this.first(); next; next = this.first()) {
      const [place, sent] = next;
      try {
        const kept = await api.answer(this.token, sent);
        if (kept.answer_id !== sent.answer_id || kept.value !== sent.value) {
          throw new Lost("something else than the server answered");
        }
        this.drop(place);
        this.told.confirmed(sent);
      } catch (error) {
        if (!this.isOver(place, sent, error)) return false;
      }
    }
    return true;
  }

  /**
   * Whether nothing more is to be tried for an answer that failed.
   * @param {string} place @param {Sent} sent @param {unknown} error
   */
  isOver(place, sent, error) {
    const isRefused = error instanceof Refused && error.status < 500;
    if (!isRefused || LATER.includes(error.status)) {
      this.told.lost();
      return false;
    }
    if (error.status === 404) {
      this.told.ended(error);
      return false;
    }
    this.drop(place);
    this.told.refused(sent, error);
    return true;
  }

  /** @returns {[string, Sent] | undefined} */
  first() {
    return this.waiting.entries().next().value;
  }

  /** @param {string} place */
  drop(place) {
    this.waiting.delete(place);
    stored((storage) => storage.removeItem(place));
  }

  /** Gives up all that waits. */
  discard() {
    for (const place of [...this.waiting.keys()]) this.drop(place);
  }

  /**
   * Takes over what another page of the same invitation left, in its order.
   * @returns {number} How many answers wait.
   */
  adopt() {
    const left = stored((storage) => Object.entries({ ...storage })) ?? [];
    for (const [place, text] of left.sort()) {
      if (!place.startsWith(this.prefix) || this.waiting.has(place)) continue;
      const sent = read(text);
      if (sent) this.waiting.set(place, sent);
      else stored((storage) => storage.removeItem(place));
    }
    this.waiting = new Map([...this.waiting].sort(([one], [other]) => (one < other ? -1 : 1)));
    return this.waiting.size;
  }
}

/** A new answer's identifier; `crypto.randomUUID` is not there for pages without https. */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * 64 bits of an invitation's 256: enough to tell readers apart, and the invitation cannot be made
 * of them (FNV-1a, twice; pages without https have no SHA-256).
 * @param {string} token
 */
export function digest(token) {
  return [0x811c9dc5, 0x01234567].map((seed) => {
    let hash = seed;
    for (const sign of token) hash = Math.imul(hash ^ sign.charCodeAt(0), 0x01000193);
    return (hash >>> 0).toString(16).padStart(8, "0");
  }).join("");
}

/** @param {string} text @returns {Sent | null} */
function read(text) {
  try {
    const sent = JSON.parse(text);
    return typeof sent?.answer_id === "string" ? sent : null;
  } catch {
    return null;
  }
}

/**
 * What is done with this browser's storage; undefined where it has none, or it is full.
 * @template T @param {(storage: Storage) => T} does @returns {T | undefined}
 */
function stored(does) {
  try {
    return does(localStorage);
  } catch {
    return undefined;
  }
}
