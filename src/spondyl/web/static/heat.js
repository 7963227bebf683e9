/**
 * Heat as colour, so that hotter is never drawn colder: the rule of `spondyl.explain.overlay`.
 *
 * Heat adds a colour from red to yellow without blue, with opacity in proportion. Red minus blue is
 * then the opacity itself whatever grey the film has there. The server sends each map as a share of
 * its own peak; on a common scale a weaker map is dimmed by the ratio of the peaks, never
 * brightened.
 */

import { context, surface } from "./film.js";

/** Opacity of the hottest value, as on paper. */
export const OPACITY = 0.7;
const LEGEND_GREY = 0.35;

/**
 * @typedef {object} Heat
 * @property {Uint8Array} grey Share of the map's own peak, 255 the peak itself, row by row.
 * @property {number} width @property {number} height
 */

/**
 * Colours for each of the 256 shares: [red, green, blue, opacity], bytes.
 * @param {number} opacity Of the hottest value, 0 … 1.
 * @param {number} dimmed The map's peak over the scale's, 0 … 1.
 */
export function colours(opacity, dimmed = 1) {
  return Array.from({ length: 256 }, (_, grey) => {
    const strength = (grey / 255) * dimmed;
    return [255, Math.round(255 * strength), 0, Math.round(255 * opacity * strength)];
  });
}

/**
 * The heat alone, transparent where there is none.
 * @param {Heat} heat @param {number} opacity @param {number} dimmed
 */
export function drawn(heat, opacity, dimmed) {
  const canvas = surface(heat.width, heat.height);
  const pixels = new ImageData(heat.width, heat.height);
  const table = new Uint8Array(colours(opacity, dimmed).flat());
  const [from, to] = [new Uint32Array(table.buffer), new Uint32Array(pixels.data.buffer)];
  for (let place = 0; place < to.length; place += 1) to[place] = from[heat.grey[place]];
  context(canvas).putImageData(pixels, 0, 0);
  return canvas;
}

/**
 * Draws the ramp of a legend, from none to the hottest, over a grey like that of bone.
 * @param {HTMLCanvasElement} canvas @param {number} opacity @param {number} dimmed
 */
export function drawRamp(canvas, opacity, dimmed) {
  const table = colours(opacity, dimmed);
  const pen = context(canvas);
  const grey = Math.round(255 * LEGEND_GREY);
  pen.fillStyle = `rgb(${grey} ${grey} ${grey})`;
  pen.fillRect(0, 0, canvas.width, canvas.height);
  for (let x = 0; x < canvas.width; x += 1) {
    const [red, green, blue, alpha] = table[Math.round((255 * x) / (canvas.width - 1))];
    pen.fillStyle = `rgb(${red} ${green} ${blue} / ${alpha / 255})`;
    pen.fillRect(x, 0, 1, canvas.height);
  }
}
