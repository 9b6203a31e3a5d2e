'use strict';
// auth.quotas: quotas under keys of the caller's own, charged outside of any request.

const { RULE_NAMES, quotaRule, units } = require('../policy/quota-rule.js');
const { inputError } = require('../util/errors.js');
const { id, optionalId, token } = require('../util/input.js');
const { bare, known } = require('../util/names.js');

/**
 * @typedef {import('../runtime/native-store.js').Engine} Engine
 * @typedef {import('../../../index.js').Consumption} Consumption
 * @typedef {(gate: import('../binding.js').Gate) => import('../binding.js').Outcome | number} Question
 */

/** A charge of nothing only looks. */
const LOOK = 0;

class Quotas {
  #engine;
  /** The addon knows what receipts are sealed with. */
  #canSeal = false;
  /** The store was away meanwhile, and may have lost it. */
  #mayBeLost = false;
  /** @type {Promise<unknown> | undefined} */
  #asking;

  /** @param {Engine} engine */
  constructor(engine) {
    this.#engine = engine;
    engine.events.on('store-recovered', () => {
      this.#mayBeLost = true;
    });
  }

  /**
   * @param {string} key
   * @param {object} rule
   * @param {object} [options]
   * @returns {Promise<Consumption>}
   */
  async consume(key, rule, options = {}) {
    this.#engine.assertOpen();
    const { limit, windowMs, bucket } = checkedRule(rule);
    const { cost = 1, idempotencyKey } = known(options, ['cost', 'idempotencyKey'], '', inputError);
    const taken = units(cost, 'cost', inputError);
    const once = optionalId(idempotencyKey, 'idempotencyKey');
    const name = id(key, 'key');
    /** @type {Question} */
    const question = (gate) => gate.consume(name, limit, windowMs, bucket, taken, once);
    if (taken === LOOK) return this.#told(question);
    // The known key seals receipts. A store that has lost the key gets it again, and no caller waits for that.
    if (this.#canSeal && this.#mayBeLost) this.#askForKey().catch(() => {});
    return consumption(await this.#withKey(this.#canSeal, question));
  }

  /**
   * @param {string} key
   * @param {object} rule
   * @returns {Promise<Consumption>}
   */
  async peek(key, rule) {
    return this.#told((gate) => {
      const { limit, windowMs, bucket } = checkedRule(rule);
      return gate.consume(id(key, 'key'), limit, windowMs, bucket, LOOK);
    });
  }

  /**
   * @param {string} key
   * @returns {Promise<boolean>}
   */
  async reset(key) {
    const outcome = await this.#engine.ask((gate) => gate.resetQuota(id(key, 'key')));
    return outcome.flag === true;
  }

  /**
   * @param {string} key
   * @param {object} rule of a 'balance'
   * @param {number} more
   * @param {object} [options]
   * @returns {Promise<Consumption>}
   */
  async add(key, rule, more, options = {}) {
    return this.#told((gate) => {
      const { limit, windowMs } = checkedRule(rule);
      if (!Number.isNaN(windowMs)) throw inputError("rule must be a 'balance': other rules refill");
      const { idempotencyKey } = known(options, ['idempotencyKey'], '', inputError);
      const once = optionalId(idempotencyKey, 'idempotencyKey');
      return gate.addUnits(id(key, 'key'), limit, units(more, 'units', inputError, 1), once);
    });
  }

  /**
   * @param {string} receipt
   * @returns {Promise<boolean>}
   */
  async refund(receipt) {
    this.#engine.assertOpen();
    const text = token(receipt, 'receipt');
    const isThere = this.#canSeal && !this.#mayBeLost;
    const outcome = await this.#withKey(isThere, (gate) => gate.refund(text));
    return outcome.flag === true;
  }

  /**
   * @param {boolean} isThere whether the key of receipts is known; else the first caller that needs it fetches it once
   * @param {Question} question
   */
  async #withKey(isThere, question) {
    const engine = this.#engine;
    if (isThere) return engine.ask(question);
    return engine.whole(async () => {
      await this.#askForKey();
      return engine.goOn(question);
    });
  }

  async #askForKey() {
    this.#asking ??= this.#engine.goOn((gate) => gate.receiptKey());
    try {
      await this.#asking;
      this.#canSeal = true;
      this.#mayBeLost = false;
    } finally {
      this.#asking = undefined;
    }
  }

  /** @param {Question} question */
  async #told(question) {
    return consumption(await this.#engine.ask(question));
  }
}

/** @param {unknown} rule */
function checkedRule(rule) {
  return quotaRule(known(rule, RULE_NAMES, 'rule', inputError), 'rule', inputError);
}

/** @param {import('../binding.js').Outcome} outcome */
function consumption(outcome) {
  return told(/** @type {import('../binding.js').NativeConsumption} */ (outcome.consumption));
}

/**
 * @param {import('../binding.js').NativeConsumption} native
 * @returns {Consumption}
 */
function told(native) {
  const { allowed, limit, remaining, resetAt, retryAfterMs, receipt, replayed } = bare(native);
  /** @type {Consumption} */
  const said = {
    allowed,
    limit,
    remaining,
    resetAt: resetAt ?? null,
    retryAfterMs: retryAfterMs ?? null,
  };
  if (receipt !== undefined && receipt !== null) said.receipt = receipt;
  if (replayed) said.replayed = true;
  return said;
}

exports.Quotas = Quotas;
exports.told = told;
