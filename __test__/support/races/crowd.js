// What the races share: an Auth that lets the set-up of a race through a store that waits for a crowd, and crowds.
'use strict';

const { createAuth } = require('latchgate');
const { listen } = require('../app.js');
const { SECRET } = require('../jwt.js');

/** @typedef {import('latchgate').Auth} Auth */

/** How many operations the store waits for before it carries out any. @param {string} store */
const gateOf = (store) => Number(store.split('?gate=')[1] ?? 0);

/**
 * @param {string} store
 * @param {import('latchgate').AuthOptions} [options]
 */
const open = (store, options = {}) => createAuth({ store, jwt: { secret: SECRET }, ...options });

/**
 * One operation alone. A store that waits for a crowd gets one, of operations that touch nobody.
 * @template T
 * @param {Auth} auth
 * @param {string} store
 * @param {() => Promise<T>} operation
 * @returns {Promise<T>}
 */
async function alone(auth, store, operation) {
  const result = operation();
  const others = Array.from({ length: Math.max(0, gateOf(store) - 1) }, () => auth.ready());
  await Promise.all(others);
  return result;
}

/**
 * @template T
 * @param {number} count
 * @param {(index: number) => Promise<T>} operation
 * @returns {Promise<T[]>}
 */
const all = (count, operation) => Promise.all(Array.from({ length: count }, (_, index) => operation(index)));

/**
 * The same, with one more operation in the middle of the crowd.
 * @template T, U
 * @param {number} count
 * @param {(index: number) => Promise<T>} operation
 * @param {() => Promise<U>} intruder
 * @returns {Promise<{ results: T[], intruded: U }>}
 */
async function around(count, operation, intruder) {
  const middle = Math.floor(count / 2);
  /** @type {Promise<U> | undefined} */
  let intruding;
  const results = await all(count, (index) => {
    if (index === middle) intruding = intruder();
    return operation(index);
  });
  return { results, intruded: await /** @type {Promise<U>} */ (intruding) };
}

/**
 * Runs something against an Express app, and takes the app down afterwards.
 * @template T
 * @param {any} express
 * @param {(app: any) => void} build
 * @param {(port: number) => Promise<T>} run
 * @returns {Promise<T>}
 */
async function onSite(express, build, run) {
  const app = express();
  build(app);
  const { port, close } = await listen(app);
  try {
    return await run(port);
  } finally {
    await close();
  }
}

/** @param {Array<{ status: number }>} answers @param {number} status */
const countOf = (answers, status) => answers.filter((answer) => answer.status === status).length;

module.exports = { all, alone, around, countOf, onSite, open };
