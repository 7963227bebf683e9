/**
 * How a page asks its server, and the two ways in which that fails: refused, or not reached.
 *
 * A refusal has the server's own two lines, an error and a hint, and is shown. A server that is not
 * reached says nothing about the request, so the caller may ask again. Every write carries the
 * header that no foreign page can send.
 */

const WAIT_MS = 20_000;
export const WRITE = Object.freeze({ "X-Spondyl": "1" });

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
export async function json(url, how = {}, waitMs = WAIT_MS) {
  const answered = await asked(url, how, waitMs);
  return whole(answered.json());
}

/** @param {string} url @param {RequestInit} [how] @param {number} [waitMs] */
export async function asked(url, how = {}, waitMs = WAIT_MS) {
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
