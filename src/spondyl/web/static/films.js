/**
 * The list of films: sending, waiting, reading, done or failed, and which one is chosen.
 *
 * Each film is sent by itself, so that one wrong file refuses no other, and the list is asked for
 * once a second while anything is under way. File names stay in this page, because they may name a
 * patient and the server does not keep them: after a reload a film is known by the beginning of its
 * identifier and its time. A film whose answer got lost on the way is sent again, and may then
 * stand in the list twice.
 */

import * as api from "./api.js";
import { button, made, one, say } from "./dom.js";
import * as words from "./words.js";

/** @typedef {import("./api.js").Entry} Entry */
/**
 * @typedef {object} Upload
 * @property {File} file @property {"waiting" | "sending" | "refused"} state
 * @property {string} error @property {string} hint
 */

const BUSY_MS = 1000;
const IDLE_MS = 10_000;
/** The status of a server that takes no more films just now. */
const TOO_MANY = 429;
const TOO_MANY_MS = 5000;

export class Films {
  /**
   * @param {(entry: Entry | null, name: string) => void} chosen Another film or state of it.
   * @param {(error: unknown) => void} failed
   * @param {(name: string) => Promise<boolean>} isSure
   */
  constructor(chosen, failed, isSure) {
    this.chosen = chosen;
    this.failed = failed;
    this.isSure = isSure;
    /** @type {Entry[]} */
    this.entries = [];
    /** @type {Upload[]} */
    this.uploads = [];
    /** @type {Map<string, string>} */
    this.names = new Map();
    /** @type {string | null} */
    this.id = null;
    this.isSending = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.clock = undefined;
  }

  /** @param {Iterable<File>} files */
  add(files) {
    /** @type {Upload[]} */
    const added = Array.from(files, (file) => ({ file, state: "waiting", error: "", hint: "" }));
    this.uploads.push(...added);
    this.render();
    this.sendAll();
  }

  /**
   * Sends what waits, one film after another, and chooses the first; stops where the server is not
   * there.
   */
  async sendAll() {
    if (this.isSending) return;
    this.isSending = true;
    let isFirst = true;
    try {
      for (let next = this.waiting(); next; next = this.waiting()) {
        const sent = await this.sendOne(next);
        if (sent && isFirst) this.choose(sent.id);
        if (sent) isFirst = false;
      }
    } catch (error) {
      this.failed(error);
    } finally {
      this.isSending = false;
      this.refresh();
    }
  }

  waiting() {
    return this.uploads.find((upload) => upload.state === "waiting");
  }

  /** What became of one; null where it was not taken. @param {Upload} upload */
  async sendOne(upload) {
    upload.state = "sending";
    this.render();
    /** @type {Entry | null} */
    let entry = null;
    try {
      entry = await api.send(upload.file);
      this.uploads = this.uploads.filter((other) => other !== upload);
      this.names.set(entry.id, words.shown(upload.file.name));
      this.entries.unshift(entry);
    } catch (error) {
      upload.state = "waiting";
      if (!(error instanceof api.Refused)) throw error;
      if (error.status === TOO_MANY) {
        await pause(TOO_MANY_MS);
        return null;
      }
      Object.assign(upload, { state: "refused", error: error.message, hint: error.hint });
      say(`${upload.file.name}: ${words.sentence(error.message)} ${words.sentence(error.hint)}`);
    }
    this.render();
    return entry;
  }

  /** Asks for the list, now and again. */
  async refresh() {
    clearTimeout(this.clock);
    try {
      const before = new Map(this.entries.map((entry) => [entry.id, entry]));
      this.entries = await api.readings();
      this.announce(before);
      await this.tell(before);
      this.render();
    } catch (error) {
      this.failed(error);
      if (error instanceof api.Lost) return;
    }
    clearTimeout(this.clock);
    const isBusy = this.entries.some(({ state }) => state === "queued" || state === "reading");
    this.clock = setTimeout(() => this.refresh(), isBusy ? BUSY_MS : IDLE_MS);
  }

  /** Says which films were read meanwhile. @param {Map<string, Entry>} before */
  announce(before) {
    for (const entry of this.entries) {
      const isNews = before.has(entry.id) && before.get(entry.id)?.state !== entry.state;
      if (isNews) say(`${this.name(entry)}: ${stateSaid(entry)}.`);
    }
  }

  /** Hands on the chosen film where its state is another. @param {Map<string, Entry>} before */
  async tell(before) {
    const entry = this.entries.find(({ id }) => id === this.id);
    if (!entry && this.id !== null) return this.choose(this.entries[0]?.id ?? null);
    if (!entry) return this.choose(this.entries[0]?.id ?? null);
    if (before.get(entry.id)?.state !== entry.state) await this.hand(entry);
  }

