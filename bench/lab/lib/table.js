'use strict';
// What was found, as Markdown for the README.

const { BUSY, sum } = require('./figures.js');

/**
 * @typedef {import('./figures.js').Results} Results
 * @typedef {import('./figures.js').Run} Run
 */

/** @param {number} value */
const number = (value) => value.toLocaleString('en-US');

/** @param {number} value per cent */
const percent = (value) => `${value === 0 ? 0 : value.toFixed(2)} %`;

/** @param {number} value milliseconds */
const ms = (value) =>
  value >= 1000 ? `${(value / 1000).toFixed(1)} s` : `${value.toFixed(Math.abs(value) < 10 ? 1 : 0)} ms`;

/** @param {Run[]} runs */
function counted(runs) {
  const [violations, tried] = [sum(runs, (run) => run.violations), sum(runs, (run) => run.tried)];
  return tried === 0 ? 'not run' : `${number(violations)} of ${number(tried)}`;
}

/** @param {Results} results */
function shares({ overall: { unprotected, protected: guarded, scenarios } }) {
  const row = (/** @type {string} */ name, /** @type {import('./figures.js').Share} */ share) =>
    `${name} ${percent(share.share)} (${number(share.wrong)} of ${number(share.tried)})`;
  return `Decisions on credentials that a race made wrong, at ${BUSY} requests/s and more (${scenarios.join(', ')}): ${row('with one process', unprotected.one)}, ${row('with six', unprotected.many)}; on latchgate ${row('', guarded.one).trim()} and ${row('', guarded.many).trim()}.`;
}

/** @param {number} processes */
const many = (processes) => (processes === 1 ? 'one process' : 'six');

/** The loads of which the README tells: the first that is busy, and the highest. @param {Array<{ rate: number }>} rows */
function toldOf(rows) {
  const rates = rows.map(({ rate }) => rate);
  return [...new Set([Math.min(...rates.filter((rate) => rate >= BUSY)), Math.max(...rates)])].filter(
    Number.isFinite,
  );
}

/** @param {Results} results */
function revocation({ revocation: rows }) {
  if (rows.length === 0) return [];
  const ahead = rows.filter((row) => row.ahead).length;
  const parts = toldOf(rows).flatMap((rate) =>
    rows
      .filter((row) => row.rate === rate)
      .map(
        ({ processes, database, blacklist, latchgate }) =>
          `| ${number(rate)}/s, ${many(processes)} | ${ms(database)} | ${ms(blacklist)} | ${ms(latchgate)} |`,
      ),
  );
  return [
    `To ask at every request whether a token is revoked (S4) takes, p95 (latchgate is ahead of both in ${ahead} of ${rows.length} runs):`,
    ['| | a row in PostgreSQL | a blacklist in Redis | latchgate |', '|---|---|---|---|', ...parts].join(
      '\n',
    ),
  ];
}

/** @param {Results} results */
function turn({ turn: rows }) {
  if (rows.length === 0) return [];
  const parts = toldOf(rows).flatMap((rate) =>
    rows
      .filter((row) => row.rate === rate)
      .map(
        ({ processes, turn: added, lock, turnedAway }) =>
          `| ${number(rate)}/s, ${many(processes)} | ${ms(added.mean)} | ${ms(lock.mean)}, ${number(turnedAway)} turned away |`,
      ),
  );
  return [
    "A user's turn (S6) adds to the same app without one, in the mean:",
    ['| | a turn | a lock of 100 ms, three attempts |', '|---|---|---|', ...parts].join('\n'),
  ];
}

/** @param {Results} results @param {import('../scenarios.js').Entry[]} scenarios @returns {string} */
function markdown(results, scenarios) {
  const { runs, machine, seconds, seed, incomplete } = results;
  const rows = scenarios.map(({ id, title, violation }) => {
    const own = runs.filter((run) => run.scenario === id && run.hot === undefined);
    const of = (/** @type {string} */ form, /** @type {boolean} */ one) =>
      counted(own.filter((run) => run.form === form && (run.processes === 1) === one));
    const guarded = counted(own.filter(({ form }) => form === 'protected'));
    return `| ${id} ${title}: ${violation} | ${of('unprotected', true)} | ${of('unprotected', false)} | ${guarded} |`;
  });
  return [
    ...incomplete.map((text) => `*Incomplete: ${text}.*\n`),
    '| what must not happen | unprotected, 1 process | 6 processes | latchgate, both |',
    '|---|---|---|---|',
    ...rows,
    '',
    shares(results),
    '',
    ...[...revocation(results), ...turn(results)].flatMap((text) => [text, '']),
    `${seconds} s a run, seed ${seed}, on ${machine.cpu}, which servers and clients share.`,
  ].join('\n');
}

module.exports = { markdown, ms, number, percent };
