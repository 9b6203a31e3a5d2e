'use strict';
// auth.counters: bounded counters of a user, all changed or none. The store checks the conditions of a change in the same step,
// including the credential of a request.

const { decisionIn } = require('../request/request-auth.js');
const { credentialOf } = require('../turns/holds.js');
const { inputError } = require('../util/errors.js');
const { id, optionalId } = require('../util/input.js');
const { known } = require('../util/names.js');

/**
 * @typedef {import('../runtime/native-store.js').Engine} Engine
 * @typedef {import('../binding.js').NativeApplied} NativeApplied
 * @typedef {{ name: string, numbers: [number, number, number] }} Change delta, least and most
 */

const BOUND_NAMES = ['min', 'max'];
const MAX_CHANGES = 64;
const MOST = Number.MAX_SAFE_INTEGER;
/** A change of nothing only looks. */
const LOOK = 0;

class Counters {
  #engine;

  /** @param {Engine} engine */
  constructor(engine) {
    this.#engine = engine;
  }

  /**
   * @param {string} userId
   * @param {string} name
   * @param {number} delta
   * @param {object} [options]
   * @returns {Promise<{ applied: boolean, value: number, replayed?: boolean }>}
   */
  async add(userId, name, delta, options = {}) {
    const outcome = await this.#engine.ask((gate) => {
      const own = known(options, [...BOUND_NAMES, 'idempotencyKey'], '', inputError);
      const { numbers } = change({ ...own, name, delta, __proto__: null }, '');
      const key = optionalId(own.idempotencyKey, 'idempotencyKey');
      return gate.apply(id(userId, 'userId'), [name], numbers, false, key);
    });
    const { values, ...told } = applied(outcome);
    return { applied: told.applied, value: values[0], ...replayed(told) };
  }

  /**
   * @param {string} userId
   * @param {Array<object>} changes
   * @param {object} [options]
   * @returns {Promise<{ applied: boolean, values: Record<string, number>, replayed?: boolean }>}
   */
  async apply(userId, changes, options = {}) {
    /** @type {Change[]} */
    let asked = [];
    const outcome = await this.#engine.ask((gate) => {
      const own = known(options, ['idempotencyKey', 'auth'], '', inputError);
      asked = changeList(changes);
      const names = asked.map(({ name }) => name);
      const numbers = asked.flatMap((each) => each.numbers);
      const key = optionalId(own.idempotencyKey, 'idempotencyKey');
      const by = own.auth === undefined ? {} : credential(own.auth, userId, this.#engine);
      return gate.apply(id(userId, 'userId'), names, numbers, true, key, by.token, by.key);
    });
    const { values, ...told } = applied(outcome);
    const byName = Object.fromEntries(asked.map(({ name }, index) => [name, values[index]]));
    return { applied: told.applied, values: byName, ...replayed(told) };
  }

  /**
   * @param {string} userId
   * @param {string} name
   * @returns {Promise<number>}
   */
  async get(userId, name) {
    const { value } = await this.add(userId, name, LOOK);
    return value;
  }
}

/**
 * In the order of their names, so that the same question has one form.
 * @param {unknown} changes
 * @returns {Change[]}
 */
function changeList(changes) {
  if (!Array.isArray(changes) || changes.length === 0 || changes.length > MAX_CHANGES) {
    throw inputError(`changes must be an array of 1 to ${MAX_CHANGES} changes`);
  }
  const list = Array.from(changes, (each, index) => {
    const path = `changes[${index}]`;
    return change(known(each, ['name', 'delta', ...BOUND_NAMES], path, inputError), `${path}.`);
  });
  if (new Set(list.map(({ name }) => name)).size < list.length) {
    throw inputError('changes must name each counter once: add up what belongs together');
  }
  return list.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * @param {Record<string, any>} own
 * @param {string} path
 * @returns {Change}
 */
function change({ name, delta, min = -MOST, max = MOST }, path) {
  const [least, most] = [integer(min, `${path}min`), integer(max, `${path}max`)];
  if (least > most) throw inputError(`${path}min must not be above ${path}max`);
  return { name: id(name, `${path}name`), numbers: [integer(delta, `${path}delta`), least, most] };
}

/**
 * @param {unknown} value
 * @param {string} name
 * @returns {number}
 */
function integer(value, name) {
  if (Number.isSafeInteger(value)) return /** @type {number} */ (value);
  throw inputError(`${name} must be an integer from -(2^53 - 1) to 2^53 - 1`);
}

/**
 * Returns the credential of a request, which the store checks again in its step: a token, an API key, or both.
 * @param {unknown} auth
 * @param {string} userId
 * @param {Engine} engine
 * @returns {import('../turns/turns.js').Credential}
 */
function credential(auth, userId, engine) {
  const decision = decisionIn(auth);
  if (decision?.engine !== engine) {
    throw inputError('auth must be what a middleware or authenticate() of this Auth has put on the request');
  }
  if (/** @type {import('../request/request-auth.js').RequestAuth} */ (auth).userId !== userId) {
    throw inputError('auth must be of the user whose counters are changed');
  }
  return credentialOf(decision);
}

/** @param {import('../binding.js').Outcome} outcome */
function applied(outcome) {
  return /** @type {NativeApplied} */ (outcome.applied);
}

/** @param {{ replayed: boolean }} told */
function replayed(told) {
  return told.replayed ? { replayed: true } : {};
}

exports.Counters = Counters;
