// Shortens a failing sequence, so that the failure is readable.
'use strict';

const { play } = require('./sequences.js');

/** @typedef {import('./sequences.js').Sequence} Sequence */

/**
 * Removes operations that the failure does not need.
 * @param {string} store
 * @param {Sequence} sequence that fails
 * @returns {Promise<Sequence>}
 */
async function shrink(store, sequence) {
  let steps = sequence.steps;
  for (let size = Math.ceil(steps.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < steps.length; ) {
      const fewer = [...steps.slice(0, at), ...steps.slice(at + size)];
      if ((await play(store, { ...sequence, steps: fewer })) !== undefined) steps = fewer;
      else at += size;
    }
  }
  return { ...sequence, steps };
}

module.exports = { shrink };
