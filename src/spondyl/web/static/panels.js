/**
 * What stands beside the film of a person's own work: measures, the spine's lines, window, level.
 *
 * The panels show what is kept in `Measures`, `Spine` and `Viewer` and hold nothing themselves.
 */

import { button, input, made, one, paragraphs, press } from "./dom.js";
import { spacingSaid } from "./measures.js";
import * as words from "./words.js";

/**
 * @param {import("./measures.js").Measures} measures @param {string | null} spacingKind
 * @param {boolean} isFilm Whether there is a film at all.
 */
export function showMeasures(measures, spacingKind, isFilm) {
  const rows = measures.all.map((measure) => {
    const said = measures.sentence(measure);
    const removal = button("Remove", () => measures.remove(measure), {
      class: "quiet-button",
      "aria-label": `Remove ${said}`,
    });
    return made("li", {}, made("span", {}, said), removal);
  });
  const none = made("li", { class: "quiet" }, "None yet. Choose Distance, Angle, Cobb or Slip.");
  one("#measures ul").replaceChildren(...(rows.length ? rows : [none]));
  one("#spacing").textContent = isFilm ? spacingSaid(measures.spacing, spacingKind) : "";
}

/**
 * @param {import("./spine.js").Spine} spine
 * @param {import("./api.js").Measurement | null} measurement
 */
export function showSpine(spine, measurement) {
  one("#spine").hidden = measurement === null;
  one("#spine .content").replaceChildren(...paragraphs(spineSaid(spine, measurement)));
  one("#spine .buttons").hidden = !spine.isThere;
  press("[data-does=spineLines]", spine.isShown);
  press("[data-does=editCorners]", spine.isEdited);
  one("[data-does=saveCorners]").hidden = !spine.isUnsaved;
  one("[data-does=undoCorners]").hidden = !spine.isUnsaved;
  if (spine.isUnsaved) one("#saved").textContent = "Corrections are not saved yet.";
}

/**
 * @param {import("./spine.js").Spine} spine
 * @param {import("./api.js").Measurement | null} measurement
 */
function spineSaid(spine, measurement) {
  const explained = spine.isShown && spine.curves.length ? [words.LINES, words.SIDES] : [];
  if (!spine.isCorrected || !spine.isThere) return [...words.measured(measurement), ...explained];
  const found = spine.curves.map(words.curve);
  return [
    "Of corners that a person corrected:",
    ...(found.length ? found : [words.straight(spine.largestDegrees, null)]),
    ...explained,
  ];
}

/** @param {import("./film.js").Window} window */
export function showGrey({ width, level, inverted }) {
  const values = /** @type {[string, number][]} */ ([["width", width], ["level", level]]);
  for (const [name, value] of values) {
    input(`#window-${name}`).valueAsNumber = Math.round(value);
    one(`output[for=window-${name}]`).textContent = String(Math.round(value));
  }
  press("[data-does=invert]", inverted);
}
