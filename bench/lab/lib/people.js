'use strict';
// Who is there when a load begins: everybody has logged in, and some will lose their credential while they use it.

const { arrivals } = require('./random.js');

/** How many log in at the same time. */
const WIDTH = 16;

/**
 * @template T
 * @param {string[]} names
 * @param {(name: string) => Promise<T>} make
 * @returns {Promise<Map<string, T>>}
 */
async function each(names, make) {
  /** @type {Map<string, T>} */
  const made = new Map();
  const left = names.values();
  const worker = async () => {
    for (const name of left) made.set(name, await make(name));
  };
  await Promise.all(Array.from({ length: WIDTH }, worker));
  return made;
}

/** How many of so many are there. @param {number} count @param {import('./app.js').Load} load */
const crowdOf = (count, { crowd = 1 }) => Math.ceil(count * crowd);

/** @param {string} prefix @param {number} count */
const namesOf = (prefix, count) => Array.from({ length: count }, (_, at) => `${prefix}-${at + 1}`);

/**
 * A token for each.
 * @param {string[]} names
 * @param {import('./app.js').Load['ask']} ask
 * @returns {Promise<Map<string, string>>}
 */
const tokensOf = (names, ask) =>
  each(names, async (user) => (await ask({ path: '/login', body: { user } })).body.token);

/** Of all requests. */
const SHARE = 0.1;
/** Milliseconds between two requests of one, in the mean. */
const APART = 50;

/**
 * @typedef {object} Offender whose credential is ended in the midst of what they do
 * @property {string} name
 * @property {number[]} at when they ask
 * @property {number} ends when it is ended
 *
 * @param {string} prefix of their names
 * @param {import('./app.js').Load} load
 * @param {number} [stay] milliseconds for which one is there: the shorter, the more there are
 * @returns {{ offenders: Offender[], rate: number }} rate: what is left for everybody else
 */
function offendersOf(prefix, { rate, seconds, random }, stay = 1500) {
  const span = Math.min(stay, seconds * 700);
  const count = Math.max(2, Math.round((SHARE * rate * seconds * APART) / span));
  const offenders = namesOf(prefix, count).map((name) => {
    const from = random() * (seconds * 1000 - span);
    const at = arrivals(1000 / APART, span / 1000, random).map((each) => from + each);
    return { name, at, ends: from + span * (0.3 + 0.3 * random()) };
  });
  return { offenders, rate: rate * (1 - SHARE) };
}

module.exports = { crowdOf, each, namesOf, offendersOf, tokensOf };
