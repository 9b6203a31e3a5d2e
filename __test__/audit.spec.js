// The command latchgate audit, against an app that keeps every rule or breaks one rule at every request.
// __test__/redis/audit.spec.js tests races that are lost by chance. audit-gate.spec.js tests what a burst sends.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');
const { BOUNDS } = require('../src/cli/audit/config.js');
const { RACES } = require('../src/cli/audit/races/index.js');
const { COMMAND, audit, told } = require('./support/audit.js');
const { runNode } = require('./support/child.js');
const { LIMITS, openShop } = require('./support/shop.js');
const { ownDirectory } = require('./support/started.js');

/** @typedef {import('../src/cli/audit/run.js').Finding} Finding */

const NAMES = RACES.map(({ name }) => name);

/** @param {Finding[]} findings */
const verdicts = (findings) => Object.fromEntries(findings.map(({ race, verdict }) => [race, verdict]));

/** @param {Finding[]} findings @param {string} race @returns {Finding} */
const of = (findings, race) => /** @type {Finding} */ (findings.find((each) => each.race === race));

const ONCE = { bounds: { rounds: 1 } };

describe('latchgate audit exits with 0', () => {
  it('and runs every race if the app loses none', async (t) => {
    const { shop, config } = await openShop(t);
    const ending = await audit(t, { ...config, ...ONCE }, ['--json']);
    assert.deepEqual([ending.status, ending.stderr], [0, ''], ending.stdout);
    const { requests, findings } = told(ending);
    assert.deepEqual(verdicts(findings), Object.fromEntries(NAMES.map((name) => [name, 'clean'])));
    for (const { rounds, tried, race } of findings) assert.ok(rounds === 1 && tried > 0, race);
    assert.equal(shop.log.length, requests);
    assert.ok(requests * BOUNDS.rounds <= BOUNDS.requests, `${requests} a round`);
  });

  it('and names the races that the configuration leaves out', async (t) => {
    const { config } = await openShop(t);
    const { base, login, use, once } = config;
    const ending = await audit(t, { base, login: { ...login, sessionLimit: undefined }, use, once, ...ONCE });
    assert.equal(ending.status, 0, ending.stdout);
    assert.match(ending.stdout, /^clean +done twice: 0 violations/m);
    assert.match(ending.stdout, /^left out +overspending: \(the configuration does not say quota\)$/m);
    assert.equal(ending.stdout.match(/^left out /gm)?.length, NAMES.length - 1);
  });

  it('and still exceeds the limits by one request if it may send only two requests at the same time', async (t) => {
    const { config } = await openShop(t);
    const ending = await audit(t, { ...config, bounds: { rounds: 1, parallel: 2, seconds: 8 } }, ['--json']);
    assert.equal(ending.status, 0, ending.stdout);
    const { findings } = told(ending);
    assert.equal(of(findings, 'overspending').tried, LIMITS.calls + 1);
    assert.equal(of(findings, 'over-admission').tried, LIMITS.sessions + 1);
  });
});

describe('latchgate audit exits with 1', () => {
  for (const race of NAMES) {
    for (const parallel of [2, 40]) {
      it(`if it finds ${race}, with ${parallel} parallel requests`, async (t) => {
        const { config } = await openShop(t, { loses: race });
        const bounds = { parallel, rounds: 3, seconds: 8 };
        const ending = await audit(t, { ...config, bounds }, ['--only', race, '--json']);
        assert.equal(ending.status, 1, ending.stdout + ending.stderr);
        const { findings } = told(ending);
        assert.deepEqual(verdicts(findings), { [race]: 'found' });
        assert.equal(findings[0].rounds, 1, 'the command continues after its first finding');
        assert.ok(Number(findings[0].evidence?.length) > 0);
      });
    }
  }

  it('and finds nothing else in that app', async (t) => {
    const { config } = await openShop(t, { loses: 'done twice' });
    const ending = await audit(t, { ...config, ...ONCE }, ['--json']);
    const expected = NAMES.map((name) => [name, name === 'done twice' ? 'found' : 'clean']);
    assert.deepEqual(verdicts(told(ending).findings), Object.fromEntries(expected));
    assert.equal(ending.status, 1);
  });
});

