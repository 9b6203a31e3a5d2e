'use strict';
// What the runs come to, as figures and as a table for a reader.

/**
 * @typedef {import('../run.js').Run} Run
 * @typedef {object} Results
 * @property {Record<string, any>} machine
 * @property {number} seed
 * @property {number} seconds
 * @property {Run[]} runs
 * @property {Overall} overall
 *
 * @typedef {object} Overall
 * @property {number} one share of violations, unprotected, one process, 500 requests/s and more, per cent
 * @property {number} many the same of several processes
 * @property {number} protected violations at any load
 * @property {number} tried by the protected apps
 */

const BUSY = 500;

/** @param {Run[]} runs @returns {Overall} */
function overallOf(runs) {
  const plain = runs.filter(({ form, rate }) => form === 'unprotected' && rate >= BUSY);
  const guarded = runs.filter(({ form }) => form === 'protected');
  return {
    one: share(plain.filter(({ processes }) => processes === 1)),
    many: share(plain.filter(({ processes }) => processes > 1)),
    protected: sum(guarded, 'violations'),
    tried: sum(guarded, 'tried'),
  };
}

/** @param {Run[]} runs @param {'tried' | 'violations'} name */
const sum = (runs, name) => runs.reduce((total, run) => total + run[name], 0);

/** @param {Run[]} runs per cent */
function share(runs) {
  const tried = sum(runs, 'tried');
  return tried === 0 ? 0 : (100 * sum(runs, 'violations')) / tried;
}

/**
 * Violations by scenario, one process and several, at every load together.
 * @param {Run[]} runs
 * @param {import('../scenarios.js').Entry[]} scenarios
 * @returns {string} Markdown
 */
function markdown(runs, scenarios) {
  const cell = (/** @type {Run[]} */ own) => {
    const [violations, tried] = [sum(own, 'violations'), sum(own, 'tried')];
    return tried === 0 ? '–' : `${violations.toLocaleString('en-US')} of ${tried.toLocaleString('en-US')}`;
  };
  const rows = scenarios.flatMap(({ id, title, violation }) => {
    const own = runs.filter(({ scenario }) => scenario === id);
    if (own.length === 0) return [];
    const of = (/** @type {string} */ form, /** @type {boolean} */ one) =>
      cell(own.filter((run) => run.form === form && (run.processes === 1) === one));
    const guarded = cell(own.filter(({ form }) => form === 'protected'));
    return [
      `| ${id} ${title}: ${violation} | ${of('unprotected', true)} | ${of('unprotected', false)} | ${guarded} |`,
    ];
  });
  return [
    '| violation | unprotected, 1 process | 6 processes | latchgate, both |',
    '|---|---|---|---|',
    ...rows,
  ].join('\n');
}

module.exports = { markdown, overallOf };
