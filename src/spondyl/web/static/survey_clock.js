/**
 * How long a page was in sight: from when its picture was there, hidden tabs left out.
 *
 * An answer's seconds are taken when it is given, not when it arrives, so a lost connection adds
 * nothing. A reader who looks away with the page open is not noticed; the analysis takes medians.
 */

export class Clock {
  constructor() {
    this.seenMs = 0;
    /** @type {number | null} When it last came in sight; null while it is hidden or not begun. */
    this.since = null;
    this.isBegun = false;
    document.addEventListener("visibilitychange", () => this.turn());
  }

  /** The page's picture is there. */
  begin() {
    this.seenMs = 0;
    this.isBegun = true;
    this.since = document.hidden ? null : performance.now();
  }

  /** Another page is to come. */
  stop() {
    this.isBegun = false;
    this.since = null;
    this.seenMs = 0;
  }

  turn() {
    if (!this.isBegun) return;
    const now = performance.now();
    if (this.since !== null) this.seenMs += now - this.since;
    this.since = document.hidden ? null : now;
  }

  /** To a tenth of a second. */
  seconds() {
    const running = this.since === null ? 0 : performance.now() - this.since;
    return Math.round((this.seenMs + running) / 100) / 10;
  }
}
