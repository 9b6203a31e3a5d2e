'use strict';
// auth.locks: one at a time per key. Keys never meet users' own turns.

const { DEFAULTS, lockOptions } = require('../options/lock-options.js');
const { closedError, inputError } = require('../util/errors.js');
const { id } = require('../util/input.js');
const { runExclusive } = require('./critical-section.js');
const { AcquiredLease } = require('./lease.js');
const { KIND, place } = require('./turns.js');

/** @typedef {import('../runtime/native-store.js').Engine} Engine */

class Locks {
  #engine;

  /** @param {Engine} engine */
  constructor(engine) {
    this.#engine = engine;
  }

  /**
   * @template T
   * @param {string} key
   * @param {(lease: import('./lease.js').Lease) => Promise<T> | T} fn
   * @param {object} [options] LockOptions
   * @returns {Promise<T>}
   */
  async runExclusive(key, fn, options) {
    const engine = this.#engine;
    engine.assertOpen();
    const at = place(KIND.lock, id(key, 'key'));
    return runExclusive(engine, at, work(fn), settingsOf(options));
  }

  /**
   * @param {string} key
   * @param {object} [options] LockOptions
   * @returns {Promise<AcquiredLease>}
   */
  async acquire(key, options) {
    const engine = this.#engine;
    engine.assertOpen();
    const at = place(KIND.lock, id(key, 'key'));
    const hold = await engine.turns.enter(at, settingsOf(options)).promise;
    if (engine.closed) {
      // It came while close() began, which waits for it and would refuse its release.
      hold.release().catch(() => {});
      throw closedError();
    }
    return new AcquiredLease(hold, () => !engine.closed);
  }
}

/** @param {unknown} options */
function settingsOf(options) {
  return options === undefined ? DEFAULTS : lockOptions(options, inputError);
}

/**
 * @template {Function} F
 * @param {F} fn
 * @returns {F}
 */
function work(fn) {
  if (typeof fn !== 'function') throw inputError('fn must be a function');
  return fn;
}

module.exports = { Locks, settingsOf, work };
