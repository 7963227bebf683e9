/**
 * A film's grey values, and the picture of them under a window and level.
 *
 * All pixels are kept, and each change of the window colours all of them by a table, so what is
 * seen at full zoom is exact; the price is a few hundredths of a second for a large film. Colour
 * profiles are not applied: a grey is the file's own. A browser that cannot hold so large a picture
 * is given a smaller one, and `reduced` says so.
 */

import { clamp } from "./geometry.js";

/**
 * @typedef {object} Window Of 8-bit grey.
 * @property {number} width Greys from black to white. @property {number} level The middle one.
 * @property {boolean} inverted
 */

/** @type {Readonly<Window>} All greys as they are. */
export const FULL = Object.freeze({ width: 255, level: 127.5, inverted: false });
const LEAST_WIDTH = 2;
const SMALLEST_SHARE = 1 / 16;

/** A window that can be: at least two greys wide, its level among them. @param {Window} wanted */
export function windowOf(wanted) {
  return {
    width: clamp(wanted.width, LEAST_WIDTH, 2 * FULL.width),
    level: clamp(wanted.level, 0, 255),
    inverted: wanted.inverted,
  };
}

/**
 * The shown grey of each stored one: DICOM PS3.3 C.11.2.1.3.2, LINEAR_EXACT.
 * @param {Window} window @returns {Uint8ClampedArray}
 */
export function greys(window) {
  const shown = new Uint8ClampedArray(256);
  for (let grey = 0; grey < 256; grey += 1) {
    const share = clamp((grey - window.level) / window.width + 0.5, 0, 1);
    shown[grey] = 255 * (window.inverted ? 1 - share : share);
  }
  return shown;
}

export class FilmPicture {
  /**
   * @param {Uint8Array} grey Row by row. @param {number} width @param {number} height
   * @param {import("./view.js").Size} full The film's own size.
   */
  constructor(grey, width, height, full) {
    this.grey = grey;
    this.full = full;
    this.canvas = surface(width, height);
    this.pixels = new ImageData(width, height);
  }

  /** The share of the film's own resolution that this browser can hold; 1 as a rule. */
  get reduced() {
    return this.canvas.width / this.full.width;
  }

  /** Colours the picture anew. @param {Window} window */
  show(window) {
    const colours = Uint32Array.from(greys(window), (grey) => 0xff000000 | (grey * 0x010101));
    const words = new Uint32Array(this.pixels.data.buffer);
    for (let place = 0; place < words.length; place += 1) words[place] = colours[this.grey[place]];
    context(this.canvas).putImageData(this.pixels, 0, 0);
  }

  /**
   * The stored grey at a film's point; null beyond it.
   * @param {import("./geometry.js").Point} at
   */
  at([row, column]) {
    const y = Math.floor((row + 0.5) * this.reduced);
    const x = Math.floor((column + 0.5) * this.reduced);
    const inside = x >= 0 && y >= 0 && x < this.canvas.width && y < this.canvas.height;
    return inside ? this.grey[y * this.canvas.width + x] : null;
  }
}

/** @param {Blob} file @returns {Promise<FilmPicture>} */
export async function filmOf(file) {
  const decoded = await createImageBitmap(file, { colorSpaceConversion: "none" });
  const full = { width: decoded.width, height: decoded.height };
  for (let part = 1; part >= SMALLEST_SHARE; part /= 2) {
    const read = redChannel(decoded, part);
    if (read) return new FilmPicture(read.grey, read.width, read.height, full);
  }
  throw new Error("this browser cannot hold a picture of this size");
}

/** An 8-bit grey picture's values. @param {Blob} file */
export async function greyOf(file) {
  const read = redChannel(await createImageBitmap(file, { colorSpaceConversion: "none" }), 1);
  if (!read) throw new Error("this browser cannot hold a picture of this size");
  return read;
}

/**
 * Null where the browser has no room: it then leaves the canvas empty and says nothing.
 * @param {ImageBitmap} decoded @param {number} part
 */
function redChannel(decoded, part) {
  const width = Math.max(1, Math.floor(decoded.width * part));
  const height = Math.max(1, Math.floor(decoded.height * part));
  const sheet = surface(width, height).getContext("2d", { willReadFrequently: true });
  if (!sheet) return null;
  sheet.drawImage(decoded, 0, 0, width, height);
  try {
    const { data } = sheet.getImageData(0, 0, width, height);
    if (data[3] !== 255 || data[data.length - 1] !== 255) return null;
    const grey = new Uint8Array(width * height);
    for (let place = 0; place < grey.length; place += 1) grey[place] = data[4 * place];
    return { grey, width, height };
  } catch {
    return null;
  }
}

/** @param {number} width @param {number} height */
export function surface(width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  return canvas;
}

/** @param {HTMLCanvasElement} canvas */
export function context(canvas) {
  const found = canvas.getContext("2d");
  if (!found) throw new Error("this browser draws no pictures");
  return found;
}
