// Figures and report of the lab: which runs count for the overall share, and how the report shows missing values.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');
const { faultsOf, overallOf, resultsOf, revocationOf, turnOf } = require('../lib/figures.js');
const { lacks } = require('../lib/needs.js');
const { page } = require('../lib/page.js');
const { placed } = require('../lib/report.js');
const { markdown } = require('../lib/table.js');
const { SCENARIOS } = require('../scenarios.js');

/** @typedef {import('../lib/runs.js').Run} Run */

/** @param {Partial<Run>} [own] @returns {Run} */
const run = (own) => ({
  scenario: 'S1',
  form: 'unprotected',
  processes: 6,
  rate: 500,
  sent: 1000,
  unanswered: 0,
  tried: 400,
  violations: 0,
  latency: { mean: 2, p50: 1, p95: 5, p99: 9 },
  ...own,
});

/** @param {number} p95 */
const taking = (p95) => ({ mean: p95 / 2, p50: p95 / 4, p95, p99: 2 * p95 });

/** Returns runs of every scenario in every form, on one process and on six, at these loads. @param {number[]} loads */
function whole(loads) {
  const caught = {
    what: 'at-500-user-1: <4> live sessions',
    requests: [{ label: 'login', sent: 0, done: 0, status: 0 }],
  };
  return SCENARIOS.flatMap(({ id, forms = ['unprotected', 'protected'], sweep }) =>
    forms.flatMap((form) =>
      [1, 6].flatMap((processes) => [
        ...loads.map((rate) => {
          const violations = form === 'unprotected' ? 3 : 0;
          const decisions = { tried: 900, wrong: violations };
          return run({
            scenario: id,
            form,
            processes,
            rate,
            violations,
            decisions,
            caught,
            notes: { seen: 4 },
          });
        }),
        ...(sweep?.values ?? []).map((hot) => run({ scenario: id, form, processes, hot })),
      ]),
    ),
  );
}

/** @param {Run[]} runs @param {string[]} [incomplete] */
const resultsFor = (runs, incomplete = []) =>
  resultsOf({
    machine: { node: '20.0.0', redis: '7.0.0', cpu: '2 × <cpu>', system: 'Linux', front: 'nginx' },
    seed: 1,
    seconds: 5,
    incomplete,
    runs,
  });

describe('the overall share', () => {
  const decisions = { tried: 1000, wrong: 20 };

  it('divides the wrong decisions by all decisions', () => {
    const runs = [run({ decisions }), run({ scenario: 'S3', decisions: { tried: 3000, wrong: 0 } })];
    const { unprotected, scenarios } = overallOf(runs);
    assert.deepEqual(unprotected.many, { wrong: 20, tried: 4000, share: 0.5 });
    assert.deepEqual(scenarios, ['S1', 'S3']);
  });

  it('exists for one process and for several', () => {
    const { unprotected } = overallOf([
      run({ decisions }),
      run({ processes: 1, decisions: { tried: 100, wrong: 1 } }),
    ]);
    assert.equal(unprotected.one.share, 1);
    assert.equal(unprotected.many.share, 2);
  });

  it('excludes lower loads, sweeps, further forms, and operations that are not decisions on a credential', () => {
    const { unprotected, protected: guarded } = overallOf([
      run({ rate: 420, decisions }),
      run({ hot: 0.5, decisions }),
      run({ form: 'session', decisions }),
      run({ violations: 100 }),
    ]);
    for (const share of [unprotected.one, unprotected.many, guarded.one, guarded.many])
      assert.deepEqual(share, { wrong: 0, tried: 0, share: 0 });
  });

  it('of the protected apps also counts the operations of all scenarios at all loads', () => {
    const { operations } = overallOf([
      run({ form: 'protected', rate: 120 }),
      run({ form: 'protected', violations: 2 }),
    ]);
    assert.deepEqual(operations, { violations: 2, tried: 800 });
  });
});

describe('a fault of the protected app', () => {
  it('is a single violation, at any load and in a sweep', () => {
    assert.equal(faultsOf([run({ form: 'protected' })]).length, 0);
    assert.equal(faultsOf([run({ form: 'protected', violations: 1 })]).length, 1);
    assert.equal(faultsOf([run({ form: 'protected', violations: 1, hot: 1 })]).length, 1);
  });

  it('is more than one unanswered request in a hundred, or a run without requests', () => {
    assert.equal(faultsOf([run({ form: 'protected', unanswered: 10 })]).length, 0);
    assert.equal(faultsOf([run({ form: 'protected', unanswered: 11 })]).length, 1);
    assert.equal(faultsOf([run({ form: 'protected', tried: 0 })]).length, 1);
  });

  it('is never reported for another app', () => {
    assert.deepEqual(
      faultsOf([run({ violations: 9, unanswered: 500 }), run({ form: 'lock', violations: 1 })]),
      [],
    );
  });
});

describe('comparisons of waits', () => {
  /** @param {string} scenario @param {Record<string, number>} p95 */
  const at = (scenario, p95) =>
    Object.entries(p95).map(([form, ms]) => run({ scenario, form, latency: taking(ms) }));

  it('show whether latchgate is faster than the database and than the blacklist (S4)', () => {
    const of = (/** @type {number} */ ms) =>
      revocationOf(at('S4', { unprotected: 200, blacklist: 40, protected: ms })).map(({ ahead }) => ahead);
    assert.deepEqual([of(39), of(41), of(201)], [[true], [false], [false]]);
  });

  it('show the cost of the turn against the same app without a turn (S6)', () => {
    const runs = at('S6', { unprotected: 1, alone: 4, protected: 10, lock: 40, counter: 3 });
    runs[3].notes = { 'turned away with 429 or 503': 7 };
    const [{ turn, lock, turnedAway }] = turnOf(runs);
    assert.deepEqual(turn, { mean: 3, p50: 1.5, p95: 6, p99: 12 });
    assert.equal(lock.p95, 36);
    assert.equal(turnedAway, 7);
  });

  it('exist only for forms that were run at the same load', () => {
    assert.deepEqual(revocationOf(at('S4', { unprotected: 2, protected: 1 })), []);
    assert.deepEqual(
      turnOf([run({ scenario: 'S6', form: 'alone' }), run({ scenario: 'S6', form: 'lock', rate: 120 })]),
      [],
    );
  });
});

