/**
 * Which heat lies over the film in which pane.
 *
 * A film is shown bare until heat is asked for, so that who looks first is not led by it. Each pane
 * has its own network, label and method; opacity and lines are common, for two pictures that are
 * compared must be drawn alike. Each map is drawn by its own peak, which the legend states, or both
 * by the larger one.
 */

import * as api from "./api.js";
import { paths } from "./contours.js";
import { input, made, one, paragraphs, press, say } from "./dom.js";
import { greyOf } from "./film.js";
import { drawn, drawRamp } from "./heat.js";
import * as words from "./words.js";

/** @typedef {import("./api.js").HeatMap} HeatMap */
/** @typedef {import("./heat.js").Heat} Heat */
/** @typedef {{network: string, label: string, method: string}} Choice */

const NONE = "none";
const PARTS = /** @type {const} */ (["network", "label", "method"]);

export class Layers {
  /**
   * @param {import("./viewer.js").Viewer} viewer
   * @param {(error: unknown, again: () => void) => void} failed
   */
  constructor(viewer, failed) {
    this.viewer = viewer;
    this.failed = failed;
    /** @type {import("./api.js").Entry | null} */
    this.entry = null;
    /** @type {Choice[]} */
    this.choices = [];
    this.isSideBySide = false;
    /** @type {(HeatMap | null)[]} What lies over the film in each view. */
    this.laid = [null, null];
    /** @type {string | null} The network before heat was switched off. */
    this.last = null;
    /** @type {Map<string, Promise<Heat>>} */
    this.heats = new Map();
    for (const name of ["#opacity", "#contours", "#common-scale"]) {
      input(name).addEventListener("input", () => this.draw());
    }
  }

  get maps() {
    return this.entry?.maps ?? [];
  }

  /** @param {import("./api.js").Entry | null} entry */
  open(entry) {
    this.entry = entry;
    this.laid = [null, null];
    this.heats.clear();
    const label = entry?.reading?.heatmap.label ?? this.maps[0]?.label ?? "";
    const method = this.maps[0]?.method ?? "";
    const networks = this.options("network").slice(1);
    this.choices = [
      { network: NONE, label, method },
      { network: networks[1] ?? networks[0] ?? NONE, label, method },
    ];
    this.refresh();
  }

  /** Controls and pictures after a choice. */
  refresh() {
    const panes = this.isSideBySide ? [0, 1] : [0];
    one("#layer-controls").replaceChildren(...panes.map((pane) => this.controls(pane)));
    one("#heat").hidden = !this.maps.length;
    one("#common-scale-row").hidden = !this.isSideBySide;
    press("[data-does=sideBySide]", this.isSideBySide);
    this.draw();
  }

  toggleSideBySide() {
    this.isSideBySide = !this.isSideBySide;
    this.viewer.panes[1].parentElement?.toggleAttribute("hidden", !this.isSideBySide);
    this.refresh();
    say(this.isSideBySide ? "Two views side by side." : "One view.");
  }

  /** Heat of the first view on or off. */
  toggle() {
    const first = this.options("network").find((name) => name !== NONE);
    if (!first) return say("There is no heat for this film.");
    const choice = this.choices[0];
    this.choose(0, "network", choice.network === NONE ? (this.last ?? first) : NONE);
  }

  /** The next one for the first view. @param {"network" | "label" | "method"} part */
  next(part) {
    const options = this.options(part);
    if (!options.length) return;
    const place = options.indexOf(this.choices[0][part]);
    this.choose(0, part, options[(place + 1) % options.length]);
  }

  /** @param {number} step Per cent. */
  fade(step) {
    input("#opacity").valueAsNumber += step;
    this.draw();
    say(`Opacity ${input("#opacity").value} %.`);
  }

  toggleContours() {
    input("#contours").checked = !input("#contours").checked;
    this.draw();
    say(input("#contours").checked ? "Contour lines." : "No contour lines.");
  }

  /** @param {number} pane @param {"network" | "label" | "method"} part @param {string} value */
  choose(pane, part, value) {
    if (part === "network" && this.choices[pane].network !== NONE) {
      this.last = this.choices[pane].network;
    }
    this.choices[pane] = { ...this.choices[pane], [part]: value };
    for (const name of PARTS) {
      const field = document.querySelector(`#${name}-${pane}`);
      if (field instanceof HTMLSelectElement) field.value = this.choices[pane][name];
    }
    this.draw();
    const map = this.mapOf(pane);
    say(map ? `Heat: ${described(map)}.` : "Heat off.");
  }

  /** @param {"network" | "label" | "method"} part */
  options(part) {
    const found = [...new Set(this.maps.map((map) => map[part]))];
    return part === "network" && found.length ? [NONE, ...found] : found;
  }

  /** @param {number} pane */
  mapOf(pane) {
    const { network, label, method } = this.choices[pane];
    const same = (/** @type {HeatMap} */ map) =>
      map.network === network && map.label === label && map.method === method;
    return this.maps.find(same) ?? null;
  }

  /** @param {number} pane */
  controls(pane) {
    const rows = PARTS.map((part) => this.row(pane, part)).filter((row) => row !== null);
    const title = this.isSideBySide ? ["Left view", "Right view"][pane] : "Layer";
    return made("fieldset", {}, made("legend", {}, title), ...rows);
  }

