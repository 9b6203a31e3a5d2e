'use strict';
// The counts of one Auth: plain numbers, incremented by its parts and read on demand. No count is per user, token, key or path, so
// the number of series does not depend on the traffic.

const { codes } = require('../util/errors.js');

/**
 * One metric. `label` is the name of the label that distinguishes its samples.
 * @typedef {object} Family
 * @property {string} name without prefix, unit and `_total`
 * @property {'counter' | 'gauge' | 'histogram'} type
 * @property {'seconds' | 'bytes'} [unit]
 * @property {string} help
 * @property {Sample[]} samples
 * @property {{ bounds: readonly number[], counts: Float64Array, sum: number }} [histogram] counts by bound, the last one beyond all
 *
 * @typedef {{ labels: Record<string, string>, value: number }} Sample
 */

/** Upper bounds in seconds. */
const BOUNDS = Object.freeze([
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5,
]);
const KINDS = /** @type {const} */ (['token', 'user', 'block', 'api_key', 'session']);
/** Codes of process warnings about single events of an Auth, which are limited in number. */
const WARNINGS = /** @type {const} */ (['LATCHGATE_LISTENER', 'LATCHGATE_REFUND']);

class Metrics {
  #reasons;
  #denied;
  /** Requests by reason code. Behind the reasons: requests that passed without the store, and requests without a credential. */
  #decisions;
  #degraded;
  #anonymous;
  /** @type {Map<string, number>} */
  #faults = new Map([...codes, 'other'].map((code) => [code, 0]));
  #durations = new Float64Array(BOUNDS.length + 1);
  #durationSum = 0;
  /** @type {Map<string, number>} */
  #revocations = new Map(KINDS.map((kind) => [kind, 0]));
  #admitted = 0;
  #evicted = 0;
  #leasesLost = 0;
  #warnings = new Map(WARNINGS.map((code) => [code, 0]));
  #lostMs = 0;
  /** When the store failed, by a monotonic clock. @type {number | undefined} */
  #lostAt;
  /** @type {Array<() => Family>} */
  #sources = [];

  /**
   * @param {readonly string[]} reasons in the order of their codes
   * @param {string} denied how the outcome of a denial is called
   */
  constructor(reasons, denied) {
    this.#reasons = reasons;
    this.#denied = denied;
    this.#degraded = reasons.length;
    this.#anonymous = reasons.length + 1;
    this.#decisions = new Float64Array(reasons.length + 2);
  }

  /** @param {number} code of the reason; 0: allowed */
  decided(code) {
    this.#decisions[code]++;
  }

  /** Counts a request that passed without the store, by onStoreError. */
  degraded() {
    this.#decisions[this.#degraded]++;
  }

  /** Counts a request that passed without a credential, by an optional middleware. */
  anonymous() {
    this.#decisions[this.#anonymous]++;
  }

  /** @param {string} code of an error for next(): a code of latchgate, or 'other' */
  faulted(code) {
    this.#faults.set(code, /** @type {number} */ (this.#faults.get(code)) + 1);
  }

  /** @param {number} ms from a question to the store to its answer */
  storeAnswered(ms) {
    const seconds = ms / 1000;
    let at = 0;
    while (at < BOUNDS.length && seconds > BOUNDS[at]) at++;
    this.#durations[at]++;
    this.#durationSum += seconds;
  }

  storeLost() {
    this.#lostAt ??= performance.now();
  }

  storeRecovered() {
    this.#lostMs = this.#outage();
    this.#lostAt = undefined;
  }

  /** @param {number} evicted sessions that an admission has ended */
  sessionAdmitted(evicted) {
    this.#admitted++;
    this.#evicted += evicted;
  }

  /** @param {typeof KINDS[number]} kind */
  revoked(kind) {
    this.#revocations.set(kind, /** @type {number} */ (this.#revocations.get(kind)) + 1);
  }

  leaseLost() {
    this.#leasesLost++;
  }

  /** @param {typeof WARNINGS[number]} code */
  warned(code) {
    this.#warnings.set(code, /** @type {number} */ (this.#warnings.get(code)) + 1);
  }

  /**
   * Adds what another part measures itself; it is asked when the metrics are read.
   * @param {Omit<Family, 'samples'>} family
   * @param {() => number | Sample[]} read
   */
  add(family, read) {
    this.#sources.push(() => {
      const found = read();
      return { ...family, samples: typeof found === 'number' ? plain(found) : found };
    });
  }

  /** @returns {Family[]} */
  families() {
    return [
      {
        name: 'decisions',
        type: 'counter',
        help: 'Requests and authenticate() calls decided, and guards that denied.',
        samples: this.#decided(),
      },
      {
        name: 'faults',
        type: 'counter',
        help: "Requests that ended in next(error), or in mode 'observe' would have, by code.",
        samples: by('code', this.#faults),
      },
      {
        name: 'store_duration',
        type: 'histogram',
        unit: 'seconds',
        help:
          'Time from a question to its answer, here. For stores on a server only: the embedded store answers immediately. ' +
          'Questions of one turn of the event loop share one reading of the clock.',
        samples: [],
        histogram: { bounds: BOUNDS, counts: this.#durations, sum: this.#durationSum },
      },
      {
        name: 'store_up',
        type: 'gauge',
        help: 'Whether the store can be reached, as far as is known.',
        samples: plain(this.#lostAt === undefined ? 1 : 0),
      },
      {
        name: 'store_degraded',
        type: 'counter',
        unit: 'seconds',
        help: 'Time for which the store could not be reached.',
        samples: plain(this.#outage() / 1000),
      },
      {
        name: 'sessions_admitted',
        type: 'counter',
        help: 'Sessions admitted, by first use or by a call.',
        samples: plain(this.#admitted),
      },
      {
        name: 'sessions_evicted',
        type: 'counter',
        help: 'Sessions ended to make room for another.',
        samples: plain(this.#evicted),
      },
      {
        name: 'revocations',
        type: 'counter',
        help: 'Calls of this process that revoked something.',
        samples: by('kind', this.#revocations),
      },
      {
        name: 'leases_lost',
        type: 'counter',
        help: 'Leases that ended before the work under them.',
        samples: plain(this.#leasesLost),
      },
      {
        name: 'warnings',
        type: 'counter',
        help: 'Throws of listeners and refunds that failed, by the code of their process warning, emitted or left out.',
        samples: by('code', this.#warnings),
      },
      ...this.#sources.map((source) => source()),
    ];
  }

  #decided() {
    const told = this.#reasons.map((reason, code) => ({
      labels: { outcome: code === 0 ? 'allowed' : this.#denied, reason },
      value: this.#decisions[code],
    }));
    const further = { degraded: this.#degraded, anonymous: this.#anonymous };
    for (const [reason, at] of Object.entries(further))
      told.push({ labels: { outcome: 'allowed', reason }, value: this.#decisions[at] });
    return told;
  }

  #outage() {
    return this.#lostMs + (this.#lostAt === undefined ? 0 : performance.now() - this.#lostAt);
  }
}

/** @param {number} value @returns {Sample[]} */
function plain(value) {
  return [{ labels: {}, value }];
}

/** @param {string} label @param {Map<string, number>} values @returns {Sample[]} */
function by(label, values) {
  return Array.from(values, ([name, value]) => ({ labels: { [label]: name }, value }));
}

exports.Metrics = Metrics;
