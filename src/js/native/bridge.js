'use strict';
// Opens the addon's gate, and delivers the completions of its store to their waiters. A store that answers immediately never
// completes here.

const { fromNative } = require('../util/errors.js');
const { inSlices } = require('../util/slices.js');
const { native } = require('./native.js');
const { Waiters } = require('./pending-calls.js');
const { BATCH, CODE, HELD, LENGTH, RECORD, TAKE, TICKET } = require('./records.js');

const BATCHES_A_TURN = 4;

/**
 * A waiter for a ticket. `complete` gets the verdict of a decision, `outcome` the answer of any other call.
 * @typedef {object} Waiter
 * @property {(code: number, record: Float64Array, at: number) => void} complete
 * @property {(outcome: import('../binding.js').Outcome) => void} outcome
 * @property {(error: unknown) => void} fail
 */

/**
 * Bridges with pending calls. The addon holds a bridge weakly, so that an idle Auth can be collected. Its wake-up does not
 * keep the process alive, so one timer does while any bridge is in this set.
 * @type {Set<Bridge>}
 */
const busy = new Set();
/** @type {NodeJS.Timeout | undefined} */
let vigil;

/** @param {Bridge} bridge */
function hold(bridge) {
  busy.add(bridge);
  vigil ??= setInterval(() => {}, 0x7fffffff);
  vigil.ref();
}

/** @param {Bridge} bridge */
function release(bridge) {
  busy.delete(bridge);
  if (busy.size === 0) vigil?.unref();
}

/** @param {Bridge} bridge */
function drainOn(bridge) {
  bridge.drainOn();
}

class Bridge {
  /** @type {Waiters<Waiter>} */
  #waiting = new Waiters();
  /** A copy: the addon overwrites its records with the next decision, which a completed request may cause immediately. */
  #batch = new Float64Array(RECORD * BATCH);
  /** @type {Array<() => void>} */
  #idle = [];
  #tell;
  #metrics;
  #isFlushing = false;
  /** Number of waiters of calls that could not be sent, which do not know it yet. */
  #failing = 0;
  /** When the questions that are held back began to be asked. */
  #askedAt = 0;

  /**
   * @param {import('../binding.js').GateConfig} config
   * @param {import('../telemetry/metrics.js').Metrics} metrics
   * @param {(event: import('../binding.js').NativeEvent) => void} tell receives events of the store
   */
  constructor(config, metrics, tell) {
    const { Gate } = native();
    const weak = new WeakRef(this);
    this.#metrics = metrics;
    this.#tell = tell;
    // The addon keeps its address, so that it takes no memory that can be detached or resized.
    this.verdict = new Float64Array(new SharedArrayBuffer(LENGTH * Float64Array.BYTES_PER_ELEMENT));
    try {
      const wake = (/** @type {number | undefined} */ count = undefined) => weak.deref()?.wake(count);
      this.gate = new Gate(config, this.verdict, wake);
    } catch (error) {
      throw fromNative(error);
    }
  }

  /**
   * @param {number} ticket
   * @param {Waiter} waiter
   */
  wait(ticket, waiter) {
    if (this.#waiting.size === 0) hold(this);
    // One reading for all that travel together: it costs as much as the rest.
    if (!this.#isFlushing) this.#askedAt = performance.now();
    this.#waiting.add(ticket, waiter, this.#askedAt);
    if (this.verdict[HELD] === 0 || this.#isFlushing) return;
    this.#isFlushing = true;
    setImmediate(flush, this);
  }

  /** Sends what this turn of the event loop has asked. */
  flush() {
    this.#isFlushing = false;
    this.verdict[HELD] = 0;
    try {
      this.gate.flush();
    } catch (error) {
      this.#failAll(fromNative(error));
    }
  }

  /**
   * @param {number} ticket
   * @returns {Promise<import('../binding.js').Outcome>}
   */
  outcome(ticket) {
    return new Promise((resolve, reject) => {
      this.wait(ticket, { complete: () => resolve({}), outcome: resolve, fail: reject });
    });
  }

  /** Number of calls whose callers have no answer yet. */
  get pending() {
    return this.#waiting.size + this.#failing;
  }

  /** Resolves when nothing is pending. */
  idle() {
    if (this.pending === 0) return Promise.resolve();
    return new Promise((/** @type {(value: void) => void} */ resolve) => this.#idle.push(resolve));
  }

  /**
   * Called by the addon: something has come.
   * @param {number} [count] of the records that are written already
   */
  wake(count) {
    if (count !== undefined) {
      this.#take(count);
      if (count < BATCH) this.#rest();
      else this.#drain();
      return;
    }
    this.#drain();
    for (const event of this.gate.events()) this.#tell(event);
  }

  /** Delivers a few batches, then yields to the event loop: very many calls complete together when a store fails or recovers. */
  #drain() {
    for (let batches = 0; batches < BATCHES_A_TURN; batches++) {
      const count = this.gate.drain();
      if (count === 0) {
        this.#rest();
        return;
      }
      this.#take(count);
    }
    setImmediate(drainOn, this);
  }

  /** @param {number} count */
  #take(count) {
    this.#batch.set(this.verdict.subarray(0, count * RECORD));
    const now = performance.now();
    for (let at = 0; at < count * RECORD; at += RECORD) this.#settle(at, now);
  }

  /** Continues after a turn of the event loop. */
  drainOn() {
    this.#drain();
  }

  #rest() {
    if (this.pending > 0) return;
    release(this);
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  /**
   * Which questions were not sent is not known here: better all of them end in an error than one in nothing.
   * @param {unknown} error
   */
  #failAll(error) {
    const all = this.#waiting.takeAll();
    this.#failing += all.length;
    inSlices(all, (waiter) => {
      this.#failing--;
      try {
        waiter.fail(error);
      } catch (thrown) {
        throwLater(thrown);
      }
    }).then(() => this.#rest());
  }

  /**
   * @param {number} at where the record begins in the batch
   * @param {number} now
   */
  #settle(at, now) {
    const ticket = this.#batch[at + TICKET];
    const waiter = this.#waiting.take(ticket);
    if (waiter === undefined) return;
    this.#metrics.storeAnswered(now - this.#waiting.since);
    try {
      this.#deliver(waiter, ticket, at);
    } catch (error) {
      throwLater(error);
    }
  }

  /**
   * @param {Waiter} waiter
   * @param {number} ticket
   * @param {number} at
   */
  #deliver(waiter, ticket, at) {
    const code = this.#batch[at + CODE];
    if (code !== TAKE) {
      waiter.complete(code, this.#batch, at);
      return;
    }
    let outcome;
    try {
      outcome = this.gate.take(ticket);
    } catch (error) {
      waiter.fail(fromNative(error));
      return;
    }
    waiter.outcome(outcome);
  }
}

/**
 * A handler that throws into its own next() must not cost the others of the batch their answers.
 * @param {unknown} error
 */
function throwLater(error) {
  setImmediate(() => {
    throw error;
  });
}

/** @param {Bridge} bridge */
function flush(bridge) {
  bridge.flush();
}

exports.Bridge = Bridge;