describe('latchgate audit exits with 2', () => {
  it('if one race cannot run, although the others are clean', async (t) => {
    const { config } = await openShop(t);
    const { base, login, use, once } = config;
    const quota = { path: '/nowhere', limit: 5 };
    const ending = await audit(t, { base, login, use, once, quota, ...ONCE });
    assert.equal(ending.status, 2);
    assert.match(ending.stdout, /^clean +done twice/m);
    assert.match(ending.stdout, /^not run +overspending: \(the rationed route was answered 404\)$/m);
  });

  it('if the configuration names no race', async (t) => {
    const { base, config } = await openShop(t);
    const ending = await audit(t, { base, login: { path: '/login' }, use: config.use });
    assert.equal(ending.status, 2, ending.stdout);
  });

  for (const [what, change, says] of /** @type {Array<[string, object, RegExp]>} */ ([
    [
      'the credential is not accepted',
      { use: { path: '/nowhere' } },
      /over-admission: \(the credential of a login was answered 404/,
    ],
    [
      'the refresh route does not exist',
      { refresh: { path: '/nowhere', body: {} } },
      /lost refresh: \(refresh was answered 404/,
    ],
    [
      'the sum is not a number',
      { sum: { path: '/progress', value: 'body.sum' } },
      /lost update: \(there is no number at body\.sum/,
    ],
    [
      'the route that adds does not exist',
      { add: { path: '/nowhere', body: {}, by: 1 } },
      /lost update: \(what adds was answered 404/,
    ],
    [
      'the route that must run once does not exist',
      { once: { path: '/nowhere' } },
      /done twice: \(what is done once was answered 404/,
    ],
    [
      'the logout route does not exist',
      { revoke: { path: '/nowhere' } },
      /use after revocation: \(revoke was answered 404/,
    ],
    [
      'the quota limit exceeds the bounds',
      { quota: { path: '/report', limit: 100_000 } },
      /overspending: \(a limit of 100000 lies beyond bounds\.requests/,
    ],
  ])) {
    it(`if ${what}`, async (t) => {
      const { config } = await openShop(t);
      const race = String(/[a-z -]+(?=: )/.exec(says.source));
      const ending = await audit(t, { ...config, ...change, ...ONCE }, ['--only', race]);
      assert.equal(ending.status, 2, ending.stdout);
      assert.match(ending.stdout, says);
    });
  }

  /** @type {Array<[string, string, string, RegExp]>} */
  const FILES = [
    ['throws', 'audit.cjs', "throw new Error('no such stage')", /audit\.cjs throws: no such stage/],
    ['throws a value that is not an error', 'audit.cjs', 'throw null', /audit\.cjs throws: null/],
    [
      'fails after the file was read',
      'audit.cjs',
      "Promise.reject(new Error('no such stage')); module.exports = {};",
      /no such stage/,
    ],
    ['is not a module', 'audit.mjs', 'export default {', /audit\.mjs throws: /],
    ['exports nothing', 'audit.mjs', 'export const base = 1;', /must be an object/],
    ['is no JSON', 'audit.json', '{ "password": Hush-Hush }', /audit\.json is not JSON/],
    ['is a list', 'audit.json', '[]', /must be an object/],
  ];
  for (const [what, name, text, says] of FILES) {
    it(`if the file ${what}`, async (t) => {
      const { status, stdout, stderr } = await audit(t, text, [], { name });
      assert.deepEqual([status, stdout], [2, '']);
      assert.match(stderr, says);
      assert.doesNotMatch(stderr, /Hush|\n +at /);
    });
  }

  it('if it cannot write the page, before it sends a request', async (t) => {
    const { shop, config } = await openShop(t);
    const ending = await audit(t, config, ['--html', ownDirectory(t, 'page')]);
    assert.deepEqual([ending.status, ending.stdout], [2, '']);
    assert.match(ending.stderr, /EISDIR/);
    assert.equal(shop.log.length, 0);
  });

  it('if the command line is invalid', async () => {
    for (const [args, says] of /** @type {Array<[string[], RegExp]>} */ ([
      [[], /which file/],
      [['a.json', 'b.json'], /one file at a time/],
      [['nowhere.json'], /there is no file nowhere\.json/],
      [['a.json', '--force'], /--force/],
      [['a.json', '--only', 'overspendin'], /--only takes one of 'over-admission'/],
    ])) {
      const { status, stdout, stderr } = await runNode([COMMAND, 'audit', ...args]);
      assert.deepEqual([status, stdout], [2, '']);
      assert.match(stderr, says);
    }
  });
});

describe('latchgate audit neither counts nor excuses', () => {
  /** @type {Array<[string, string, RegExp]>} */
  const CUT = [
    ['/me', 'lost login', /^clean +lost login: 0 violations, 3 requests/m],
    ['/report', 'wrong refusal', /^clean +wrong refusal: 0 violations, 7 requests/m],
    ['/wager', 'lost update', /^clean +lost update: 0 violations, 40 requests/m],
    ['/refresh', 'lost refresh', /^not run +lost refresh: \(a refresh was not answered\)/m],
  ];
  for (const [cuts, race, says] of CUT) {
    it(`a request that was applied but not answered: ${race}`, async (t) => {
      const { config } = await openShop(t, { cuts });
      const { stdout } = await audit(t, { ...config, ...ONCE }, ['--only', race]);
      assert.match(stdout, says);
    });
  }
});

describe('latchgate audit reports', () => {
  it('for a revocation, exactly the requests that were allowed after it', async (t) => {
    const { shop, config } = await openShop(t, { loses: 'use after revocation' });
    const bounds = { rounds: 1, seconds: 4 };
    const ending = await audit(t, { ...config, bounds }, ['--only', 'use after revocation', '--json']);
    const [{ tried, violations, evidence = [] }] = told(ending).findings;
    const [first, ...others] = evidence;
    assert.deepEqual([first.what, first.status, first.sent], ['revoke', 204, 0]);
    assert.ok(others.length > 0);
    for (const { what, status, sent, done } of others) {
      assert.deepEqual([what, status], ['use', 200]);
      assert.ok(sent >= first.done && done >= sent, 'the request began before the revocation was answered');
    }
    // Ten requests before the revocation, and ten at the same time.
    const uses = shop.log.filter((seen) => seen.path === '/me');
    assert.deepEqual([tried, violations], [uses.length - 20, uses.length - 20]);
    assert.equal(others.length, Math.min(violations, 49));
  });

  it('for a quota, when each request was sent and answered, and its status, in the text and on the page', async (t) => {
    const { shop, config } = await openShop(t, { loses: 'overspending' });
    const page = path.join(ownDirectory(t, 'page'), 'audit.html');
    const bounds = { rounds: 1, parallel: 20 };
    const args = ['--only', 'overspending', '--seed', '<i>', '--html', page];
    const { status, stdout } = await audit(t, { ...config, bounds }, args);
    assert.equal(status, 1);
    const granted = shop.log.filter((seen) => seen.path === '/report' && seen.status === 200).length;
    assert.equal(granted, 20);
    const lines = stdout.split('\n');
    assert.match(lines[0], /^audit of http:\/\/127\.0\.0\.1:\d+: 21 requests in \d+\.\d s, seed <i>$/);
    assert.equal(
      lines[1],
      `FOUND     overspending: ${granted - LIMITS.calls} violations, 20 requests, 1 rounds`,
    );
    assert.equal(lines[2].trim(), `20 requests were let through, ${LIMITS.calls} are allowed`);
    const shown = lines.filter((line) =>
      /^ +rationed +sent \d+\.\d{3} ms, answered \d+\.\d{3} ms: 200$/.test(line),
    );
    assert.equal(shown.length, 12);
    assert.equal(lines.at(-2)?.trim(), 'and 8 more (--json has them)');
    const html = fs.readFileSync(page, 'utf8');
    assert.match(html, /<b class="found">found<\/b> overspending/);
    assert.match(html, /20 requests were let through/);
    assert.equal(
      html.match(/<tr><td>rationed<\/td><td>\d+\.\d{3}<\/td><td>\d+\.\d{3}<\/td><td>200<\/td>/g)?.length,
      20,
    );
    assert.match(html, /seed &#60;i&#62;/);
    assert.doesNotMatch(html, /<i>/);
  });

  for (const loses of NAMES) {
    it(`for ${loses}, no token, no cookie and no password`, async (t) => {
      const accounts = { ada: 'Hush-"Hush"-ada', bob: 'Hush-Hush-bob' };
      const users = Object.entries(accounts).map(([user, password]) => ({ user, password }));
      const page = path.join(ownDirectory(t, 'page'), 'audit.html');
      for (const form of [['--json', '--html', page], []]) {
        const { shop, config } = await openShop(t, { loses, accounts });
        const whole = { ...config, users, bounds: { rounds: 1, seconds: 8 } };
        const { status, stdout, stderr } = await audit(t, whole, [...form, '--only', loses]);
        assert.equal(status, 1, stdout + stderr);
        const said = [stdout, stderr, fs.readFileSync(page, 'utf8')].join();
        assert.ok(shop.secrets.length > 0);
        for (const secret of [...shop.secrets, 'Hush']) assert.ok(!said.includes(secret), secret);
      }
    });
  }
});
