'use strict';
// A held turn. Its lease is renewed during the work. If that fails, the signal aborts before the lease ends. The store's state is
// decisive. The end is computed here from the time at which the question was sent, by the monotonic clock, so that it is never
// later than the end in the store.

const { HOUR, duration } = require('../util/duration.js');
const { closedError, inputError, isStoreFault, leaseLostError } = require('../util/errors.js');

/** @typedef {import('./turns.js').Turns} Turns */

const GRANTED = 0;
/** Parts of a lease: it is renewed after each third, and after each tenth if a renewal failed. */
const RENEWALS = 3;
const ATTEMPTS = 10;
const LEAVE_AGAIN_MS = 1000;
/** By how much the signal aborts before the lease ends: a part of the lease, and no more than this. */
const MARGIN = { part: 10, mostMs: 200 };

/** `Symbol.asyncDispose`, also where Node does not have it yet. */
const DISPOSE = Symbol.asyncDispose ?? Symbol.for('nodejs.asyncDispose');

class Hold {
  #turns;
  #settings;
  /** Instants of the monotonic clock. */
  #endsAt;
  #hardEnd;
  #renewAt;
  /** @type {NodeJS.Timeout | undefined} */
  #timer;
  /** @type {AbortController | undefined} */
  #controller;
  /** Why the signal has aborted. @type {unknown} */
  #reason;
  #isOver = false;
  #hasLeft = false;

  /** Whether close() waits for it: a section ends by itself, what acquire() gave may be forgotten. */
  isSection = true;

  /**
   * @param {Turns} turns
   * @param {import('./turn-request.js').Waiter} waiter whose ticket has the turn
   * @param {number} fence
   * @param {number} endsAt
   */
  constructor(turns, { place, ticket, settings }, fence, endsAt) {
    const now = performance.now();
    this.#turns = turns;
    this.#settings = settings;
    this.place = place;
    this.ticket = ticket;
    this.fence = fence;
    this.#hardEnd = now + settings.maxHoldMs;
    this.#endsAt = endsAt;
    this.expiresAt = inEpoch(endsAt);
    this.#renewAt = now + settings.ttlMs / RENEWALS;
    turns.hold(this);
    this.#arm();
  }

  get isHeld() {
    return !this.#isOver && performance.now() < this.#endsAt;
  }

  /** @returns {AbortSignal} */
  get signal() {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** @param {unknown} reason */
  abort(reason) {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#controller?.abort(reason);
  }

  get #margin() {
    return Math.min(this.#settings.ttlMs / MARGIN.part, MARGIN.mostMs);
  }

  /** No renewal would gain anything. */
  get #isLast() {
    return this.#hardEnd - this.#endsAt < this.#margin;
  }

