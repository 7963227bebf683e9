/**
 * A reading in sentences for people who are no statisticians: those of `spondyl.reading.words`.
 *
 * The terminal, the sheet and this page must say the same of the same film, so a test compares
 * sentence by sentence. Whatever steers or turns the writing is taken out of names and labels.
 */

/** @typedef {import("./api.js").Reading} Reading */
/** @typedef {import("./api.js").Measurement} Measurement */
/** @typedef {import("./curves.js").Curve} Curve */

export const NO_ANSWER = "No answer";
/** The sheet moves its lines to the end plates; these stay where the mid-lines are. */
export const LINES =
  "Lines are the mid-lines of each curve's end vertebrae; the angle is between them.";
export const SIDES =
  "Right and left are the patient's, if the film shows the patient face to face.";

const STEERING = /[\p{Cc}\p{Cs}\u202A-\u202E\u2066-\u2069]/gu;

/** Label and probability, or "No answer". @param {Reading} reading */
export function answer(reading) {
  if (reading.answer === null) return NO_ANSWER;
  return `${shown(reading.answer)}, ${share(reading.probabilities[reading.answer])}`;
}

/** Why there is no answer, a sentence each. @param {Reading} reading */
export function doubts(reading) {
  return reading.doubts.map((doubt) => sentence(doubt.why));
}

/** Which labels cannot be ruled out, and how often such lists hold. @param {Reading} reading */
export function labelSet(reading) {
  const found = reading.label_set;
  if (found === null) return [];
  const all = found.labels.length === Object.keys(reading.probabilities).length;
  let which = `Cannot be ruled out: ${found.labels.map(shown).join(", ")}.`;
  if (!found.labels.length) which = "Such a film would be unusual under every label.";
  else if (all) which = "No label can be ruled out.";
  const held = ofHundred(1 - found.alpha);
  return [
    which,
    `Lists made so are meant to hold the true label of ${held} films like the training films.`,
  ];
}

/** Whether the networks agree, and which had learned from the film. @param {Reading} reading */
export function votes(reading) {
  const called = Object.entries(reading.votes);
  const learned = reading.learned_from_this_film;
  const said = [agreement(reading.networks.length, called)];
  if (!learned.length) return said;
  if (reading.networks.some((one) => learned.includes(one.fold))) {
    return [...said, "They learned from this very film, so this may be memory."];
  }
  const leftOut = `${learned.length} network${learned.length > 1 ? "s" : ""}`;
  return [...said, `${leftOut} had learned from this very film and did not answer.`];
}

/** @param {number} number @param {[string, number][]} called */
function agreement(number, called) {
  const first = shown(called[0][0]);
  if (number === 1) {
    return `One network was asked, so there is no second opinion; it says ${first}.`;
  }
  const all = number === 2 ? "Both" : `All ${number}`;
  if (called.length === 1) return `${all} networks say ${first}.`;
  const parties = called.map(([label, n]) => `${n} ${shown(label)}`).join(", ");
  return `The ${number} networks do not agree: ${parties}.`;
}

/** The curves, or why there are no angles. @param {Measurement | null} measurement */
export function measured(measurement) {
  if (measurement === null) return [];
  if (measurement.cobb_deg === null) {
    return [`Not measured: ${sentence(measurement.refusal ?? "no reason stated", false)}`];
  }
  if (measurement.curves.length) return [...measurement.curves.map(curve), ...note(measurement)];
  const interval = measurement.cobb_interval_deg ? measurement.cobb_interval_deg[0] : null;
  return [straight(measurement.cobb_deg[0], interval), ...note(measurement)];
}

/** @param {number} angle @param {[number, number] | null} interval */
export function straight(angle, interval) {
  const largest = degrees(angle, interval);
  return `No curve of 10° or more; the largest angle between two vertebrae is ${largest}.`;
}

/** @param {Curve} one */
export function curve(one) {
  const edge = one.at_edge ? ", at least: it may go on beyond what was found" : "";
  const side = one.side[0].toUpperCase() + one.side.slice(1);
  const angle = degrees(one.cobb_deg, one.interval_deg);
  return (
    `${side} ${one.region} curve, ${one.upper} to ${one.lower}, apex ${one.apex}: ` +
    `Cobb angle ${angle}${edge}.`
  );
}

/** What the intervals of the angles mean. @param {Measurement} measurement */
function note(measurement) {
  if (measurement.interval_level === null) return [];
  const held = ofHundred(measurement.interval_level);
  return [`Intervals in brackets are meant to hold the angle of ${held} films.`];
}

/** A probability in whole per cent, never 0 and never 100. @param {number} probability */
export function share(probability) {
  if (!Number.isFinite(probability)) return "undefined";
  const whole = even(100 * probability);
  if (whole >= 100) return "over 99 %";
  return whole <= 0 ? "under 1 %" : `${whole} %`;
}

/** @param {number} angle @param {[number, number] | null} interval */
export function degrees(angle, interval = null) {
  return interval === null
    ? `${even(angle)}°`
    : `${even(angle)}° (${even(interval[0])} to ${even(interval[1])}°)`;
}

/** `text` with a stop last and, if asked, a capital first. */
export function sentence(/** @type {string} */ text, capital = true) {
  const said = shown(text);
  const begun = capital ? said.slice(0, 1).toUpperCase() + said.slice(1) : said;
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}

/** `text` on one line, with a mark for each sign that steers or turns. @param {string} text */
export function shown(text) {
  return text.split(/\s+/u).filter(Boolean).join(" ").replace(STEERING, "\ufffd");
}

/** Three significant figures, as Python's ".3g" writes them. @param {number} value */
export function significant(value) {
  if (value === 0) return "0";
  const power = Math.floor(Math.log10(Math.abs(Number(value.toExponential(2)))));
  if (power >= -4 && power < 3) return String(Number(value.toPrecision(3)));
  const [digits, exponent] = value.toExponential(2).split("e");
  const sign = exponent[0] === "-" ? "-" : "+";
  return `${Number(digits)}e${sign}${exponent.replace(/^[+-]/, "").padStart(2, "0")}`;
}

/** @param {number} rate */
function ofHundred(rate) {
  return `${significant(100 * rate)} of 100`;
}

/** The nearest whole number, the even one of two, as Python rounds. @param {number} value */
function even(value) {
  const low = Math.floor(value);
  if (value - low !== 0.5) return Math.round(value);
  return low % 2 === 0 ? low : low + 1;
}
