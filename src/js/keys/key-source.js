'use strict';
// The keys of an Auth with `jwt.jwksUri`. They are fetched at the start, when they are no longer fresh, and when a token names an
// unknown key. There is one fetch at a time. While fetches fail, the previous keys are used for a day.

const { storeError } = require('../util/errors.js');
const { Slices } = require('../util/slices.js');
const { warnKey, warnKeys } = require('../util/warnings.js');
const { askEndpoint } = require('./jwks-endpoint.js');

/** How long after a fetch an unknown key id causes no other fetch. */
const COOLDOWN_MS = 30_000;
/** Pause after a failure, doubled with each, with jitter. */
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;
/** How long keys are used that could not be fetched again. */
const STALE_MS = 24 * 60 * 60_000;
/** Requests that wait for an answer. */
const MOST_WAITING = 10_000;

/** @typedef {{ tokenKey: number, keysUnavailable: number }} Codes */

class KeySource {
  #uri;
  #gate;
  #codes;
  #isClosed = false;
  #question = new AbortController();
  /** The one question that is asked. It never rejects. @type {Promise<void> | undefined} */
  #asking;
  #waiting = 0;
  /** Continues waiting requests, a few in each turn of the event loop. @type {Slices<() => void>} */
  #goingOn = new Slices((resolve) => resolve());
  /** The keys in use, as text; '' for none. */
  #keys = '';
  #isCooling = false;
  /** The reason why the last fetch failed; '' if it succeeded. */
  #trouble = '';
  #failures = 0;
  /** The warning about it that was emitted last. */
  #warned = '';
  /** @type {Map<string, NodeJS.Timeout>} */
  #timers = new Map();

  /** Answers by whether they brought keys. */
  counts = { fetched: 0, failed: 0 };
  /** Keys that tokens are verified with. */
  usable = 0;

  /**
   * @param {string} uri
   * @param {import('../binding.js').Gate} gate
   * @param {Codes} codes
   */
  constructor(uri, gate, codes) {
    this.#uri = uri;
    this.#gate = gate;
    this.#codes = codes;
    this.#refresh();
  }

  /**
   * @param {number} code of a denial
   * @returns {boolean} whether asking the endpoint may change it
   */
  mayTeach(code) {
    if (code !== this.#codes.tokenKey && code !== this.#codes.keysUnavailable) return false;
    if (this.#asking !== undefined) return this.#waiting < MOST_WAITING;
    return !this.#isCooling && this.#trouble === '' && !this.#isClosed;
  }

  /** Resolves when the endpoint has answered, or failed to. */
  async learn() {
    this.#waiting++;
    await (this.#asking ?? this.#refresh());
    await new Promise((/** @type {(value: void) => void} */ resolve) => {
      this.#goingOn.add(resolve);
      this.#goingOn.run();
    });
    this.#waiting--;
  }

  /** Resolves if keys are loaded. Otherwise fetches again. */
  async ready() {
    if (this.#keys === '') await (this.#asking ?? this.#refresh());
    if (this.#keys === '')
      throw storeError('ERR_LATCHGATE_STORE_UNAVAILABLE', `jwt.jwksUri: ${this.#trouble || 'no answer yet'}`);
  }

  /** @returns {string[]} */
  warnings() {
    return this.#trouble === '' ? [] : [this.#warning()];
  }

  close() {
    this.#isClosed = true;
    this.#question.abort();
    for (const timer of this.#timers.values()) clearTimeout(timer);
    return this.#asking;
  }

  /** @returns {Promise<void>} */
  #refresh() {
    this.#asking = this.#ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #ask() {
    try {
      // A key that is unknown meanwhile is not refused: the answer may contain it.
      this.#gate.doubtKeys(true);
      this.#question = new AbortController();
      const { keys, passedOver, freshMs } = await askEndpoint(this.#uri, this.#question);
      if (this.#isClosed) return;
      this.#take(keys, passedOver);
      this.#settle(freshMs);
    } catch (error) {
      if (!this.#isClosed) this.#fail(/** @type {Error} */ (error).message);
    }
  }

  /**
   * An answer without a usable key is an outage: the keys before it stay.
   * @param {import('./jwks-endpoint.js').FetchedKey[]} keys
   * @param {string[]} passedOver
   */
  #take(keys, passedOver) {
    const text = JSON.stringify(keys);
    if (text === this.#keys) {
      this.#gate.doubtKeys(false);
      return;
    }
    const renewed = this.#gate.renewKeys(keys);
    for (const why of [...passedOver, ...renewed.passedOver]) warnKey(`${why}: the key is skipped`);
    if (renewed.usable === 0) throw new Error('its answer holds no key that verifies tokens');
    this.usable = renewed.usable;
    this.#keys = text;
  }

  /** @param {number} freshMs */
  #settle(freshMs) {
    this.counts.fetched++;
    this.#failures = 0;
    this.#trouble = '';
    this.#warned = '';
    this.#isCooling = true;
    this.#later('cool', COOLDOWN_MS);
    this.#later('refresh', freshMs);
    this.#later('expire', STALE_MS);
  }

  /** @param {string} trouble */
  #fail(trouble) {
    this.counts.failed++;
    this.#trouble = trouble;
    this.#warn();
    const pause = Math.min(FIRST_PAUSE_MS * 2 ** this.#failures, LONGEST_PAUSE_MS);
    this.#failures = Math.min(this.#failures + 1, 16);
    this.#later('refresh', pause * (0.5 + Math.random() / 2));
  }

  /** Once for each change: of what is wrong, or of what it means for tokens. */
  #warn() {
    const warning = this.#warning();
    if (warning !== this.#warned) warnKeys(warning);
    this.#warned = warning;
  }

  #warning() {
    const meanwhile =
      this.#keys === ''
        ? 'no token that needs its keys is accepted'
        : 'the keys fetched before are used for up to 24 hours';
    return `jwt.jwksUri: ${this.#trouble}: ${meanwhile}`;
  }

  /**
   * A timer keeps neither the process alive nor an Auth that was dropped without close().
   * @param {'cool' | 'refresh' | 'expire'} what
   * @param {number} ms
   */
  #later(what, ms) {
    const weak = new WeakRef(this);
    clearTimeout(this.#timers.get(what));
    const due = () => {
      const source = weak.deref();
      if (source !== undefined) source.#due(what);
    };
    this.#timers.set(what, setTimeout(due, ms).unref());
  }

  /** @param {'cool' | 'refresh' | 'expire'} what */
  #due(what) {
    if (what === 'cool') this.#isCooling = false;
    else if (what === 'expire') this.#expire();
    else if (this.#asking === undefined) this.#refresh();
  }

  #expire() {
    this.#keys = '';
    this.usable = 0;
    this.#gate.forgetKeys();
    if (this.#trouble !== '') this.#warn();
  }
}

exports.KeySource = KeySource;
