'use strict';
// Does the same work for many items without blocking the event loop: a bounded slice in each turn of the loop, in the order of
// the items. Work that fits into the current turn is done immediately.

/** The bounds of a slice; the first one reached counts. */
const MOST = 64;
const SLICE_MS = 1;

/** @template T */
class Slices {
  #work;
  /** The items that come next, from the place `#at` on. @type {T[]} */
  #items = [];
  #at = 0;
  /** The items behind them. @type {T[]} */
  #later = [];
  /** The remaining budget of this turn of the loop. */
  #left = MOST;
  #until = 0;
  #isRunning = false;
  /** Marks the turn that has begun a slice. @type {NodeJS.Immediate | undefined} */
  #turn;

  /** @param {(item: T) => void} work */
  constructor(work) {
    this.#work = work;
  }

  /** To be followed by run(), once for all that are added together. @param {T} item */
  add(item) {
    this.#later.push(item);
  }

  /** Forgets the items that wait. */
  clear() {
    this.#items = [];
    this.#at = 0;
    this.#later = [];
  }

  get #isEmpty() {
    return this.#at === this.#items.length && this.#later.length === 0;
  }

  /** The first item of a turn always has its time: the process may be stopped between two lines. */
  get #hasTime() {
    return this.#left === MOST || (this.#left > 0 && performance.now() < this.#until);
  }

  /** Works off what this turn of the event loop has left. */
  run() {
    // The work itself may add more.
    if (this.#isRunning || this.#isEmpty) return;
    if (this.#turn === undefined) {
      this.#left = MOST;
      this.#until = performance.now() + SLICE_MS;
      this.#turn = setImmediate(nextTurn, this);
    }
    this.#isRunning = true;
    try {
      while (!this.#isEmpty && this.#hasTime) {
        this.#left--;
        this.#work(this.#take());
      }
    } finally {
      this.#isRunning = false;
    }
  }

  #take() {
    if (this.#at === this.#items.length) {
      this.#items = this.#later;
      this.#later = [];
      this.#at = 0;
    }
    const item = this.#items[this.#at];
    this.#at++;
    if (this.#at === this.#items.length) {
      this.#items = [];
      this.#at = 0;
    }
    return item;
  }

  /** Continues in another turn of the event loop. */
  goOn() {
    this.#turn = undefined;
    this.run();
  }
}

/** @param {Slices<any>} slices */
function nextTurn(slices) {
  slices.goOn();
}

/**
 * @template T
 * @param {Iterable<T>} items
 * @param {(item: T) => void} work
 * @returns {Promise<void>} resolves when the work is done for each item
 */
function inSlices(items, work) {
  return new Promise((resolve) => {
    /** @type {Slices<() => void>} */
    const slices = new Slices((step) => step());
    for (const item of items) slices.add(() => work(item));
    slices.add(resolve);
    slices.run();
  });
}

module.exports = { MOST, Slices, inSlices };
