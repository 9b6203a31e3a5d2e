// A table that answers asynchronously, as every database does: exactly one turn of the event loop for each call.
// Nothing is slowed down to lose the race; a real network only makes the window wider.
'use strict';

const { setImmediate: turn } = require('node:timers/promises');

class Database {
  /** @type {Map<string, unknown[]>} */
  #rows = new Map();

  /** @param {string} key @returns {Promise<any[]>} a copy, as a query gives */
  async find(key) {
    await turn();
    return [...(this.#rows.get(key) ?? [])];
  }

  /** @param {string} key @param {unknown} row */
  async insert(key, row) {
    await turn();
    this.#rows.set(key, [...(this.#rows.get(key) ?? []), row]);
  }

  /** @param {string} key @param {(row: any) => boolean} matches */
  async remove(key, matches) {
    await turn();
    this.#rows.set(
      key,
      (this.#rows.get(key) ?? []).filter((row) => !matches(row)),
    );
  }
}

module.exports = { Database };
