'use strict';
// Figures of one run by row, contender and metric, and what they are to each other. Ratios are taken within rounds.

const { byRound, spread } = require('./stats.js');

/**
 * @typedef {object} Measured
 * @property {Record<string, number>} metrics
 * @property {Record<string, number>} [counters] of what must not happen; undefined where nothing of it can be told
 * @property {number} failed requests that were refused though they should have passed
 *
 * @typedef {Record<string, Record<string, Measured[]>>} Rows
 * @typedef {object} Goal
 * @property {string} row
 * @property {string} what
 * @property {'more' | 'less' | 'exactly'} better
 * @property {number} [goal] none: for comparison only
 * @property {number} [moonshot]
 * @property {string} unit
 * @property {(rows: Rows) => import('./stats.js').Spread} value
 */

/** Nothing of a contender that an earlier run did not know. @param {Rows} rows @param {string} row @param {string} contender @param {string} metric */
const series = (rows, row, contender, metric) =>
  (rows[row][contender] ?? []).map(({ metrics }) => metrics[metric]);

/**
 * @param {string} row
 * @param {[contender: string, metric: string]} above
 * @param {[contender: string, metric: string]} below
 * @param {(a: number, b: number) => number} [combine]
 * @returns {Goal['value']}
 */
const ratio = (row, above, below, combine) => (rows) =>
  byRound(series(rows, row, ...above), series(rows, row, ...below), combine);

/** @param {string} row @param {string} contender @param {string} metric @returns {Goal['value']} */
const plain = (row, contender, metric) => (rows) => spread(series(rows, row, contender, metric));

module.exports = { plain, ratio };
