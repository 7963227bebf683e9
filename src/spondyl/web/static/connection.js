/**
 * Whether the server can be reached, shown as long as it cannot, and asked again by itself.
 *
 * Waits grow to fifteen seconds, so that a room full of open pages does not beat down a server that
 * comes back. Nothing that was seen is taken away meanwhile.
 */

import { made, one, say } from "./dom.js";
import { answers } from "./requests.js";

const WAITS_S = [1, 2, 4, 8, 15];
/** A loss sooner than so after the server came back is the same one. */
const SAME_LOSS_MS = 10_000;

export class Connection {
  /**
   * @param {() => string} said What the loss means, in a sentence or two.
   * @param {() => void} back Called when the server is there again.
   */
  constructor(said, back) {
    this.said = said;
    this.back = back;
    this.backAt = -Infinity;
    this.isLost = false;
    this.tried = 0;
    this.left = 0;
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this.clock = undefined;
    this.banner = one("#connection");
    this.words = made("span");
    this.countdown = made("span", { "aria-hidden": "true" });
    one("p", this.banner).append(this.words, " ", this.countdown);
    one("button", this.banner).addEventListener("click", () => this.attempt());
    addEventListener("offline", () => this.lost());
    addEventListener("online", () => this.isLost && this.attempt());
  }

  /** A request did not reach the server. */
  lost() {
    if (this.isLost) return;
    this.isLost = true;
    if (performance.now() - this.backAt > SAME_LOSS_MS) this.tried = 0;
    this.banner.hidden = false;
    this.wait();
  }

  wait() {
    this.left = WAITS_S[Math.min(this.tried, WAITS_S.length - 1)];
    this.tried += 1;
    this.tell();
    clearInterval(this.clock);
    this.clock = setInterval(() => {
      this.left -= 1;
      if (this.left <= 0) this.attempt();
      else this.tell();
    }, 1000);
  }

  /** The sentence is said once; the seconds are for who looks. */
  tell() {
    this.retell();
    this.countdown.textContent = `Trying again in ${this.left} s.`;
  }

  /** What is lost may have changed meanwhile. */
  retell() {
    const said = this.said();
    if (this.words.textContent !== said) this.words.textContent = said;
  }

  async attempt() {
    clearInterval(this.clock);
    this.countdown.textContent = "Trying again now …";
    if (!(await answers())) return this.wait();
    this.isLost = false;
    this.backAt = performance.now();
    this.banner.hidden = true;
    say("The connection is there again.");
    this.back();
  }
}
