'use strict';
// auth.on() and auth.off(). An exception of a listener changes no answer and ends no process.

const { asError, configError, inputError } = require('../util/errors.js');
const { isThenable } = require('../util/input.js');
const { warnListener } = require('../util/warnings.js');

/**
 * @typedef {(event: object) => unknown} Listener
 */

const NAMES = ['denied', 'admitted', 'evicted', 'revoked', 'lock-lost', 'store-error', 'store-recovered'];

/** Events of decisions in mode 'observe' carry a mark, because the app does not enforce them. */
const OF_A_TRIAL = ['denied', 'admitted', 'evicted'];

class Events {
  #observe;
  #caught;
  /** @type {Map<string, Listener[]>} */
  #listeners = new Map(NAMES.map((name) => [name, []]));

  /**
   * @param {boolean} observe nothing is denied
   * @param {() => void} count is called for each throw of a listener
   */
  constructor(observe, count) {
    this.#observe = observe;
    this.#caught = (/** @type {unknown} */ error) => {
      count();
      warnListener(asError(error));
    };
  }

  /**
   * @param {unknown} event
   * @param {unknown} listener
   */
  on(event, listener) {
    this.#of(event).push(asListener(listener));
  }

  /**
   * @param {unknown} event
   * @param {unknown} listener
   */
  off(event, listener) {
    const listeners = this.#of(event);
    const at = listeners.lastIndexOf(asListener(listener));
    if (at !== -1) listeners.splice(at, 1);
  }

  /** @param {string} name @returns {boolean} whether there is a listener; without one no event is created */
  has(name) {
    return this.#listeners.get(name)?.length !== 0;
  }

  /** @param {{ type: string } & Record<string, unknown>} event */
  emit(event) {
    const isTrial = this.#observe && OF_A_TRIAL.includes(event.type);
    const told = Object.freeze(isTrial ? { ...event, observed: true } : { ...event });
    for (const listener of [...(this.#listeners.get(event.type) ?? [])]) tell(listener, told, this.#caught);
  }

  /**
   * @param {unknown} event
   * @returns {Listener[]}
   */
  #of(event) {
    const listeners = this.#listeners.get(/** @type {string} */ (event));
    if (listeners !== undefined) return listeners;
    throw configError(`the event must be one of ${NAMES.join(', ')}`);
  }
}

/**
 * @param {unknown} listener
 * @returns {Listener}
 */
function asListener(listener) {
  if (typeof listener !== 'function') throw inputError('listener must be a function');
  return /** @type {Listener} */ (listener);
}

/**
 * @param {Listener} listener
 * @param {object} event
 * @param {(error: unknown) => void} caught
 */
function tell(listener, event, caught) {
  try {
    const result = listener(event);
    if (isThenable(result)) /** @type {PromiseLike<unknown>} */ (result).then(undefined, caught);
  } catch (error) {
    caught(error);
  }
}

exports.Events = Events;
