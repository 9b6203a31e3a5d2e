'use strict';
// auth.on() and auth.off(). A listener is a bystander: whatever it throws changes no answer and ends no process.

const { asError, configError, inputError, unbuiltError } = require('./errors.js');
const { isThenable } = require('./input.js');

/**
 * @typedef {{ type: string, message?: string, key?: string, fence?: number }} Told
 * @typedef {(event: object) => unknown} Listener
 */

const BUILT = ['store-error', 'store-recovered', 'lock-lost'];
const UNBUILT = ['denied', 'admitted', 'evicted', 'revoked'];

class Events {
  /** @type {Map<string, Listener[]>} */
  #listeners = new Map(BUILT.map((name) => [name, []]));

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

  /** @param {Told} event */
  emit(event) {
    const told = Object.freeze({ ...event });
    for (const listener of [...(this.#listeners.get(event.type) ?? [])]) tell(listener, told);
  }

  /**
   * @param {unknown} event
   * @returns {Listener[]}
   */
  #of(event) {
    const listeners = this.#listeners.get(/** @type {string} */ (event));
    if (listeners !== undefined) return listeners;
    if (UNBUILT.includes(/** @type {string} */ (event))) throw unbuiltError(`the event '${event}'`);
    throw configError(`the event must be one of ${BUILT.join(', ')}`);
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
 */
function tell(listener, event) {
  try {
    const result = listener(event);
    if (isThenable(result)) /** @type {PromiseLike<unknown>} */ (result).then(undefined, warn);
  } catch (error) {
    warn(error);
  }
}

/** @param {unknown} error */
function warn(error) {
  const { name, message, stack } = asError(error);
  process.emitWarning(`a listener threw ${name}: ${message}`, {
    type: 'LatchgateWarning',
    code: 'LATCHGATE_LISTENER',
    detail: stack,
  });
}

exports.Events = Events;