describe('the report', () => {
  /** Text that a missing value would produce. */
  const gaps = /undefined|NaN|Infinity|null|\[object/;

  for (const [what, runs] of /** @type {Array<[string, Run[]]>} */ ([
    ['a whole run', whole([120, 420, 500, 680, 1100])],
    ['a run of one load', whole([120])],
    ['one scenario without violations', [run({ form: 'protected' }), run()]],
    ['a run without responses', [run({ tried: 0, sent: 0, latency: { mean: 0, p50: 0, p95: 0, p99: 0 } })]],
    ['no run', []],
  ])) {
    it(`shows no missing value as a figure: ${what}`, () => {
      const results = resultsFor(runs);
      assert.doesNotMatch(page(results, SCENARIOS), gaps);
      assert.doesNotMatch(markdown(results, SCENARIOS), gaps);
    });
  }

  it('is self-contained: fetches nothing, and escapes foreign text', () => {
    const html = page(resultsFor(whole([500])), SCENARIOS);
    assert.doesNotMatch(html, /(src|href)="(?!#)|url\(|@import/);
    assert.doesNotMatch(html, /<cpu>|<4>/);
    assert.match(html, /user-1: &#60;4&#62; live sessions/);
  });

  it('has a card, a summary line and a table row for each scenario', () => {
    const results = resultsFor(whole([500]));
    for (const { id } of SCENARIOS) {
      assert.ok(page(results, SCENARIOS).includes(`<section id="${id}">`));
      assert.ok(page(results, SCENARIOS).includes(`href="#${id}"`));
      assert.ok(markdown(results, SCENARIOS).includes(`| ${id} `));
    }
  });

  it('shows waits of one process and of six, and rising contention', () => {
    const html = page(resultsFor(whole([500, 680])), SCENARIOS);
    assert.equal(html.match(/<b>wait, one process<\/b>/g)?.length, SCENARIOS.length + 1);
    assert.equal(html.match(/<b>wait, 6 processes<\/b>/g)?.length, SCENARIOS.length + 1);
    assert.match(html, /As contention grows/);
  });

  it('shows unanswered requests', () => {
    const html = page(resultsFor([run({ unanswered: 77 })]), SCENARIOS);
    assert.match(html, /<th>unanswered<\/th>/);
    assert.match(html, /<td>77<\/td>/);
  });

  it('shows 0 for a run without violations, and "not run" for a missing run', () => {
    const results = resultsFor([run({ processes: 1, decisions: { tried: 9, wrong: 0 } })]);
    assert.match(markdown(results, SCENARIOS), /\| S1 .* \| 0 of 400 \| not run \| not run \|/);
    assert.match(page(results, SCENARIOS), /<b>0 %<\/b>/);
    assert.match(page(results, SCENARIOS), /not run/);
  });

  it('excludes sweeps from its table and from the table of the README', () => {
    const swept = [run({ form: 'protected' }), run({ form: 'protected', tried: 9000, hot: 0.5 })];
    const results = resultsFor(swept);
    assert.equal(results.overall.operations.tried, 400);
    assert.match(markdown(results, SCENARIOS), /\| S1 .* \| 0 of 400 \|\n/);
    assert.doesNotMatch(page(results, SCENARIOS), /of 9,400/);
  });

  it('lists the parts that are missing from a whole run', () => {
    const results = resultsFor(whole([500]), ['S4 not run: install <it>']);
    assert.match(page(results, SCENARIOS), /Not a whole run.*S4 not run: install &#60;it&#62;/);
    assert.match(markdown(results, SCENARIOS), /Incomplete: S4 not run/);
    assert.doesNotMatch(page(resultsFor(whole([500])), SCENARIOS), /Not a whole run/);
  });
});

describe('a missing database', () => {
  const world = /** @type {any} */ ({ database: undefined });

  it('excludes the scenarios that need it, by name', () => {
    const { left, lines } = lacks(world, { scenarios: SCENARIOS, processes: [1] });
    assert.deepEqual(left, ['S4', 'S5', 'S10']);
    assert.match(lines[0], /S4, S5, S10 not run: install PostgreSQL/);
  });

  it('excludes nothing if no scenario needs it', () => {
    const few = SCENARIOS.filter(({ needs }) => needs === undefined);
    assert.deepEqual(lacks(world, { scenarios: few, processes: [1] }), { lines: [], left: [] });
  });
});

describe('the README', () => {
  const readme = fs.readFileSync(path.join(__dirname, '..', '..', '..', 'README.md'), 'utf8');

  it('has a place for the table, and keeps the text around the place', () => {
    const written = placed(readme, 'TABLE');
    assert.match(written, /written by npm run lab -->\nTABLE\n<!-- \/lab -->/);
    assert.equal(placed(written, 'TABLE'), written);
    const around = (/** @type {string} */ text) => text.replace(/(npm run lab -->).*(<!-- \/lab)/s, '$1$2');
    assert.equal(around(written), around(readme));
  });

  it('causes an error if it has no place', () => {
    assert.throws(() => placed('# latchgate', 'TABLE'), /no place for the table/);
  });
});
