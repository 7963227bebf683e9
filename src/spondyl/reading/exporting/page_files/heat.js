/**
 * Heat as colour, so that hotter is never drawn colder: the rule of `spondyl.explain.overlay`.
 *
 * Heat for the label adds a colour from red to yellow without blue, heat against it one from blue
 * to cyan without red, both with opacity in proportion. Red minus blue is then the signed opacity
 * itself, whatever grey the film has there.
 */

/** Opacity of the hottest value, as on paper. */
const OPACITY = 0.7;
/** Grey under the legend, like that of bone. */
const LEGEND_GREY = 0.35;

/**
 * What of a map is drawn, and the value drawn strongest: the map's own peak, or where heat against
 * the label is drawn too its largest magnitude.
 * @param {Float32Array} signed @param {boolean} rectified Whether the method ends in a ReLU.
 */
export function scaled(signed, rectified) {
  const cells = rectified ? signed.map((value) => Math.max(value, 0)) : signed;
  const scale = cells.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return { cells, scale };
}

/**
 * The film under heat, into the picture's own pixels.
 * @param {ImageData} picture Of the film alone. @param {Float32Array} heat On the same grid.
 * @param {number} scale
 */
export function paint(picture, heat, scale) {
  const { data } = picture;
  for (let place = 0; place < heat.length; place += 1) {
    const colour = over(data[4 * place], scale > 0 ? heat[place] / scale : 0);
    for (let channel = 0; channel < 3; channel += 1) data[4 * place + channel] = colour[channel];
  }
}

/**
 * Red, green and blue of heat over a grey. @param {number} grey 0 … 255. @param {number} share
 * Of the scale, -1 … 1.
 */
export function over(grey, share) {
  const strength = Math.min(Math.abs(share), 1);
  const opacity = OPACITY * strength;
  const film = (1 - opacity) * grey;
  const colour = [share > 0 ? 1 : 0, strength, share < 0 ? 1 : 0];
  return colour.map((part) => Math.round(film + 255 * opacity * part));
}

/**
 * The legend's ramp, from the least that is drawn to the strongest.
 * @param {CanvasRenderingContext2D} pen @param {number} least 0 or -1, as a share of the scale.
 */
export function paintRamp(pen, least) {
  const { width, height } = pen.canvas;
  for (let x = 0; x < width; x += 1) {
    const colour = over(255 * LEGEND_GREY, least + ((1 - least) * x) / (width - 1));
    pen.fillStyle = `rgb(${colour.join(" ")})`;
    pen.fillRect(x, 0, 1, height);
  }
}
