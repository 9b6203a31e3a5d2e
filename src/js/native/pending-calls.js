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
  #since = new Float64Array(SLOTS);
  /** Those whose slot is taken by one who waits longer. @type {Map<number, { waiter: T, since: number }>} */
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
   * @returns {T | undefined} who waits no more
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

  /** @returns {T[]} all of them, who wait no more */
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
