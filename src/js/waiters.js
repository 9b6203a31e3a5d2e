'use strict';
// Who waits for which ticket. Tickets are counted up, so that a ring finds nearly all of them; a Map would be as quick, but
// the tables that it sheds as it goes keep what was waiting alive from one generation of the heap to the next.

/** A power of two. */
const SLOTS = 1024;

/** @template T */
class Waiters {
  /** Ticket of each slot; 0: free. */
  #tickets = new Float64Array(SLOTS);
  /** @type {Array<T | undefined>} */
  #slots = new Array(SLOTS).fill(undefined);
  /** Those whose slot is taken by one who waits longer. @type {Map<number, T>} */
  #others = new Map();

  size = 0;

  /**
   * @param {number} ticket drawn once
   * @param {T} waiter
   */
  add(ticket, waiter) {
    const at = ticket % SLOTS;
    if (this.#tickets[at] === 0) {
      this.#tickets[at] = ticket;
      this.#slots[at] = waiter;
    } else {
      this.#others.set(ticket, waiter);
    }
    this.size++;
  }

  /**
   * @param {number} ticket
   * @returns {T | undefined} who waits no more
   */
  take(ticket) {
    const at = ticket % SLOTS;
    let waiter;
    if (this.#tickets[at] === ticket) {
      waiter = this.#slots[at];
      this.#tickets[at] = 0;
      this.#slots[at] = undefined;
    } else {
      waiter = this.#others.get(ticket);
      if (waiter === undefined) return undefined;
      this.#others.delete(ticket);
    }
    this.size--;
    return waiter;
  }

  /** @returns {T[]} all of them, who wait no more */
  takeAll() {
    const all = [...this.#slots, ...this.#others.values()].filter((waiter) => waiter !== undefined);
    this.#tickets.fill(0);
    this.#slots.fill(undefined);
    this.#others.clear();
    this.size = 0;
    return all;
  }
}

exports.Waiters = Waiters;
