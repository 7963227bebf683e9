/**
 * The exported graph in this browser: a film goes in, its outputs come out.
 *
 * WebAssembly on one thread, on the page's own: more would need headers that few servers send.
 */

import { InferenceSession, Tensor, env } from "./runtime/ort.wasm.min.mjs";

/**
 * @typedef {object} Outputs
 * @property {number[]} probabilities Of each label. @property {number} predicted Its column.
 * @property {Float32Array} heatmap Signed, row by row. @property {number[]} grid Its size.
 */

export class Reader {
  /** @param {InferenceSession} session @param {any} about */
  constructor(session, about) {
    this.session = session;
    this.about = about;
  }

  /** @param {Uint8Array} graph @param {any} about What about.json says. */
  static async of(graph, about) {
    env.wasm.numThreads = 1;
    env.wasm.proxy = false;
    env.wasm.wasmPaths = new URL("./runtime/", import.meta.url).href;
    env.logLevel = "error";
    const session = await InferenceSession.create(graph, {
      executionProviders: ["wasm"],
      logSeverityLevel: 3,
    });
    return new Reader(session, about);
  }

  /** @param {import("./film.js").Film} film @returns {Promise<Outputs>} */
  async read(film) {
    const colour = this.about.preprocessing.colour !== "grey" && film.rgb;
    const planes = colour ? [film.rgb, 3] : [film.grey, 1];
    const given = {
      film: new Tensor("float32", planes[0], [1, planes[1], film.height, film.width]),
      networks: new Tensor("float32", new Float32Array(this.about.n_networks).fill(1), [
        this.about.n_networks,
      ]),
      label: new Tensor("int64", BigInt64Array.of(-1n), [1]),
    };
    const asked = Object.entries(given).filter(([name]) => this.session.inputNames.includes(name));
    const found = await this.session.run(Object.fromEntries(asked));
    return {
      probabilities: [...found.probabilities.data],
      predicted: Number(found.predicted.data[0]),
      heatmap: found.heatmap.data,
      grid: [...found.heatmap.dims],
    };
  }
}
