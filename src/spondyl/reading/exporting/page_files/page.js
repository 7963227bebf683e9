/**
 * The page: a film is chosen or dropped, read, and shown under its heat.
 *
 * Names of files and labels are only ever set as text. Nothing of a film is kept or sent: the page
 * asks its own server for its own files, and its policy lets it ask nobody else.
 */

import { filmOf, proveExact } from "./film.js";
import { paint, paintRamp, scaled } from "./heat.js";
import { onFilm, placed } from "./placement.js";
import { Reader } from "./reader.js";

/** Pixels of the picture's longer side at most; the film that is read is not made smaller. */
const LONGEST = 1400;

/** @type {Reader | null} */
let reader = null;
let isReading = false;
/** The film alone and under its heat. @type {ImageData[]} */
let pictures = [];

/** @param {string} id @returns {any} */
const one = (id) => document.getElementById(id);

/** @param {string} tag @param {string} text */
function made(tag, text) {
  const element = document.createElement(tag);
  element.textContent = text;
  return element;
}

/** @param {string} sentence */
function say(sentence) {
  one("state").textContent = sentence;
}

/** @param {unknown} error @param {string} of */
function fail(error, of) {
  const why = error instanceof Error ? error.message : String(error);
  one("failed").textContent = `${of}: ${why}`;
  one("failed").hidden = false;
  say("");
}

/** @param {string} name */
async function ours(name) {
  const answer = await fetch(name);
  if (!answer.ok) throw new Error(`${name} is not there (status ${answer.status})`);
  return answer;
}

async function begin() {
  const about = await (await ours("about.json")).json();
  describe(about);
  await proveExact(await (await ours("ramp.png")).blob());
  const graph = new Uint8Array(await (await ours(about.graph.file)).arrayBuffer());
  reader = await Reader.of(graph, about);
  one("file").disabled = false;
  say("Ready: no more is loaded, and the page reads films without a network too.");
}

/** @param {any} about */
function describe(about) {
  one("notice").textContent = about.notice;
  const rows = {
    "Intended use": about.intended_use,
    Networks: `${about.title}; ${about.n_networks} in number, ${about.precision}`,
    Bundle: about.bundle_id,
    Labels: about.labels.join(", "),
    Heatmap: `${about.method} on ${about.layer}`,
    "Made by": about.made_by,
    Runtime: `${about.runtime.package} ${about.runtime.version}`,
  };
  const said = Object.entries(rows).flatMap(([name, value]) => [made("dt", name), made("dd", value)]);
  one("about").replaceChildren(...said);
}

/** @param {File} file */
async function read(file) {
  if (isReading) return;
  if (!reader) {
    fail("the networks are not loaded yet; drop it again in a moment", file.name);
    return;
  }
  isReading = true;
  one("failed").hidden = true;
  one("answer").hidden = true;
  say(`Reading ${file.name}; the page stands still meanwhile …`);
  try {
    await painted();
    const film = await filmOf(file);
    const begun = performance.now();
    const found = await reader.read(film);
    const seconds = (performance.now() - begun) / 1000;
    show(film, found, reader.about);
    say(`${file.name}: read in ${seconds.toFixed(1)} s.`);
  } catch (error) {
    fail(error, file.name);
  } finally {
    isReading = false;
    one("file").value = ""; // so that the same film can be chosen again
  }
}

/** Until what was said is on the screen; a hidden page is not waited for. */
function painted() {
  return new Promise((done) => {
    requestAnimationFrame(() => setTimeout(done, 0));
    setTimeout(done, 200);
  });
}

/**
 * @param {import("./film.js").Film} film @param {import("./reader.js").Outputs} found
 * @param {any} about
 */
function show(film, found, about) {
  const label = about.labels[found.predicted];
  one("label").textContent = `Likeliest: ${label}`;
  const order = about.labels.map((_, column) => column);
  order.sort((a, b) => found.probabilities[b] - found.probabilities[a]);
  const rows = order.map((column) => row(about.labels[column], found.probabilities[column]));
  one("probabilities").replaceChildren(...rows);
  showHeat(film, found, about, label);
  remark(film, about);
  one("answer").hidden = false;
}

/** @param {string} label @param {number} probability */
function row(label, probability) {
  const line = document.createElement("tr");
  const name = made("th", label);
  name.setAttribute("scope", "row");
  const value = made("td", percent(probability));
  value.setAttribute("data-probability", String(probability));
  const meter = document.createElement("meter");
  [meter.max, meter.value] = [1, probability];
  meter.setAttribute("aria-label", `Probability of ${label}`);
  const cell = document.createElement("td");
  cell.append(meter);
  line.append(name, value, cell);
  return line;
}

