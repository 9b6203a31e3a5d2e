'use strict';
// The highest fences that this Auth has seen, to be sent along with every question for a turn: so that the next lies above
// them even where the server has lost what it wrote.

/** Keys that are remembered one by one. */
const MOST = 10_000;

class Fences {
  /** By place, the one that was used longest ago first. @type {Map<string, number>} */
  #last = new Map();
  /** The highest of those that are no longer remembered: it stands for all of them. */
  #floor = 0;

  /**
   * @param {string} name of the place
   * @returns {number} a fence that the next must be above; 0: none is known
   */
  seen(name) {
    return this.#last.get(name) ?? this.#floor;
  }

  /**
   * @param {string} name
   * @param {number} fence
   */
  note(name, fence) {
    const last = Math.max(fence, this.#last.get(name) ?? 0);
    this.#last.delete(name);
    this.#last.set(name, last);
    if (this.#last.size > MOST) this.#forgetOne();
  }

  #forgetOne() {
    for (const [name, fence] of this.#last) {
      this.#last.delete(name);
      this.#floor = Math.max(this.#floor, fence);
      return;
    }
  }
}

exports.Fences = Fences;
