'use strict';
// Work under a turn: the turn that the running code holds already, and the fate of its result if the lease is lost. Independent
// of requests.

const { AsyncLocalStorage } = require('node:async_hooks');
const { LatchgateError, inputError, busyError, leaseLostError } = require('../util/errors.js');
const { Lease } = require('./lease.js');

/**
 * @typedef {import('../runtime/native-store.js').Engine} Engine
 * @typedef {import('./lease.js').Hold} Hold
 * @typedef {import('../options/lock-options.js').Settings} Settings
 * @typedef {import('./turns.js').Place} Place
 * @typedef {import('./turns.js').Credential} Credential
 */

/** A turn that the running code holds, inside the turns that it took before. */
class Section {
  /**
   * @param {Engine} engine
   * @param {Hold} hold
   */
  constructor(engine, hold) {
    this.engine = engine;
    this.hold = hold;
    this.outer = stillHeld(running.getStore());
  }
}

/**
 * Removes released turns: work that starts its successor from inside must not keep all its former turns.
 * @param {Section | undefined} section
 * @returns {Section | undefined} the innermost section that is still held; released sections are dropped
 */
function stillHeld(section) {
  let innermost = section;
  while (innermost !== undefined && !innermost.hold.isHeld) innermost = innermost.outer;
  for (let each = innermost; each !== undefined; each = each.outer) {
    while (each.outer !== undefined && !each.outer.hold.isHeld) each.outer = each.outer.outer;
  }
  return innermost;
}

/** A turn that a request holds: sections of it run in it, one after the other. */
class RequestTurn extends Section {
  /** Settles when what runs in it by now is over. @type {Promise<unknown>} */
  #last = Promise.resolve();
  #isEnding = false;

  /**
   * Runs something when what runs already is over.
   * @template T
   * @param {Settings} settings
   * @param {() => Promise<T>} work
   * @returns {Promise<T>}
   */
  async inOrder(settings, work) {
    const before = this.#last;
    /** @type {(value?: unknown) => void} */
    let over = () => {};
    this.#last = Promise.all([before, new Promise((resolve) => (over = resolve))]);
    try {
      await inTime(before, settings);
      return await work();
    } finally {
      over();
    }
  }

  /** The request is answered: gives the turn up when nothing runs in it any more. */
  async end() {
    if (this.#isEnding) return;
    this.#isEnding = true;
    for (let last; last !== this.#last; ) {
      last = this.#last;
      await last;
    }
    await this.hold.release().catch(ignore);
  }
}

/** @type {AsyncLocalStorage<Section>} */
const running = new AsyncLocalStorage();

/**
 * @param {Engine} engine
 * @param {Place} at
 * @returns {Section | undefined} the innermost that holds this turn
 */
function enclosing(engine, { name }) {
  for (let each = running.getStore(); each !== undefined; each = each.outer) {
    const { hold } = each;
    if (each.engine === engine && hold.place.name === name && hold.isHeld) return each;
  }
  return undefined;
}

/**
 * @param {Promise<unknown>} before
 * @param {Settings} settings
 */
function inTime(before, { waitMs, signal }) {
  return new Promise((/** @type {(value: void) => void} */ resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const aborted = () => end(() => reject(signal?.reason));
    const timer = setTimeout(() => end(() => reject(busyError('no turn in time'))), waitMs);
    const end = (/** @type {() => void} */ settle) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', aborted);
      settle();
    };
    signal?.addEventListener('abort', aborted);
    before.then(() => end(resolve));
  });
}

/**
 * @template T
 * @param {Engine} engine
 * @param {Place} at
 * @param {(lease: Lease) => Promise<T> | T} fn
 * @param {Settings} settings
 * @param {Credential} [credential] that must be valid when the turn is granted
 * @param {RequestTurn} [own] of the request that asks
 * @returns {Promise<T>}
 */
async function runExclusive(engine, at, fn, settings, credential, own) {
  const around = enclosing(engine, at) ?? (own?.hold.isHeld ? own : undefined);
  if (around instanceof RequestTurn) return within(around, fn, settings, credential);
  if (around !== undefined) throw reentry();
  const hold = await engine.turns.enter(at, settings, credential).promise;
  const section = new Section(engine, hold);
  let result;
  try {
    result = await running.run(section, fn, new Lease(hold));
  } catch (error) {
    await hold.release().catch(ignore);
    throw error;
  }
  if (!(await released(hold)))
    throw leaseLostError('the work was not done within it, and its result is void');
  return result;
}

/**
 * Inside the turn of a request, which was granted to the same user. The credential is asked for again all the same.
 * @template T
 * @param {RequestTurn} turn
 * @param {(lease: Lease) => Promise<T> | T} fn
 * @param {Settings} settings
 * @param {Credential} [credential]
 * @returns {Promise<T>}
 */
function within(turn, fn, settings, credential) {
  const { engine, hold } = turn;
  return turn.inOrder(settings, async () => {
    if (credential !== undefined) await engine.assertStanding(hold.place.id, credential);
    if (!hold.isHeld) throw leaseLostError('it ended before the work began');
    const result = await running.run(new Section(engine, hold), fn, new Lease(hold));
    if (!hold.isHeld) throw leaseLostError('the work was not done within it, and its result is void');
    return result;
  });
}

/**
 * @param {Hold} hold
 * @returns {Promise<boolean>} whether it was held to the end, by the answer of the store, else by the clock
 */
async function released(hold) {
  try {
    return (await hold.release()) === true;
  } catch (error) {
    if (error instanceof LatchgateError) return true;
    throw error;
  }
}

function reentry() {
  return inputError(
    'this turn is held by the same asynchronous context already, and would wait for itself: use the lease at hand',
  );
}

function ignore() {}

module.exports = { RequestTurn, enclosing, reentry, runExclusive, running };
