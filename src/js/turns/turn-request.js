'use strict';
// Somebody who waits for a turn: asks the store, sleeps until woken or until it is worth asking again, and leaves when the
// wait is over. It asks again under the same ticket, so that an answer that was lost costs neither the place nor a turn.

const {
  closedError,
  isStoreFault,
  storeError,
  busyError,
  queueFullError,
  revokedError,
} = require('../util/errors.js');
const { Hold } = require('./lease.js');

/**
 * @typedef {import('./turns.js').Turns} Turns
 * @typedef {import('./turns.js').Turn} Turn
 * @typedef {import('./turns.js').Place} Place
 * @typedef {import('./turns.js').Credential} Credential
 * @typedef {import('../options/lock-options.js').Settings} Settings
 */

/** As the addon numbers them. */
const MODE = { queue: 0, try: 1, front: 2 };
const STATE = { granted: 0, queued: 1, busy: 2, denied: 3, lost: 4 };

/** How much longer than its wait a ticket stays in the queue. */
const STAY_MARGIN_MS = 1000;
/** Between questions to a store that does not answer, and between attempts without a queue: doubled each time, up to the cap. */
const PAUSE = { first: 50, cap: 1000 };

class Waiter {
  #turns;
  /** Milliseconds of the monotonic clock. */
  #deadline;
  /** @type {(hold: Hold) => void} */
  #resolve = () => {};
  /** @type {(error: unknown) => void} */
  #reject = () => {};
  /** @type {NodeJS.Timeout | undefined} */
  #timer;
  /** How often it has asked; an answer to any question but the last is of no interest. */
  #asked = 0;
  #isAsking = false;
  #isWoken = false;
  #isOver = false;
  #hasTurn = false;
  #faults = 0;
  /** @type {unknown} */
  #fault;
  /** @type {number | undefined} */
  #lookAgainMs;

  isQueued = false;
  /** The number of the reason why the credential is no longer valid. */
  denied = 0;
  /** @type {Promise<Hold>} */
  promise;

  /**
   * @param {Turns} turns
   * @param {Place} place
   * @param {Settings} settings
   * @param {number} mode
   * @param {Credential} [credential]
   */
  constructor(turns, place, settings, mode, credential) {
    this.#turns = turns;
    this.place = place;
    this.settings = settings;
    this.mode = mode;
    this.credential = credential;
    this.ticket = turns.draw();
    this.#deadline = performance.now() + settings.waitMs;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#begin();
  }

