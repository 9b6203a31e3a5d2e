'use strict';
// Chance that can be repeated: the same numbers for the same seed, and users of whom a few are seen very often.

/** Numbers from 0 up to 1 (mulberry32). @param {number} seed @returns {() => number} */
function randomOf(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** A seed of its own for each part of a run. @param {number} seed @param {string} part */
function seedFor(seed, part) {
  let hash = seed >>> 0;
  for (const char of part) hash = Math.imul(hash ^ char.charCodeAt(0), 16777619) >>> 0;
  return hash;
}

/**
 * Users as a site has them: the one of rank r comes in proportion to 1 / r (Zipf's law), or to 1 / (r + level) where even the
 * busiest has but two hands.
 * @param {string} prefix of their names
 * @param {number} count
 * @param {() => number} random
 * @param {number} [level]
 * @returns {() => string}
 */
function usersOf(prefix, count, random, level = 0) {
  const sums = new Float64Array(count);
  let sum = 0;
  for (let rank = 0; rank < count; rank++) {
    sum += 1 / (rank + 1 + level);
    sums[rank] = sum;
  }
  return () => {
    const point = random() * sum;
    let [low, high] = [0, count - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle] < point) low = middle + 1;
      else high = middle;
    }
    return `${prefix}-${low + 1}`;
  };
}

/**
 * When requests of an open loop are due, in milliseconds from its beginning: as they come from many people who know nothing
 * of each other (a Poisson process).
 * @param {number} rate per second
 * @param {number} seconds
 * @param {() => number} random
 */
function arrivals(rate, seconds, random) {
  const due = [];
  for (let at = 0; ; ) {
    at += (-Math.log(1 - random()) * 1000) / rate;
    if (at >= seconds * 1000) return due;
    due.push(at);
  }
}

module.exports = { arrivals, randomOf, seedFor, usersOf };
