/**
 * The reading room's keys in one table, from which both the page listens and the help is made.
 */

/** @typedef {import("./shortcuts.js").Key} Key */

/** Keys as `KeyboardEvent.key` has them; "Shift+" where a letter needs it. */
export const GROUPS = /** @type {Record<string, Key[]>} */ ({
  Films: [
    { keys: ["u"], does: "chooseFiles", title: "Choose films" },
    { keys: [".", "PageDown"], does: "nextFilm", title: "Next film" },
    { keys: [",", "PageUp"], does: "previousFilm", title: "Previous film" },
    { keys: ["m"], does: "modelCard", title: "Model card" },
    { keys: ["Shift+M"], does: "audit", title: "Audit of the bundle" },
    { keys: ["?"], does: "help", title: "This help" },
  ],
  View: [
    { keys: ["+", "="], does: "zoomIn", title: "Zoom in" },
    { keys: ["-"], does: "zoomOut", title: "Zoom out" },
    { keys: ["f", "0"], does: "fit", title: "Whole film" },
    { keys: ["1"], does: "actualSize", title: "Actual size, pixel to pixel" },
    { keys: ["w"], does: "windowNarrower", title: "Narrower window, more contrast" },
    { keys: ["Shift+W"], does: "windowWider", title: "Wider window" },
    { keys: ["l"], does: "levelDown", title: "Lower level, brighter" },
    { keys: ["Shift+L"], does: "levelUp", title: "Higher level, darker" },
    { keys: ["i"], does: "invert", title: "Invert" },
    { keys: ["r"], does: "reset", title: "Reset view, window and level" },
  ],
  Heat: [
    { keys: ["h"], does: "heat", title: "Heat on or off" },
    { keys: ["n"], does: "nextNetwork", title: "Next network" },
    { keys: ["b"], does: "nextLabel", title: "Next label" },
    { keys: ["t"], does: "nextMethod", title: "Next method" },
    { keys: ["o"], does: "opacityDown", title: "Less opaque" },
    { keys: ["Shift+O"], does: "opacityUp", title: "More opaque" },
    { keys: ["c"], does: "contours", title: "Contour lines on or off" },
    { keys: ["s"], does: "sideBySide", title: "Side by side" },
  ],
  Measuring: [
    { keys: ["d"], does: "distance", title: "Distance" },
    { keys: ["a"], does: "angle", title: "Angle" },
    { keys: ["k"], does: "cobb", title: "Cobb angle by two lines" },
    { keys: ["p"], does: "slip", title: "Slip by four points" },
    { keys: ["Escape"], does: "stop", title: "Drop what is begun, back to moving" },
    { keys: ["Delete", "Backspace"], does: "removeMeasure", title: "Remove the last measure" },
  ],
  "Spine finder": [
    { keys: ["v"], does: "spineLines", title: "Lines on or off" },
    { keys: ["e"], does: "editCorners", title: "Correct corners, on or off" },
    { keys: ["]"], does: "nextCorner", title: "Next corner" },
    { keys: ["["], does: "previousCorner", title: "Previous corner" },
    { keys: ["Shift+S"], does: "saveCorners", title: "Save corrections" },
  ],
});

/** Only while the film has the focus; handled where the arrows are. */
export const ON_FILM = [
  { keys: ["Arrows"], title: "Move the film, the crosshair or the chosen corner" },
  { keys: ["Enter"], title: "Set a point at the crosshair" },
];
