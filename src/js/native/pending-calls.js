'use strict';
// The waiters by ticket. Tickets increase, so a ring finds nearly all of them. A Map is as fast, but its discarded tables keep
// old waiters alive from one generation of the heap to the next.

/** A power of two. */
const SLOTS = 1024;

/** @template T */
class Waiters {
  /** Ticket of each slot; 0: free. */
  #tickets = new Float64Array(SLOTS);
  /** @type {Array<T | undefined>} */
  #slots = new Array(SLOTS).fill(undefined);
  #since = new Float64Array(SLOTS);
  /** Waiters whose slot belongs to an older waiter. @type {Map<number, { waiter: T, since: number }>} */
  #others = new Map();

  size = 0;
  /** Since when the one taken last had waited. */
  since = 0;

  /**
   * @param {number} ticket drawn once
   * @param {T} waiter
   * @param {number} since
   */
  add(ticket, waiter, since) {
    const at = ticket % SLOTS;
    if (this.#tickets[at] === 0) {
      this.#tickets[at] = ticket;
      this.#slots[at] = waiter;
      this.#since[at] = since;
    } else {
      this.#others.set(ticket, { waiter, since });
    }
    this.size++;
  }

  /**
   * @param {number} ticket
   * @returns {T | undefined} the removed waiter
   */
  take(ticket) {
    const at = ticket % SLOTS;
    let waiter;
    if (this.#tickets[at] === ticket) {
      waiter = this.#slots[at];
      this.since = this.#since[at];
      this.#tickets[at] = 0;
      this.#slots[at] = undefined;
    } else {
      const other = this.#others.get(ticket);
      if (other === undefined) return undefined;
      this.#others.delete(ticket);
      ({ waiter } = other);
      this.since = other.since;
    }
    this.size--;
    return waiter;
  }

  /** Removes all waiters. @returns {T[]} */
  takeAll() {
    const all = [...this.#slots, ...Array.from(this.#others.values(), ({ waiter }) => waiter)].filter(
      (waiter) => waiter !== undefined,
    );
    this.#tickets.fill(0);
    this.#slots.fill(undefined);
    this.#others.clear();
    this.size = 0;
    return all;
  }
}

exports.Waiters = Waiters;
