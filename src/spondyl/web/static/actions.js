/**
 * What each key and button does, by the name that the table of keys and the page's markup give it.
 */

import { input, one, say } from "./dom.js";
import { showHelp } from "./dialogs.js";
import { FULL } from "./film.js";

const ZOOM_STEP = 1.25;
const GREY_STEP = 10;

/**
 * @param {import("./room.js").Room} room
 * @returns {Record<string, () => void>}
 */
export function actionsOf(room) {
  const { viewer, layers, films, spine } = room;
  const grey = (/** @type {number} */ width, /** @type {number} */ level) => {
    const now = viewer.window;
    viewer.setWindow({ ...now, width: now.width + width, level: now.level + level });
    say(`Window ${Math.round(viewer.window.width)}, level ${Math.round(viewer.window.level)}.`);
  };
  return {
    chooseFiles: () => input("#files").click(),
    nextFilm: () => films.step(1),
    previousFilm: () => films.step(-1),
    modelCard: () => one("#card").click(),
    audit: () => {
      const link = document.querySelector("#audit");
      if (link instanceof HTMLElement) link.click();
      else say("No audit was given to this server.");
    },
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
    reset: () => {
      viewer.setWindow(FULL);
      viewer.fit();
    },
    heat: () => layers.toggle(),
    nextNetwork: () => layers.next("network"),
    nextLabel: () => layers.next("label"),
    nextMethod: () => layers.next("method"),
    opacityDown: () => layers.fade(-10),
    opacityUp: () => layers.fade(10),
    contours: () => layers.toggleContours(),
    sideBySide: () => layers.toggleSideBySide(),
    distance: () => room.take("distance"),
    angle: () => room.take("angle"),
    cobb: () => room.take("cobb"),
    slip: () => room.take("slip"),
    stop: () => room.stop(),
    removeMeasure: () => room.removeMeasure(),
    spineLines: () => spine.toggle(),
    editCorners: () => spine.toggleEditing(),
    nextCorner: () => spine.isEdited && say(spine.choose(1)),
    previousCorner: () => spine.isEdited && say(spine.choose(-1)),
    saveCorners: () => room.saveCorners(),
    undoCorners: () => {
      spine.undo();
      one("#saved").textContent = "";
    },
  };
}
