'use strict';
// auth.once() and auth.onceRelease(): a key that one caller gets, across every process.

const { YEAR, duration } = require('../util/duration.js');
const { inputError } = require('../util/errors.js');
const { id, optionalId } = require('../util/input.js');
const { known } = require('../util/names.js');

/** @typedef {import('../runtime/native-store.js').Engine} Engine */

/**
 * @param {Engine} engine
 * @param {unknown} key
 * @param {unknown} options
 * @returns {Promise<boolean>}
 */
async function once(engine, key, options) {
  const { flag } = await engine.ask((gate) => {
    const { ttl, by } = known(options, ['ttl', 'by'], '', inputError);
    const ttlMs = ttl === undefined ? NaN : duration(ttl, 'ttl', { min: 1, max: 10 * YEAR }, inputError);
    return gate.once(id(key, 'key'), optionalId(by, 'by'), ttlMs);
  });
  return flag === true;
}

/**
 * @param {Engine} engine
 * @param {unknown} key
 * @param {unknown} by
 * @returns {Promise<boolean>}
 */
async function onceRelease(engine, key, by) {
  const { flag } = await engine.ask((gate) => gate.onceRelease(id(key, 'key'), id(by, 'by')));
  return flag === true;
}

module.exports = { once, onceRelease };
