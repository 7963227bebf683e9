/**
 * Whether the server can be reached, shown as long as it cannot, and asked again by itself.
 *
 * Waits grow to fifteen seconds, so that a room full of open pages does not beat down a server that
 * comes back. Nothing that was seen is taken away meanwhile.
 */

import { answers } from "./api.js";
import { one, say } from "./dom.js";

const WAITS_S = [1, 2, 4, 8, 15];

export class Connection {
  /** @param {() => void} back Called when the server is there again. */
  constructor(back) {
    this.back = back;
    this.isLost = false;
    this.tried = 0;
    this.left = 0;
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this.clock = undefined;
    this.banner = one("#connection");
    one("button", this.banner).addEventListener("click", () => this.attempt());
    addEventListener("offline", () => this.lost());
    addEventListener("online", () => this.isLost && this.attempt());
  }

  /** A request did not reach the server. */
  lost() {
    if (this.isLost) return;
    this.isLost = true;
    this.tried = 0;
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

  tell() {
    const first = "The connection to the server is lost. What you see stays;";
    one("p", this.banner).textContent = `${first} trying again in ${this.left} s.`;
  }

  async attempt() {
    clearInterval(this.clock);
    one("p", this.banner).textContent = "The connection to the server is lost. Trying again now …";
    if (!(await answers())) return this.wait();
    this.isLost = false;
    this.banner.hidden = true;
    say("The connection is there again.");
    this.back();
  }
}
