/**
 * Lines where heat crosses a quarter, half and three quarters of its scale, by marching squares
 * (Lorensen and Cline 1987, in two dimensions).
 *
 * Lines keep their width on the screen at every zoom and grow heavier with the level, so they are
 * told apart without colour. Saddles are always joined the same way: a line is never crossed, but
 * may close one cell too early.
 */

/** Shares of the scale at which lines are drawn, and their widths in CSS pixels. */
export const LEVELS = /** @type {const} */ ([0.25, 0.5, 0.75]);
const WIDTHS = [1.2, 2.2, 3.4];
const RIM = 1.2;

/** Which edges a line joins, by which corners are hot: 1 top-left, 2 top-right, 4 bottom-right, 8
 * bottom-left. Edges: 0 top, 1 right, 2 bottom, 3 left. */
const JOINED = [
  [], [3, 0], [0, 1], [3, 1], [1, 2], [3, 0, 1, 2], [0, 2], [3, 2],
  [2, 3], [2, 0], [0, 1, 2, 3], [2, 1], [1, 3], [1, 0], [0, 3], [],
];

/**
 * The lines at one level, as pieces [x, y, x, y] in the heat's pixels, centres at whole numbers.
 * @param {import("./heat.js").Heat} heat @param {number} level In the heat's greys.
 */
export function lines({ grey, width, height }, level) {
  const pieces = [];
  for (let y = 0; y < height - 1; y += 1) {
    for (let x = 0; x < width - 1; x += 1) {
      const first = y * width + x;
      const [topLeft, topRight] = [grey[first], grey[first + 1]];
      const [bottomLeft, bottomRight] = [grey[first + width], grey[first + width + 1]];
      const hot = Number(topLeft >= level) | (Number(topRight >= level) << 1) |
        (Number(bottomRight >= level) << 2) | (Number(bottomLeft >= level) << 3);
      if (hot === 0 || hot === 15) continue;
      const four = [topLeft, topRight, bottomRight, bottomLeft];
      const edges = JOINED[hot];
      for (let edge = 0; edge < edges.length; edge += 2) {
        pieces.push([...crossing(four, level, x, y, edges[edge]),
          ...crossing(four, level, x, y, edges[edge + 1])]);
      }
    }
  }
  return pieces;
}

/**
 * All lines as paths in the film's pixels, ready to be stroked.
 * @param {import("./heat.js").Heat} heat @param {number} dimmed As for the colours.
 * @param {import("./view.js").Size} film
 */
export function paths(heat, dimmed, film) {
  const [across, down] = [film.width / heat.width, film.height / heat.height];
  return LEVELS.map((level) => {
    const path = new Path2D();
    if (dimmed <= level) return path;
    for (const [x0, y0, x1, y1] of lines(heat, (255 * level) / dimmed)) {
      path.moveTo((x0 + 0.5) * across - 0.5, (y0 + 0.5) * down - 0.5);
      path.lineTo((x1 + 0.5) * across - 0.5, (y1 + 0.5) * down - 0.5);
    }
    return path;
  });
}

/**
 * Strokes the lines with a black rim, so they are seen on bone and on air.
 * @param {CanvasRenderingContext2D} pen Whose unit is a film's pixel.
 * @param {Path2D[]} levels @param {number} zoom
 */
export function stroke(pen, levels, zoom) {
  pen.lineCap = "round";
  levels.forEach((path, place) => {
    for (const [colour, width] of /** @type {[string, number][]} */ ([
      ["#000", WIDTHS[place] + 2 * RIM],
      ["#fff", WIDTHS[place]],
    ])) {
      pen.strokeStyle = colour;
      pen.lineWidth = width / zoom;
      pen.stroke(path);
    }
  });
}

/**
 * @param {number[]} four @param {number} level @param {number} x @param {number} y
 * @param {number} edge @returns {[number, number]}
 */
function crossing([topLeft, topRight, bottomRight, bottomLeft], level, x, y, edge) {
  if (edge === 0) return [x + share(topLeft, topRight, level), y];
  if (edge === 1) return [x + 1, y + share(topRight, bottomRight, level)];
  if (edge === 2) return [x + share(bottomLeft, bottomRight, level), y + 1];
  return [x, y + share(topLeft, bottomLeft, level)];
}

/** @param {number} from @param {number} to @param {number} level */
function share(from, to, level) {
  return (level - from) / (to - from);
}