  get #maxQueue() {
    return this.mode === MODE.front ? Number.POSITIVE_INFINITY : this.settings.maxQueue;
  }

  #begin() {
    const { signal } = this.settings;
    if (signal?.aborted) {
      this.#isOver = true;
      this.#reject(signal.reason);
      return;
    }
    if (!this.#turns.arrive(this, this.#maxQueue)) {
      this.#isOver = true;
      this.#reject(queueFullError(this.settings.maxQueue));
      return;
    }
    signal?.addEventListener('abort', this.#onAbort);
    this.#ask();
  }

  #onAbort = () => this.abort(this.settings.signal?.reason);

  /** The turn is reserved for this ticket, or a wake-up may have been lost. */
  wake() {
    if (this.#isOver) return;
    if (this.#isAsking) this.#isWoken = true;
    else if (this.isQueued) this.#ask();
  }

  /**
   * Leaves the queue. The order of other waiters stays.
   * @param {unknown} reason
   */
  abort(reason) {
    if (this.#isOver) return;
    this.#turns.leave(this);
    this.#refuse(reason);
  }

  #ask() {
    const number = ++this.#asked;
    const now = performance.now();
    this.#isAsking = true;
    this.#isWoken = false;
    clearTimeout(this.#timer);
    const stayMs = Math.ceil(Math.max(this.#deadline - now, 0)) + STAY_MARGIN_MS;
    this.#turns.ask(
      this,
      stayMs,
      (turn) => this.#answered(number, now, turn),
      (error) => this.#failed(number, error),
    );
    if (this.#isAsking && number === this.#asked) this.#sleep(this.settings.ttlMs / 2);
  }

  /** It keeps the process alive, as every call in flight does. @param {number} ms */
  #sleep(ms) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#rise(), Math.ceil(ms));
  }

  #rise() {
    if (this.#isAsking) {
      this.#isAsking = false;
      this.#lost(storeError('ERR_LATCHGATE_STORE_TIMEOUT', 'no answer within half of the lease'));
    } else if (performance.now() >= this.#deadline) {
      this.#giveUp();
    } else {
      this.#ask();
    }
  }

  /**
   * @param {number} number of the question
   * @param {number} sentAt
   * @param {Turn} turn
   */
  #answered(number, sentAt, turn) {
    const isPresent = turn.state === STATE.granted || turn.state === STATE.queued;
    if (this.#isOver) {
      // It came after the ticket had left, and has brought it back.
      if (isPresent && !this.#hasTurn) this.#turns.leave(this);
      return;
    }
    if (number !== this.#asked) return;
    this.#isAsking = false;
    if (turn.state === STATE.granted) this.#granted(sentAt, turn);
    else if (turn.state === STATE.queued) this.#queued(turn);
    else if (turn.state === STATE.busy) this.#busy(turn);
    else this.#deny(turn.reason);
  }

  /**
   * @param {number} sentAt from when on the lease runs at the latest
   * @param {Turn} turn
   */
  #granted(sentAt, { fence, leaseMs }) {
    const { place, settings } = this;
    this.#turns.fences.note(place.name, fence);
    if (this.#turns.isClosed) {
      this.#turns.leave(this);
      this.#refuse(closedError());
      return;
    }
    // No longer than was asked for: a clock that is set back adds to what the store says.
    const endsAt = sentAt + Math.min(leaseMs, settings.ttlMs);
    if (endsAt - performance.now() < settings.ttlMs / 2) {
      this.#tooLate();
      return;
    }
    this.#hasTurn = true;
    this.#end();
    this.#resolve(new Hold(this.#turns, this, fence, endsAt));
  }

  /** A lease that is at least half over is useless: it is released immediately. */
  #tooLate() {
    this.#turns.leave(this);
    this.#fault = storeError(
      'ERR_LATCHGATE_STORE_TIMEOUT',
      'the turn came too late for its lease, and was left: give a longer ttl',
    );
    if (performance.now() >= this.#deadline || this.#isLastAttempt) {
      this.#refuse(this.#fault);
      return;
    }
    this.#turns.redraw(this);
    this.#ask();
  }

  /** @param {Turn} turn */
  #queued({ lookAgainMs }) {
    this.#lookAgainMs = lookAgainMs;
    this.#faults = 0;
    this.#fault = undefined;
    if (!this.isQueued) {
      if (!this.#turns.queue(this, this.#maxQueue)) {
        this.#turns.leave(this);
        this.#refuse(queueFullError(this.settings.maxQueue));
        return;
      }
      this.isQueued = true;
    }
    const left = this.#deadline - performance.now();
    if (left <= 0) this.#giveUp();
    else if (this.#isWoken) this.#ask();
    else this.#sleep(Math.min(left, lookAgainMs));
  }

  /** @param {Turn} turn */
  #busy({ lookAgainMs }) {
    const { fair, maxQueue } = this.settings;
    this.#lookAgainMs = lookAgainMs;
    if (fair) {
      this.#refuse(maxQueue === 0 ? queueFullError(maxQueue) : this.#busyError());
      return;
    }
    this.#retry(this.#asked);
  }

  /** Asks without a queue: a limited number of attempts, after pauses of full jitter. @param {number} attempts made */
  #retry(attempts) {
    const pause = Math.random() * Math.min(PAUSE.cap, PAUSE.first * 2 ** attempts);
    if (this.#isLastAttempt || performance.now() + pause >= this.#deadline) this.#giveUp();
    else this.#sleep(pause);
  }

  get #isLastAttempt() {
    return this.mode === MODE.try && this.#asked >= (this.settings.fair ? 1 : this.settings.retries);
  }

  /** @param {number} reason */
  #deny(reason) {
    this.denied = reason;
    this.#refuse(revokedError());
  }

  /**
   * @param {number} number
   * @param {unknown} error
   */
  #failed(number, error) {
    if (number !== this.#asked) return;
    if (this.#isOver) {
      // Nobody waits any more, and it may have been granted: with acks what is left overtakes what is asked.
      if (!this.#hasTurn) this.#turns.leave(this);
      return;
    }
    this.#isAsking = false;
    const isFirst = this.#asked === 1;
    const code = /** @type {{ code?: string }} */ (error).code;
    if (!isStoreFault(error)) {
      if (!isFirst) this.#turns.leave(this);
      this.#refuse(error);
    } else if (isFirst && code === 'ERR_LATCHGATE_STORE_UNAVAILABLE') {
      // Nothing was done, and nobody waits for anything yet.
      this.#refuse(error);
    } else {
      this.#lost(error);
    }
  }

  /** Whether the store acted is unknown: it is asked again, for as long as the wait lasts. @param {unknown} fault */
  #lost(fault) {
    this.#fault = fault;
    const pause = this.#faults === 0 ? 0 : Math.min(PAUSE.cap, PAUSE.first * 2 ** this.#faults);
    this.#faults++;
    const left = this.#deadline - performance.now();
    if (left <= 0 || this.#isLastAttempt) this.#giveUp();
    else if (pause === 0) this.#ask();
    else this.#sleep(Math.min(pause, left));
  }

  #giveUp() {
    this.#turns.leave(this);
    this.#refuse(this.#fault ?? this.#busyError());
  }

  #busyError() {
    return busyError('no turn in time', this.#lookAgainMs);
  }

  /** @param {unknown} error */
  #refuse(error) {
    this.#end();
    this.#reject(error);
  }

  #end() {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.settings.signal?.removeEventListener('abort', this.#onAbort);
    this.#turns.depart(this);
  }
}

module.exports = { MODE, STATE, Waiter };
