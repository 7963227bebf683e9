/**
 * The survey's keys, and what each key and button does.
 */

import { showHelp } from "./dialogs.js";
import { say } from "./dom.js";

/** @typedef {import("./shortcuts.js").Groups} Groups */

const ZOOM_STEP = 1.25;
const GREY_STEP = 10;

/** @type {Groups} */
const WAYS = {
  "The survey": [
    { keys: ["n"], does: "next", title: "Next page" },
    { keys: ["b"], does: "back", title: "Page before" },
    { keys: ["?"], does: "help", title: "This help" },
  ],
  "The film": [
    { keys: ["h"], does: "heat", title: "Heat on or off; while it is held, the other" },
    { keys: ["+", "="], does: "zoomIn", title: "Zoom in" },
    { keys: ["-"], does: "zoomOut", title: "Zoom out" },
    { keys: ["f", "0"], does: "fit", title: "Whole film" },
    { keys: ["a"], does: "actualSize", title: "Actual size, pixel to pixel" },
    { keys: ["w"], does: "windowNarrower", title: "Narrower window, more contrast" },
    { keys: ["Shift+W"], does: "windowWider", title: "Wider window" },
    { keys: ["l"], does: "levelDown", title: "Lower level, brighter" },
    { keys: ["Shift+L"], does: "levelUp", title: "Higher level, darker" },
    { keys: ["i"], does: "invert", title: "Invert" },
    { keys: ["r"], does: "reset", title: "Reset view, window and level" },
  ],
};

/** Listened to. @type {Groups} */
export const GROUPS = {
  ...WAYS,
  Numbers: [{ keys: [..."123456789"], does: "choose", title: "Choose" }],
};

/** For the help. */
export const SHOWN = {
  Answering: [
    { keys: ["1 … 9"], title: "Choose that option of the marked question" },
    { keys: ["Enter"], title: "On to the next question (in a text Ctrl+Enter)" },
    { keys: ["Tab"], title: "On to the next control" },
  ],
  ...WAYS,
  "On the film": [{ keys: ["Arrows"], title: "Move it, with Shift further" }],
};

/**
 * @param {import("./survey.js").Survey} survey
 * @returns {Record<string, (event?: KeyboardEvent) => void>}
 */
export function actionsOf(survey) {
  const { stage, form } = survey;
  const { viewer } = stage;
  const grey = (/** @type {number} */ width, /** @type {number} */ level) => {
    const now = viewer.window;
    viewer.setWindow({ ...now, width: now.width + width, level: now.level + level });
    say(`Window ${Math.round(viewer.window.width)}, level ${Math.round(viewer.window.level)}.`);
  };
  return {
    next: (event) => event?.repeat || survey.next(),
    back: (event) => event?.repeat || survey.back(),
    choose: (event) => form.choose(Number(event?.key)),
    heat: (event) => event?.repeat || stage.press(),
    help: showHelp,
    zoomIn: () => viewer.zoom(ZOOM_STEP),
    zoomOut: () => viewer.zoom(1 / ZOOM_STEP),
    fit: () => viewer.fit(),
    actualSize: () => viewer.actualSize(),
    windowNarrower: () => grey(-GREY_STEP, 0),
    windowWider: () => grey(GREY_STEP, 0),
    levelDown: () => grey(0, -GREY_STEP),
    levelUp: () => grey(0, GREY_STEP),
    invert: () => viewer.setWindow({ ...viewer.window, inverted: !viewer.window.inverted }),
    reset: () => stage.reset(),
  };
}
