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

/** In how many runs it is ahead of both; the run at the highest load is told. @param {Results} results */
function revocation({ revocation: rows }) {
  const last = rows.at(-1);
  if (last === undefined) return [];
  const ahead = rows.filter((row) => row.ahead).length;
  return [
    `To ask at every request whether a token is revoked (S4) takes, p95 at ${number(last.rate)}/s with ${last.processes === 1 ? 'one process' : 'six'}: ${ms(last.database)} by a row in PostgreSQL, ${ms(last.blacklist)} by a blacklist in Redis, ${ms(last.latchgate)} with latchgate, which is ahead of both in ${ahead} of ${rows.length} runs.`,
  ];
}

/** @param {Results} results */
function turn({ turn: rows }) {
  if (rows.length === 0) return [];
  const parts = rows
    .filter(({ rate }) => rate === (rows.find((row) => row.rate >= BUSY)?.rate ?? rows[0].rate))
    .map(
      ({ processes, turn: added, lock, turnedAway }) =>
        `${ms(added.mean)} with ${processes === 1 ? 'one process' : 'six'} (a lock of 100 ms with three attempts ${ms(lock.mean)}, and ${number(turnedAway)} turned away)`,
    );
  const rate = rows.find((row) => row.rate >= BUSY)?.rate ?? rows[0].rate;
  return [`A user's turn (S6) adds in the mean, at ${number(rate)}/s: ${parts.join('; ')}.`];
}

/** @param {Results} results @param {import('../scenarios.js').Entry[]} scenarios @returns {string} */
function markdown(results, scenarios) {
  const { runs, machine, seconds, seed, incomplete } = results;
  const rows = scenarios.map(({ id, title, violation }) => {
    const own = runs.filter(({ scenario }) => scenario === id);
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