  get #mayRenew() {
    return this.#settings.autoExtend && !this.#isLast;
  }

  /** It keeps no process alive: who only holds waits for nothing. */
  #arm() {
    const last = this.#endsAt - this.#margin;
    const next = this.#mayRenew ? Math.min(this.#renewAt, last) : last;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#rise(), Math.max(0, Math.ceil(next - performance.now())));
    this.#timer.unref();
  }

  #rise() {
    const now = performance.now();
    if (now >= this.#endsAt - this.#margin) {
      this.lose(this.#isLast ? 'maxHold is over' : 'it was not renewed in time');
      return;
    }
    if (this.#mayRenew && now >= this.#renewAt) this.#renew(now);
    if (!this.#isOver) this.#arm();
  }

  /** @param {number} now */
  #renew(now) {
    const { ttlMs } = this.#settings;
    this.#renewAt = now + ttlMs / RENEWALS;
    this.#prolong(ttlMs, ignore, () => this.#tryAgain(ttlMs / ATTEMPTS));
  }

  /** A store that is away for a moment costs no lease: the clock says when it is lost. @param {number} pause */
  #tryAgain(pause) {
    if (this.#isOver) return;
    this.#renewAt = Math.min(this.#renewAt, performance.now() + pause);
    this.#arm();
  }

  /**
   * @param {number} ms from now, cut to maxHold
   * @param {(held: boolean) => void} answer
   * @param {(error: unknown) => void} fail
   */
  #prolong(ms, answer, fail) {
    const sentAt = performance.now();
    const byMs = Math.floor(Math.min(ms, this.#hardEnd - sentAt));
    if (byMs < 1) {
      answer(false);
      return;
    }
    this.#turns.extend(
      this,
      byMs,
      ({ state, leaseMs }) => {
        // No longer than was asked for: a clock that is set back adds to what the store says.
        if (state === GRANTED) this.#endAt(sentAt + Math.min(leaseMs, byMs));
        else this.lose('it had ended');
        answer(state === GRANTED && this.isHeld);
      },
      fail,
    );
  }

  /** @param {number} endsAt */
  #endAt(endsAt) {
    if (this.#isOver || endsAt <= this.#endsAt) return;
    this.#endsAt = endsAt;
    this.expiresAt = inEpoch(endsAt);
    this.#arm();
  }

  /**
   * @param {number} ms
   * @returns {Promise<boolean>} whether the lease lasts at least that long from now, or until maxHold
   */
  extend(ms) {
    if (!this.isHeld) return Promise.resolve(false);
    return new Promise((resolve, reject) => this.#prolong(ms, resolve, reject));
  }

  /**
   * The lease no longer counts, regardless of the store. The turn goes to the next waiter at the end of the lease, or earlier
   * when the work is done.
   * @param {string} why
   * @param {unknown} [reason] of the signal
   */
  lose(why, reason = leaseLostError(why)) {
    if (this.#isOver) return;
    this.#isOver = true;
    const { place, fence } = this;
    this.#turns.letGo(this);
    this.abort(reason);
    this.#turns.tellLost({ key: place.id, fence, message: why });
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#leave(), Math.max(0, Math.ceil(this.#endsAt - performance.now())));
    this.#timer.unref();
  }

  /**
   * Gives the turn up.
   * @returns {Promise<boolean | undefined>} whether it was held until now; undefined where the store did not say
   */
  release() {
    if (!this.isHeld) {
      this.lose('it had ended before the work');
      this.#leave();
      return Promise.resolve(false);
    }
    this.#isOver = true;
    this.#turns.letGo(this);
    return new Promise((resolve, reject) => this.#leave(resolve, reject));
  }

  /**
   * @param {(held: boolean) => void} [answer]
   * @param {(error: unknown) => void} [fail]
   */
  #leave(answer, fail) {
    clearTimeout(this.#timer);
    // It belongs to the context that the turn was asked for in: another section, perhaps.
    this.#timer = undefined;
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    this.#turns.leave(this, answer, (error) => {
      fail?.(error);
      this.#leaveAgain(error);
    });
  }

  /** Releases the turn later, so that waiters need not wait for the end of the lease after a short outage. @param {unknown} error */
  #leaveAgain(error) {
    if (!isStoreFault(error) || performance.now() >= this.#endsAt) return;
    this.#hasLeft = false;
    this.#timer = setTimeout(() => this.#leave(), Math.min(this.#settings.ttlMs / ATTEMPTS, LEAVE_AGAIN_MS));
    this.#timer.unref();
  }
}

function ignore() {}

/** By the clock of this process. @param {number} instant of the monotonic clock */
function inEpoch(instant) {
  return Math.floor(Date.now() + instant - performance.now());
}

/** The lease that a section gets. */
class Lease {
  #hold;

  /** @param {Hold} hold */
  constructor(hold) {
    this.#hold = hold;
  }

  get key() {
    return this.#hold.place.id;
  }

  get fence() {
    return this.#hold.fence;
  }

  get signal() {
    return this.#hold.signal;
  }

  get expiresAt() {
    return this.#hold.expiresAt;
  }

  /**
   * @param {unknown} by
   * @returns {Promise<boolean>}
   */
  async extend(by) {
    return this.#hold.extend(duration(by, 'by', { min: 1, max: 24 * HOUR }, inputError));
  }
}

/** The lease of acquire(), which its holder releases. */
class AcquiredLease extends Lease {
  #hold;
  #isOpen;

  /**
   * @param {Hold} hold
   * @param {() => boolean} isOpen
   */
  constructor(hold, isOpen) {
    super(hold);
    hold.isSection = false;
    this.#hold = hold;
    this.#isOpen = isOpen;
  }

  /** @returns {Promise<boolean>} */
  async release() {
    if (!this.#isOpen()) throw closedError();
    return (await this.#hold.release()) === true;
  }

  async [DISPOSE]() {
    await this.release();
  }
}

module.exports = { AcquiredLease, DISPOSE, Hold, Lease };
