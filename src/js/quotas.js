'use strict';
// auth.quotas: quotas under keys of the caller's own, charged outside of any request.

const { inputError, unbuiltError } = require('./errors.js');
const { id } = require('./input.js');
const { known } = require('./names.js');
const { RULE_NAMES, quotaRule, units } = require('./quota-rule.js');

/**
 * @typedef {import('./engine.js').Engine} Engine
 * @typedef {import('../../index.js').Consumption} Consumption
 */

/** A charge of nothing only looks. */
const LOOK = 0;

class Quotas {
  #engine;

  /** @param {Engine} engine */
  constructor(engine) {
    this.#engine = engine;
  }

  /**
   * @param {string} key
   * @param {object} rule
   * @param {object} [options]
   * @returns {Promise<Consumption>}
   */
  async consume(key, rule, options = {}) {
    return this.#charge(key, rule, () => {
      const { cost = 1, idempotencyKey } = known(options, ['cost', 'idempotencyKey'], '', inputError);
      if (idempotencyKey !== undefined) throw unbuiltError('quotas.consume(): idempotencyKey');
      return units(cost, 'cost', inputError);
    });
  }

  /**
   * @param {string} key
   * @param {object} rule
   * @returns {Promise<Consumption>}
   */
  async peek(key, rule) {
    return this.#charge(key, rule, () => LOOK);
  }

  /**
   * @param {string} key
   * @returns {Promise<boolean>}
   */
  async reset(key) {
    const outcome = await this.#engine.ask((gate) => gate.resetQuota(id(key, 'key')));
    return outcome.flag === true;
  }

  /** @returns {Promise<never>} */
  async add() {
    throw unbuiltError('quotas.add()');
  }

  /** @returns {Promise<never>} */
  async refund() {
    throw unbuiltError('quotas.refund()');
  }

  /**
   * @param {unknown} key
   * @param {unknown} rule
   * @param {() => number} cost
   */
  async #charge(key, rule, cost) {
    const outcome = await this.#engine.ask((gate) => {
      const { limit, windowMs } = quotaRule(known(rule, RULE_NAMES, 'rule', inputError), 'rule', inputError);
      return gate.consume(id(key, 'key'), limit, windowMs, cost());
    });
    return consumption(/** @type {import('./binding.js').NativeConsumption} */ (outcome.consumption));
  }
}

/**
 * @param {import('./binding.js').NativeConsumption} native
 * @returns {Consumption}
 */
function consumption({ allowed, limit, remaining, resetAt, retryAfterMs }) {
  return { allowed, limit, remaining, resetAt: resetAt ?? null, retryAfterMs: retryAfterMs ?? null };
}

exports.Quotas = Quotas;
