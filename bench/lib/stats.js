'use strict';
// Medians and quartiles over rounds, and ratios within them.

/** @param {number[]} values @param {number} share */
function quantile(values, share) {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort((a, b) => a - b);
  if (sorted.length === 0) return NaN;
  const at = (sorted.length - 1) * share;
  const [low, high] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  return low + (high - low) * (at - Math.floor(at));
}

/**
 * @typedef {{ median: number, low: number, high: number }} Spread low and high: the quartiles
 * @param {number[]} values
 * @returns {Spread}
 */
const spread = (values) => ({
  median: quantile(values, 0.5),
  low: quantile(values, 0.25),
  high: quantile(values, 0.75),
});

/**
 * Round by round, so that what disturbed a round disturbed both.
 * @param {number[]} above
 * @param {number[]} below
 * @param {(a: number, b: number) => number} [combine]
 */
const byRound = (above, below, combine = (a, b) => a / b) =>
  spread(above.map((value, at) => combine(value, below[at])));

module.exports = { byRound, quantile, spread };
