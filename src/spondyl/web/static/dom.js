/**
 * Elements made of values: text is always text, so no name or label can ever become markup.
 */

/**
 * @param {string} selector @param {ParentNode} [within] @returns {HTMLElement} The one that must be
 * there.
 */
export function one(selector, within = document) {
  const found = within.querySelector(selector);
  if (!(found instanceof HTMLElement)) throw new Error(`the page has no ${selector}`);
  return found;
}

/** @param {string} selector @returns {HTMLInputElement} */
export function input(selector) {
  return /** @type {HTMLInputElement} */ (one(selector));
}

/**
 * A new element with attributes (false and null leave one out) and children.
 * @param {string} tag @param {Record<string, string | number | boolean | null>} [attributes]
 * @param {...(Node | string)} children
 */
export function made(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null) continue;
    element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children);
  return element;
}

/** A button that does something. @param {string} text @param {() => void} does */
export function button(text, does, /** @type {Record<string, string>} */ attributes = {}) {
  const element = made("button", { type: "button", ...attributes }, text);
  element.addEventListener("click", does);
  return element;
}

/** A paragraph for each sentence. @param {string[]} sentences @param {string} [kind] */
export function paragraphs(sentences, kind) {
  return sentences.map((said) => made("p", { class: kind ?? null }, said));
}

/** Says a sentence to who listens instead of looking. @param {string} sentence */
export function say(sentence) {
  one("#said").textContent = sentence;
}

/** @param {string} selector @param {boolean} isPressed */
export function press(selector, isPressed) {
  one(selector).setAttribute("aria-pressed", String(isPressed));
}
