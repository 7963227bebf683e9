/**
 * Where a film lies on the networks' grid, and a heatmap's way back: `spondyl.data.placement`.
 *
 * Pixel centres lie at whole numbers; a pixel is one wide. Sizes are [height, width].
 */

/**
 * @typedef {object} Placement
 * @property {number[]} network Size of the grid. @property {number[]} content The film's part of it.
 * @property {number[]} offset Row and column of the film's first pixel there.
 */

/**
 * @param {number[]} film @param {number[]} network @param {"stretch" | "letterbox"} fit
 * @returns {Placement}
 */
export function placed(film, network, fit) {
  if (fit === "stretch") return { network, content: network, offset: [0, 0] };
  const even = Math.min(network[0] / film[0], network[1] / film[1]);
  const content = film.map((side) => Math.max(1, halfToEven(side * even)));
  const offset = content.map((side, axis) => Math.floor((network[axis] - side) / 2));
  return { network, content, offset };
}

/**
 * A map on the layer's grid, which spans the network's, bilinearly sampled on `size`, a grid that
 * spans the film. Beyond the outermost cells' centres it is those cells' value.
 * @param {Float32Array} cells Row by row. @param {number[]} grid @param {Placement} placement
 * @param {number[]} size
 */
export function onFilm(cells, grid, placement, size) {
  const [rows, columns] = [0, 1].map((axis) => sampling(size[axis], grid[axis], placement, axis));
  const sampled = new Float32Array(size[0] * size[1]);
  for (let y = 0; y < size[0]; y += 1) {
    const upper = rows.low[y] * grid[1];
    const lower = rows.high[y] * grid[1];
    const down = rows.share[y];
    for (let x = 0; x < size[1]; x += 1) {
      const [left, right, across] = [columns.low[x], columns.high[x], columns.share[x]];
      const above = cells[upper + left] * (1 - across) + cells[upper + right] * across;
      const below = cells[lower + left] * (1 - across) + cells[lower + right] * across;
      sampled[y * size[1] + x] = above * (1 - down) + below * down;
    }
  }
  return sampled;
}

/**
 * For each of `n` rows or columns the cells on both sides, and the share of the second.
 * @param {number} n @param {number} nCells @param {Placement} placement @param {number} axis
 */
function sampling(n, nCells, { network, content, offset }, axis) {
  const [low, high] = [new Int32Array(n), new Int32Array(n)];
  const share = new Float64Array(n);
  for (let place = 0; place < n; place += 1) {
    const onNetwork = ((place + 0.5) * content[axis]) / n + offset[axis];
    const at = Math.min(Math.max((onNetwork * nCells) / network[axis] - 0.5, 0), nCells - 1);
    low[place] = Math.min(Math.floor(at), Math.max(nCells - 2, 0));
    high[place] = Math.min(low[place] + 1, nCells - 1);
    share[place] = at - low[place];
  }
  return { low, high, share };
}

/** Rounded as Python rounds. @param {number} value */
function halfToEven(value) {
  const down = Math.floor(value);
  if (value - down !== 0.5) return Math.round(value);
  return down % 2 === 0 ? down : down + 1;
}
