'use strict';
// Lets each of many items fall due once a revolution, and spreads them evenly over it. Adding and removing an item takes the
// same time for any number of items. The single timer runs while there are items, and keeps no process alive.

/** A revolution stays below a second, so that a late timer does not make an item wait for longer than that. */
const SLOTS = 96;
const SLOT_MS = 10;

/** @typedef {{ slot: number }} Item with its place, which belongs to the wheel */

/** @template {Item} T */
class Wheel {
  #due;
  /** @type {Array<Set<T>>} */
  #slots = Array.from({ length: SLOTS }, () => new Set());
  #size = 0;
  /** Slots are counted on by the clock. All up to this number have had their turn. */
  #turned = 0;
  /** The number that the timer is set for; all between are empty. */
  #next = Number.POSITIVE_INFINITY;
  /** @type {NodeJS.Timeout | undefined} */
  #timer;

  /** @param {(items: Iterable<T>) => void} due */
  constructor(due) {
    this.#due = due;
  }

  /** Falls due within a revolution, and once a revolution from then on. @param {T} item */
  add(item) {
    this.#turned = Math.min(present(), this.#next - 1);
    item.slot = this.#emptier(anySlot(), anySlot());
    this.#slots[item.slot].add(item);
    this.#size++;
    const first = this.#turned + 1 + ((item.slot - ((this.#turned + 1) % SLOTS) + SLOTS) % SLOTS);
    if (first < this.#next) this.#set(first);
  }

  /** @param {T} item */
  remove(item) {
    if (!this.#slots[item.slot]?.delete(item)) return;
    this.#size--;
    if (this.#size === 0) this.#stop();
  }

  clear() {
    for (const slot of this.#slots) slot.clear();
    this.#size = 0;
    this.#stop();
  }

  /** Of two slots taken at random the emptier one: so all stay about as full. @param {number} one @param {number} other */
  #emptier(one, other) {
    return this.#slots[one].size <= this.#slots[other].size ? one : other;
  }

  /** @param {number} number of the slot that comes next */
  #set(number) {
    clearTimeout(this.#timer);
    this.#next = number;
    const ms = Math.max(Math.ceil(number * SLOT_MS - performance.now()), 0);
    this.#timer = setTimeout(() => this.#rise(), ms).unref();
  }

  #stop() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#next = Number.POSITIVE_INFINITY;
  }

  #rise() {
    // A timer may go off a little early.
    const now = Math.max(present(), this.#next);
    const ripe = this.#from(this.#turned, Math.min(now, this.#turned + SLOTS));
    this.#turned = now;
    this.#stop();
    const [next] = this.#from(now, now + SLOTS);
    if (next !== undefined) this.#set(next);
    for (const number of ripe) this.#due(this.#slots[number % SLOTS]);
  }

  /** Numbers of the slots that hold something. @param {number} after @param {number} last */
  #from(after, last) {
    const numbers = [];
    for (let number = after + 1; number <= last; number++)
      if (this.#slots[number % SLOTS].size > 0) numbers.push(number);
    return numbers;
  }
}

function present() {
  return Math.floor(performance.now() / SLOT_MS);
}

function anySlot() {
  return Math.floor(Math.random() * SLOTS);
}

module.exports = { SLOTS, SLOT_MS, Wheel };