/** A probability in whole per cent, never 0 and never 100. @param {number} probability */
function percent(probability) {
  const whole = Math.round(100 * probability);
  if (whole >= 100) return "over 99 %";
  return whole <= 0 ? "under 1 %" : `${whole} %`;
}

/**
 * @param {import("./film.js").Film} film @param {import("./reader.js").Outputs} found
 * @param {any} about @param {string} label
 */
function showHeat(film, found, about, label) {
  const { size, fit } = about.preprocessing;
  const canvas = one("film");
  const alone = picture(film, canvas);
  const { cells, scale } = scaled(found.heatmap, about.rectified);
  const placement = placed([film.height, film.width], size, fit);
  const heated = new ImageData(alone.data.slice(), alone.width, alone.height);
  paint(heated, onFilm(cells, found.grid, placement, [alone.height, alone.width]), scale);
  pictures = [alone, heated];
  paintRamp(one("ramp").getContext("2d"), about.rectified ? 0 : -1);
  one("legend").hidden = scale <= 0;
  one("least").textContent = about.rectified ? "0" : `−${scale.toPrecision(3)}, against`;
  one("hottest").textContent = `${scale.toPrecision(3)} ${about.unit}`;
  one("of-heat").textContent = ofHeat(found, about, label, scale);
  canvas.setAttribute("aria-label", `The film under heat for ${label}`);
  showPicture();
}

/**
 * @param {import("./reader.js").Outputs} found @param {any} about @param {string} label
 * @param {number} scale
 */
function ofHeat(found, about, label, scale) {
  const by = about.n_networks === 1 ? "by one network" : `mean of ${about.n_networks} networks`;
  const [height, width] = found.grid;
  const first = `Heat: ${about.method} for “${label}”, ${by}, ${height} × ${width} cells. `;
  if (scale <= 0) return `${first}It found nothing in this film that speaks for “${label}”.`;
  const ends = about.rectified
    ? "The hottest place is this film's own peak. "
    : "Blue speaks against the label; the scale ends at this film's own largest value. ";
  return `${first}${ends}Heat shows what spoke for “${label}”, coarsely; it does not outline disease.`;
}

/**
 * The film alone at the size it is shown.
 * @param {import("./film.js").Film} film @param {any} canvas
 */
function picture(film, canvas) {
  const full = document.createElement("canvas");
  [full.width, full.height] = [film.width, film.height];
  const pixels = new ImageData(film.width, film.height);
  const words = new Uint32Array(pixels.data.buffer);
  for (let place = 0; place < words.length; place += 1) {
    words[place] = 0xff000000 | (Math.round(255 * film.grey[place]) * 0x010101);
  }
  /** @type {any} */ (full.getContext("2d")).putImageData(pixels, 0, 0);
  const smaller = Math.min(1, LONGEST / Math.max(film.width, film.height));
  canvas.width = Math.max(1, Math.round(film.width * smaller));
  canvas.height = Math.max(1, Math.round(film.height * smaller));
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.imageSmoothingQuality = "high";
  pen.drawImage(full, 0, 0, canvas.width, canvas.height);
  return pen.getImageData(0, 0, canvas.width, canvas.height);
}

function showPicture() {
  const [alone, heated] = pictures;
  if (!alone) return;
  const shown = one("show-heat").checked ? heated : alone;
  one("film").getContext("2d").putImageData(shown, 0, 0);
}

/**
 * What of the film may have changed the answer.
 * @param {import("./film.js").Film} film @param {any} about
 */
function remark(film, about) {
  const [height, width] = about.preprocessing.size;
  const said = [];
  if (film.rgb && about.preprocessing.colour === "grey") {
    said.push("The picture has colours; the networks were shown its greys.");
  }
  if (film.height < height || film.width < width) {
    said.push(
      `The film is smaller (${film.height} × ${film.width} pixels) than what the networks look at ` +
        `(${height} × ${width}), so it was enlarged.`,
    );
  }
  one("remarks").replaceChildren(...said.map((sentence) => made("p", sentence)));
}

/** @param {DragEvent} event */
function dropped(event) {
  event.preventDefault();
  one("drop").classList.remove("over");
  const files = event.dataTransfer?.files ?? [];
  if (files.length === 1) read(files[0]);
  else if (files.length > 1) fail("one film at a time", `${files.length} files`);
}

one("file").addEventListener("change", () => {
  const [file] = one("file").files;
  if (file) read(file);
});
one("show-heat").addEventListener("change", showPicture);
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  one("drop").classList.add("over");
});
document.addEventListener("dragleave", () => one("drop").classList.remove("over"));
document.addEventListener("drop", dropped);
begin().catch((error) => fail(error, "The networks cannot be loaded"));
