// The public contract of quotas: units are counted one by one, and answers are remembered next to them.
'use strict';

const { duration, instant, oneOf, text } = require('./expect.js');

/** @typedef {import('./expect.js').Span} Span */
/** @typedef {{ limit: number, window?: number, algorithm?: string }} Rule */
/** @typedef {{ question: string, answer: any, charge?: Charge }} Remembered */
/** @typedef {{ used: Used, cost: number, back: boolean, once?: string }} Charge */

/** A quota, from its first charge or top-up until its reset. */
class Used {
  used = 0;
  added = 0;
  wasCharged = false;
  /** Time at which the first of the used units was charged. @type {Span | undefined} */
  started;
  /** Remembered answers by idempotency key. They outlive a reset. @type {Map<string, Remembered>} */
  remembered;

  /** @param {Map<string, Remembered>} [remembered] */
  constructor(remembered = new Map()) {
    this.remembered = remembered;
  }
}

/** Answer to an invalid call. */
const INPUT = { code: 'ERR_LATCHGATE_INPUT' };

class Quotas {
  /** @type {Map<string, Used>} */
  #quotas = new Map();
  /** Charges by receipt. @type {Map<string, Charge>} */
  #charges = new Map();

  /** @param {string} key */
  #quota(key) {
    const quota = this.#quotas.get(key) ?? new Used();
    this.#quotas.set(key, quota);
    return quota;
  }

  /**
   * @param {Span} now
   * @param {string} key
   * @param {Rule} rule
   * @param {number} cost
   * @param {string} [once] idempotency key
   * @param {string} [receipt] of the answer
   */
  consume(now, key, rule, cost, once, receipt) {
    const used = this.#quota(key);
    const known = once === undefined ? undefined : used.remembered.get(once);
    const question = JSON.stringify(['consume', rule, cost]);
    if (known !== undefined) return known.question === question ? { ...known.answer, replayed: true } : INPUT;
    const answer = charge(now, used, rule, cost);
    if (!answer.allowed || cost === 0) return { ...answer, receipt: undefined, replayed: undefined };
    const made = { used, cost, back: false, once };
    this.#charges.set(String(receipt), made);
    const told = { ...answer, receipt: receipt ?? text };
    if (once !== undefined) used.remembered.set(once, { question, answer: told, charge: made });
    return { ...told, replayed: undefined };
  }

  /** @param {Span} now @param {string} key @param {Rule} rule @param {number} units @param {string} [once] */
  add(now, key, rule, units, once) {
    const used = this.#quota(key);
    const known = once === undefined ? undefined : used.remembered.get(once);
    const question = JSON.stringify(['add', rule, units]);
    if (known !== undefined) return known.question === question ? { ...known.answer, replayed: true } : INPUT;
    used.added += units;
    const answer = charge(now, used, rule, 0);
    if (once !== undefined) used.remembered.set(once, { question, answer });
    return { ...answer, replayed: undefined };
  }

  /** @param {string | undefined} receipt */
  refund(receipt) {
    const charge = this.#charges.get(String(receipt));
    if (charge === undefined) return INPUT;
    const { used, cost, back, once } = charge;
    if (back || ![...this.#quotas.values()].includes(used)) return false;
    charge.back = true;
    used.used -= cost;
    if (once !== undefined && used.remembered.get(once)?.charge === charge) used.remembered.delete(once);
    return true;
  }

  /** @param {string} key */
  reset(key) {
    const { used, added, wasCharged, remembered } = this.#quota(key);
    this.#quotas.set(key, new Used(remembered));
    // If all units were refunded, the contract does not define whether the reset had an effect.
    return used > 0 || added > 0 ? true : wasCharged ? oneOf(true, false) : false;
  }
}

/** @param {Span} now @param {Used} used @param {Rule} rule @param {number} cost */
function charge(now, used, rule, cost) {
  const limit = rule.limit + used.added;
  const allowed = cost === 0 || used.used + cost <= limit;
  if (allowed && cost > 0) {
    if (used.used === 0) used.started = now;
    used.used += cost;
    used.wasCharged = true;
  }
  return {
    allowed,
    limit,
    remaining: Math.max(0, limit - used.used),
    ...(rule.algorithm === 'bucket'
      ? refilling(now, used, rule, cost, allowed)
      : ending(now, used, rule, cost, allowed)),
  };
}

/**
 * Returns the time at which a balance or a window is full again.
 * @param {Span} now
 * @param {Used} used
 * @param {Rule} rule
 * @param {number} cost
 * @param {boolean} allowed
 */
function ending(now, used, { limit, window }, cost, allowed) {
  // The contract does not define the end of a window that has not begun.
  const open = window === undefined ? null : oneOf(null, instant(now, window));
  const running = window !== undefined && used.used > 0 && used.started !== undefined;
  const helps = !allowed && cost <= limit + used.added && window !== undefined;
  return {
    resetAt: running ? instant(/** @type {Span} */ (used.started), window) : open,
    retryAfterMs: helps ? duration(/** @type {number} */ (window)) : allowed ? oneOf(null, 0) : null,
  };
}

/**
 * Returns the same for a bucket. The test is too short for a unit to be refilled.
 * @param {Span} now
 * @param {Used} used
 * @param {Rule} rule
 * @param {number} cost
 * @param {boolean} allowed
 */
function refilling(now, used, { limit, window = 0 }, cost, allowed) {
  const unit = window / limit;
  const missing = used.used + cost - limit;
  const helps = !allowed && cost <= limit;
  return {
    resetAt:
      used.used > 0
        ? instant(/** @type {Span} */ (used.started), Math.round(used.used * unit))
        : oneOf(null, instant(now)),
    retryAfterMs: helps ? duration(Math.ceil(missing * unit)) : allowed ? oneOf(null, 0) : null,
  };
}

module.exports = { INPUT, Quotas, Used, charge };
