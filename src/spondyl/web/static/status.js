/**
 * The lines below the film, and what stands in its place while it is not there.
 */

import { nextPoint } from "./measures.js";

/** What a drag or press does now. @param {import("./room.js").Room} room */
export function taskSaid(room) {
  if (room.tool === "window") return "Drag: right is wider, up is brighter.";
  if (room.tool !== "move") return nextPoint(room.tool, room.measures.unfinished);
  if (room.spine.isEdited) {
    const { chosen } = room.spine;
    const title = chosen === null ? "" : `${room.spine.title(chosen)}.`;
    return `Drag a corner, or [ and ] and arrows. ${title}`;
  }
  if (matchMedia("(pointer: coarse)").matches) return "Drag to move, two fingers to zoom.";
  return "Drag to move, wheel to zoom, right button for window and level.";
}

/** @param {import("./api.js").Entry} entry */
export function waitingSaid(entry) {
  if (entry.state === "failed") return "This film could not be read; see beside it why.";
  return "The film is shown here when it has been read.";
}
