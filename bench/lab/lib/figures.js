'use strict';
// What the runs come to, as figures. Knows nothing of how they are shown.

/**
 * @typedef {import('./runs.js').Run} Run
 *
 * @typedef {object} Results
 * @property {Record<string, any>} machine
 * @property {number} seed
 * @property {number} seconds
 * @property {string[]} incomplete what makes it less than a whole run
 * @property {Run[]} runs
 * @property {Overall} overall
 * @property {Ahead[]} revocation S4
 * @property {Added[]} turn S6
 *
 * @typedef {object} Share
 * @property {number} wrong
 * @property {number} tried
 * @property {number} share per cent
 *
 * @typedef {object} Overall decisions on credentials that a race made wrong, at 500 requests/s and more
 * @property {string[]} scenarios that count
 * @property {{ one: Share, many: Share }} unprotected
 * @property {{ one: Share, many: Share }} protected
 * @property {{ violations: number, tried: number }} operations of the protected apps, of all scenarios at all loads
 */

const BUSY = 500;

/** @param {Run[]} runs @param {(run: Run) => number} of */
const sum = (runs, of) => runs.reduce((total, run) => total + of(run), 0);

/** @param {Run[]} runs @returns {Share} */
function shareOf(runs) {
  const tried = sum(runs, ({ decisions }) => decisions?.tried ?? 0);
  const wrong = sum(runs, ({ decisions }) => decisions?.wrong ?? 0);
  return { wrong, tried, share: tried === 0 ? 0 : (100 * wrong) / tried };
}

/** @param {Run[]} runs @returns {Overall} */
function overallOf(runs) {
  const counting = runs.filter(({ rate, decisions, hot }) => rate >= BUSY && decisions && hot === undefined);
  const of = (/** @type {string} */ form) => {
    const own = counting.filter((run) => run.form === form);
    return {
      one: shareOf(own.filter(({ processes }) => processes === 1)),
      many: shareOf(own.filter(({ processes }) => processes > 1)),
    };
  };
  const guarded = runs.filter(({ form, hot }) => form === 'protected' && hot === undefined);
  return {
    scenarios: [...new Set(counting.map(({ scenario }) => scenario))],
    unprotected: of('unprotected'),
    protected: of('protected'),
    operations: {
      violations: sum(guarded, ({ violations }) => violations),
      tried: sum(guarded, ({ tried }) => tried),
    },
  };
}

/**
 * Runs of the same load in several forms, beside each other.
 * @param {Run[]} runs
 * @param {string} scenario
 * @param {string[]} forms only where there are all of them
 * @returns {Array<{ processes: number, rate: number, of: Record<string, Run> }>}
 */
function besides(runs, scenario, forms) {
  const own = runs.filter((run) => run.scenario === scenario && run.hot === undefined);
  const at = own.filter(({ form }) => form === forms[0]);
  return at.flatMap(({ processes, rate }) => {
    const same = own.filter((run) => run.processes === processes && run.rate === rate);
    const of = Object.fromEntries(same.map((run) => [run.form, run]));
    return forms.every((form) => of[form]) ? [{ processes, rate, of }] : [];
  });
}

/**
 * @typedef {object} Ahead p95 of three ways to ask whether a token is revoked, in milliseconds
 * @property {number} processes
 * @property {number} rate
 * @property {number} database
 * @property {number} blacklist
 * @property {number} latchgate
 * @property {boolean} ahead of both
 *
 * @param {Run[]} runs @returns {Ahead[]}
 */
const revocationOf = (runs) =>
  besides(runs, 'S4', ['unprotected', 'blacklist', 'protected']).map(({ processes, rate, of }) => {
    const database = of.unprotected.latency.p95;
    const blacklist = of.blacklist.latency.p95;
    const latchgate = of.protected.latency.p95;
    const ahead = latchgate < Math.min(database, blacklist);
    return { processes, rate, database, blacklist, latchgate, ahead };
  });

/**
 * @typedef {Run['latency']} Latency
 * @typedef {object} Added to what the same app takes without one, in milliseconds
 * @property {number} processes
 * @property {number} rate
 * @property {Latency} alone what it takes without
 * @property {Latency} turn
 * @property {Latency} lock of 100 ms, with three attempts
 * @property {number} turnedAway by the lock
 *
 * @param {Run[]} runs @returns {Added[]}
 */
const turnOf = (runs) =>
  besides(runs, 'S6', ['alone', 'protected', 'lock']).map(({ processes, rate, of }) => {
    const without = of.alone.latency;
    const more = (/** @type {Run} */ { latency }) => ({
      mean: latency.mean - without.mean,
      p50: latency.p50 - without.p50,
      p95: latency.p95 - without.p95,
      p99: latency.p99 - without.p99,
    });
    const turnedAway = of.lock.notes?.['turned away with 429 or 503'] ?? 0;
    return { processes, rate, alone: without, turn: more(of.protected), lock: more(of.lock), turnedAway };
  });

/** What the protected apps must not show. An app that serves nobody shows no violation either. @param {Run[]} runs @returns {string[]} */
function faultsOf(runs) {
  return runs
    .filter(({ form }) => form === 'protected')
    .flatMap(({ scenario, processes, rate, tried, violations, sent, unanswered }) => {
      const where = `${scenario} with latchgate, ${processes} ${processes === 1 ? 'process' : 'processes'}, ${rate}/s`;
      return [
        ...(violations > 0 ? [`${where}: ${violations} of ${tried} went wrong`] : []),
        ...(unanswered > sent / 100 ? [`${where}: ${unanswered} of ${sent} not answered`] : []),
        ...(tried === 0 ? [`${where}: nothing tried`] : []),
      ];
    });
}

/** @param {Run[]} runs */
function summary(runs) {
  const { unprotected, protected: guarded, operations } = overallOf(runs);
  const text = (/** @type {Share} */ { wrong, tried, share }) =>
    `${share.toFixed(2)} % (${wrong} of ${tried})`;
  return [
    `decisions on credentials that a race made wrong, at ${BUSY}/s and more:`,
    `  unprotected  ${text(unprotected.one)} with one process, ${text(unprotected.many)} with several`,
    `  latchgate    ${text(guarded.one)} with one process, ${text(guarded.many)} with several`,
    `violations of the protected apps: ${operations.violations} of ${operations.tried} operations`,
  ].join('\n');
}

/** @param {Omit<Results, 'overall' | 'revocation' | 'turn'>} found @returns {Results} */
const resultsOf = (found) => ({
  ...found,
  overall: overallOf(found.runs),
  revocation: revocationOf(found.runs),
  turn: turnOf(found.runs),
});

module.exports = { BUSY, faultsOf, overallOf, resultsOf, revocationOf, sum, summary, turnOf };