  /** @param {string | null} id */
  async choose(id) {
    if (id === this.id) return;
    this.id = id;
    this.render();
    const entry = this.entries.find((one) => one.id === id);
    if (!entry) return this.chosen(null, "");
    await this.hand(entry);
  }

  /** @param {Entry} entry */
  async hand(entry) {
    try {
      const whole = entry.state === "done" ? await api.reading(entry.id) : entry;
      if (this.id === entry.id) this.chosen(whole, this.name(entry));
    } catch (error) {
      this.failed(error);
    }
  }

  /** The film after the chosen one, or before it. @param {number} step */
  step(step) {
    const place = this.entries.findIndex(({ id }) => id === this.id);
    const next = this.entries[place + step];
    if (next) this.choose(next.id);
    else say(step > 0 ? "This is the last film." : "This is the first film.");
  }

  /** @param {Entry} entry */
  async remove(entry) {
    if (!(await this.isSure(this.name(entry)))) return;
    try {
      await api.remove(entry.id);
      say(`${this.name(entry)} is deleted, with all that was made of it.`);
      this.entries = this.entries.filter((other) => other !== entry);
      this.names.delete(entry.id);
    } catch (error) {
      this.failed(error);
    }
    await this.refresh();
  }

  /** @param {Entry} entry */
  name(entry) {
    return this.names.get(entry.id) ?? `Film ${entry.id.slice(0, 4)}, ${timeSaid(entry.created)}`;
  }

  render() {
    const rows = [
      ...this.uploads.map((upload) => this.uploadRow(upload)),
      ...this.entries.map((entry) => this.row(entry)),
    ];
    const list = one("#list");
    const held = document.activeElement?.id;
    list.replaceChildren(...rows);
    if (held && list.querySelector(`#${CSS.escape(held)}`)) one(`#${CSS.escape(held)}`).focus();
    one("#empty").hidden = rows.length > 0;
  }

  /** @param {Entry} entry */
  row(entry) {
    const name = this.name(entry);
    const isChosen = entry.id === this.id;
    const pick = button("", () => this.choose(entry.id), {
      class: "pick",
      id: `pick-${entry.id}`,
      "aria-current": String(isChosen),
    });
    const state = made("span", { class: "state" }, stateSaid(entry));
    pick.append(made("span", { class: "name" }, name), state);
    const removal = button("Delete", () => this.remove(entry), {
      class: "quiet-button",
      id: `delete-${entry.id}`,
      "aria-label": `Delete ${name}`,
    });
    const children = [pick, ...(isChosen ? [removal] : [])];
    return made("li", { class: entry.state }, ...children);
  }

  /** @param {Upload} upload */
  uploadRow(upload) {
    const name = made("span", { class: "name" }, words.shown(upload.file.name));
    if (upload.state !== "refused") {
      const said = upload.state === "sending" ? "Being sent …" : "Waits to be sent";
      return made("li", { class: "upload" }, name, made("span", { class: "state" }, said));
    }
    const dismissal = button("Dismiss", () => {
      this.uploads = this.uploads.filter((other) => other !== upload);
      this.render();
    }, { class: "quiet-button", "aria-label": `Dismiss ${upload.file.name}` });
    return made("li", { class: "failed" }, name,
      made("span", { class: "state error" }, words.sentence(upload.error)),
      made("span", { class: "state" }, words.sentence(upload.hint)), dismissal);
  }
}

/** @param {number} ms @returns {Promise<void>} */
function pause(ms) {
  return new Promise((over) => setTimeout(over, ms));
}

/** @param {Entry} entry */
function stateSaid(entry) {
  if (entry.state === "queued") return `Waiting, number ${entry.position ?? "?"} in the queue`;
  if (entry.state === "reading") return "Being read …";
  if (entry.state === "failed") return `Not read: ${words.sentence(entry.error ?? "", false)}`;
  return entry.reading ? words.answer(entry.reading) : "Read";
}

/** @param {string | number | undefined} created Seconds since 1970, or ISO 8601. */
function timeSaid(created) {
  if (created === undefined) return "time unknown";
  const when = new Date(typeof created === "number" ? 1000 * created : created);
  if (when.toDateString() === new Date().toDateString()) {
    return when.toLocaleTimeString([], { timeStyle: "short" });
  }
  return when.toLocaleString([], { dateStyle: "short", timeStyle: "short" });
}