  /** @param {number} pane @param {"network" | "label" | "method"} part */
  row(pane, part) {
    const options = this.options(part);
    if (part === "method" && options.length < 2) return null;
    const title = { network: "Network", label: "Label", method: "Method" }[part];
    const id = `${part}-${pane}`;
    const field = /** @type {HTMLSelectElement} */ (made("select", { id }, ...options.map((value) =>
      made("option", { value }, part === "network" ? networkSaid(value) : words.shown(value)))));
    field.value = this.choices[pane][part];
    field.addEventListener("change", () => this.choose(pane, part, field.value));
    return made("label", { class: "row", for: id }, made("span", {}, title), field);
  }

  /** Lays the chosen heat over the film, in all views. */
  async draw() {
    one("output[for=opacity]").textContent = `${input("#opacity").value} %`;
    one("#heat-words").replaceChildren(...paragraphs(this.said(), "quiet"));
    const { viewer, entry } = this;
    for (const pane of [0, 1]) {
      const map = this.choices.length && viewer.film ? this.mapOf(pane) : null;
      if (!map || this.laid[pane] !== map) this.clear(pane, map);
      if (!map) continue;
      try {
        const heat = await this.heat(map);
        if (this.entry !== entry || this.mapOf(pane) !== map || !viewer.film) return;
        viewer.lay(pane, {
          canvas: drawn(heat, input("#opacity").valueAsNumber / 100, this.dimmed(map)),
          contours: input("#contours").checked
            ? paths(heat, this.dimmed(map), viewer.film.full)
            : null,
        });
        this.laid[pane] = map;
        this.label(pane, map);
      } catch (error) {
        this.heats.delete(map.url);
        if (this.entry !== entry || this.mapOf(pane) !== map) return;
        this.clear(pane, map, "could not be loaded");
        this.failed(error, () => this.entry === entry && this.draw());
      }
    }
  }

  /**
   * Takes the heat off a view: a legend never stands beside a picture that is another's, or is not
   * there.
   * @param {number} pane @param {HeatMap | null} map What is to come. @param {string} why
   */
  clear(pane, map, why = "is being loaded") {
    this.viewer.lay(pane, null);
    this.laid[pane] = null;
    this.label(pane, null);
    if (!map) return;
    const figure = /** @type {HTMLElement} */ (this.viewer.panes[pane].parentElement);
    one(".legend", figure).hidden = false;
    one(".layer", figure).textContent = `Film alone: its heat ${why}.`;
  }

  /** @param {HeatMap} map @returns {Promise<Heat>} */
  heat(map) {
    const found = this.heats.get(map.url) ?? api.picture(map.url).then(greyOf);
    this.heats.set(map.url, found);
    return found;
  }

  /** The value drawn hottest. @param {HeatMap} map */
  scale(map) {
    if (!this.isSideBySide || !input("#common-scale").checked) return map.peak;
    return Math.max(...[0, 1].map((pane) => this.mapOf(pane)?.peak ?? 0));
  }

  /** @param {HeatMap} map */
  dimmed(map) {
    const scale = this.scale(map);
    return scale > 0 ? Math.max(0, map.peak) / scale : 0;
  }

  /**
   * Legend of a view, and its picture in words.
   * @param {number} pane @param {HeatMap | null} map
   */
  label(pane, map) {
    const figure = /** @type {HTMLElement} */ (this.viewer.panes[pane].parentElement);
    const legend = one(".legend", figure);
    legend.hidden = !this.viewer.film || (!map && !this.isSideBySide);
    one(".layer", legend).textContent = map ? described(map) : "Film alone";
    one(".scale", legend).hidden = !map || map.peak <= 0;
    const film = this.viewer.film ? "The film" : "No film";
    const alt = map ? `The film under heat: ${described(map)}` : film;
    this.viewer.panes[pane].setAttribute("aria-label", alt);
    if (!map) return;
    const unit = words.shown(map.unit);
    one(".peak", legend).textContent = `${words.significant(this.scale(map))} ${unit}`;
    const ramp = /** @type {HTMLCanvasElement} */ (one(".scale canvas", legend));
    drawRamp(ramp, input("#opacity").valueAsNumber / 100, 1);
  }

  /** What the heat is of, and what it does not say. */
  said() {
    const shown = this.isSideBySide ? [0, 1] : [0];
    const map = this.choices.length && shown.map((pane) => this.mapOf(pane)).find(Boolean);
    if (!map) return ["The film is shown bare until you ask for heat."];
    const label = `“${words.shown(map.label)}”`;
    if (map.peak <= 0) return [`It found nothing in this film that speaks for ${label}.`];
    const said = [`Heat shows what spoke for ${label}, coarsely; it does not outline disease.`];
    if (this.entry?.reading?.heatmap.rectified === false) {
      said.push("Heat against the label is not drawn here.");
    }
    return said;
  }
}

/** @param {HeatMap} map */
function described(map) {
  const network = networkSaid(map.network).toLowerCase();
  return `${words.shown(map.label)}, ${network}, ${words.shown(map.method)}`;
}

/** @param {string} network */
function networkSaid(network) {
  if (network === NONE) return "None, film alone";
  if (network === "mean") return "Mean of networks";
  const fold = /^fold-(\d+)$/.exec(network);
  return fold ? `Network of fold ${fold[1]}` : words.shown(network);
}
