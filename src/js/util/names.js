'use strict';
// Reads an options object. Refuses unknown names, and proposes the name that was probably meant. Refuses null and
// undefined values: an environment variable that is not set must not remove a check.

/**
 * Exceptions to the rules of one options object.
 * @typedef {object} Exceptions
 * @property {ReadonlyMap<string, string>} [elsewhere] names that belong to another place, with that place
 * @property {readonly string[]} [nullable] names for which null has a meaning
 * @property {readonly string[]} [absent] names for which undefined means that nothing was given
 */

/** @type {ReadonlyMap<string, string>} */
const NOWHERE = new Map();
/** @type {readonly string[]} */
const NONE = [];

/**
 * A copy of the options that were given, without prototype: what is polluted or changed later cannot reach it.
 * @param {unknown} options
 * @param {readonly string[]} names that are known
 * @param {string} path of this object, '' for the outermost
 * @param {(message: string, cause?: unknown) => Error} fail
 * @param {Exceptions} [exceptions]
 * @returns {Record<string, any>}
 */
function known(options, names, path, fail, { elsewhere = NOWHERE, nullable = NONE, absent = NONE } = {}) {
  const own = Object.create(null);
  for (const [name, value] of entries(options, path === '' ? 'options' : path, fail)) {
    if (!names.includes(name)) throw fail(unknown(name, names, path, elsewhere));
    if (value === undefined && absent.includes(name)) continue;
    const whole = path === '' ? name : `${path}.${name}`;
    if (value === null && !nullable.includes(name)) throw fail(`${whole} must not be null: leave it out`);
    own[name] = defined(value, whole, fail);
  }
  return own;
}

/**
 * Refuses a property that is present but undefined. The rule for every option.
 * @template T
 * @param {T | undefined} value
 * @param {string} name
 * @param {(message: string) => Error} fail
 * @returns {T}
 */
function defined(value, name, fail) {
  if (value !== undefined) return value;
  throw fail(
    `${name} must not be undefined: leave it out, or set the environment variable that it is read from`,
  );
}

/**
 * @param {unknown} options
 * @param {string} what
 * @param {(message: string, cause?: unknown) => Error} fail
 * @returns {Array<[string, unknown]>}
 */
function entries(options, what, fail) {
  let fault = 'must be an object';
  try {
    if (typeof options === 'object' && options !== null && !Array.isArray(options)) {
      if (isPlain(options)) return Object.entries(options);
      // A member of a prototype, or a getter of a class, would be ignored silently.
      fault = 'must be a plain object';
    }
  } catch (cause) {
    throw fail(`${what} cannot be read: a getter or a proxy has thrown`, cause);
  }
  throw fail(`${what} ${fault}`);
}

/**
 * Copies an object of the addon without prototype, so that a missing member is never found in a polluted prototype.
 * @template {object} T
 * @param {T} native
 * @returns {T}
 */
function bare(native) {
  return { __proto__: null, ...native };
}

/** @param {object} options */
function isPlain(options) {
  const prototype = Object.getPrototypeOf(options);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/**
 * @param {string} name
 * @param {readonly string[]} names
 * @param {string} path
 * @param {ReadonlyMap<string, string>} elsewhere
 */
function unknown(name, names, path, elsewhere) {
  const prefix = path === '' ? '' : `${path}.`;
  const told = `unknown option ${prefix}${JSON.stringify(name.slice(0, 64)).slice(1, -1)}`;
  const place = elsewhere.get(name);
  if (place !== undefined) return `${told}: did you mean ${place}?`;
  const near = nearest(name, names);
  return near === undefined
    ? `${told}: remove it; known are ${names.map((known) => prefix + known).join(', ')}`
    : `${told}: did you mean ${prefix}${near}?`;
}

/**
 * @param {string} name
 * @param {readonly string[]} names
 */
function nearest(name, names) {
  if (name.length > 64) return undefined;
  const [best] = names
    .map((candidate) => ({ candidate, distance: distance(name.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  return best.distance <= Math.max(1, Math.floor(best.candidate.length / 3)) ? best.candidate : undefined;
}

/**
 * Edit distance (Levenshtein), one row at a time.
 * @param {string} a
 * @param {string} b
 */
function distance(a, b) {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const above = row;
    row = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1;
      row.push(Math.min(above[j] + 1, row[j - 1] + 1, above[j - 1] + change));
    }
  }
  return row[b.length];
}

module.exports = { bare, defined, known };
