// latchgate audit, against apps that are known to lose races, and against the same on latchgate.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { before, describe, it } = require('node:test');
const { installContenders } = require('../../bench/lib/nodes.js');
const { linkLatchgate, startArena } = require('../../bench/lab/lib/arena.js');
const { SCENARIOS } = require('../../bench/lab/scenarios.js');
const { audit } = require('../../src/js/cli/audit/index.js');
const { missing, startServer } = require('../support/servers.js');
const { ownDirectory } = require('../support/started.js');

/** @typedef {import('../../src/js/cli/audit/races.js').Finding} Finding */

const login = { path: '/login', body: { user: '{user}' }, token: 'body.token' };
const key = { path: '/odds', headers: { 'x-api-key': '{token}' } };

/** How each app of the lab is described, and which of its races is lost. */
const APPS = [
  {
    id: 'S1',
    race: 'over-admission',
    config: { login: { ...login, sessionLimit: 3 }, use: { path: '/me' } },
  },
  {
    id: 'S3',
    race: 'use after revocation',
    config: {
      login,
      use: { method: 'POST', path: '/bets' },
      revoke: { path: '/ban', body: { user: '{user}' } },
    },
  },
  {
    id: 'S8',
    race: 'overspending',
    config: {
      login: { path: '/keys', body: { owner: '{user}', calls: 20 }, token: 'body.key' },
      use: key,
      quota: { ...key, limit: 20 },
    },
  },
  {
    id: 'S11',
    race: 'lost refresh',
    config: {
      login: { ...login, token: 'body.accessToken', refreshToken: 'body.refreshToken' },
      use: { path: '/me' },
      refresh: { path: '/refresh', body: { refreshToken: '{refreshToken}' } },
    },
  },
];

/** An app that loses a race loses it sooner or later: it has many chances. */
const MANY = { rounds: 60, requests: 20_000, seconds: 60 };
const FEW = { rounds: 2 };

/**
 * @param {import('node:test').TestContext} t
 * @param {object} config
 * @param {string[]} [args]
 */
async function run(t, config, args = []) {
  const file = path.join(ownDirectory(t, 'audit'), 'audit.json');
  fs.writeFileSync(file, JSON.stringify(config));
  /** @type {string[]} */
  const said = [];
  const code = await audit([file, ...args], {
    log: (text) => said.push(text),
    fail: (text) => said.push(text),
  });
  return { code, text: said.join('\n'), file };
}

/**
 * @param {import('node:test').TestContext} t
 * @param {{ directory: string }} scenario
 * @param {string} form
 */
async function arena(t, scenario, form) {
  const server = await startServer(t);
  const running = await startArena(scenario, {
    form,
    processes: 6,
    redisPort: server.port,
  });
  t.after(() => running.stop());
  return `http://127.0.0.1:${running.port}`;
}

/** @param {string} id */
const scenarioOf = (id) =>
  /** @type {import('../../bench/lab/scenarios.js').Entry} */ (SCENARIOS.find((each) => each.id === id));

describe('latchgate audit', async () => {
  const skip = await missing('redis');
  before(async () => {
    if (skip) return;
    await installContenders();
    linkLatchgate();
  });

  for (const { id, race, config } of APPS) {
    it(`finds ${race} in the app as it is usually written (${id})`, { skip }, async (t) => {
      const base = await arena(t, scenarioOf(id), 'unprotected');
      const { code, text } = await run(t, { base, bounds: MANY, ...config }, ['--only', race, '--json']);
      const { findings } = JSON.parse(text);
      assert.equal(code, 1, text);
      assert.equal(findings[0].verdict, 'found');
      assert.ok(findings[0].evidence.length > 0);
    });

    it(`finds nothing in the same app on latchgate (${id})`, { skip }, async (t) => {
      const base = await arena(t, scenarioOf(id), 'protected');
      const { code, text } = await run(t, { base, bounds: FEW, ...config }, ['--json']);
      const { findings } = JSON.parse(text);
      assert.equal(code, 0, text);
      const mine = findings.find((/** @type {Finding} */ finding) => finding.race === race);
      assert.equal(mine.verdict, 'clean', text);
    });
  }

  it('finds what it finds in an app of other libraries: express-session with connect-redis', {
    skip,
  }, async (t) => {
    const base = await arena(t, { directory: 'others' }, 'express-session');
    const config = {
      base,
      bounds: { ...MANY, rounds: 20 },
      login: { path: '/login', body: { user: '{user}' } },
      use: { path: '/me' },
      quota: { path: '/report', limit: 10 },
      revoke: { method: 'POST', path: '/logout' },
    };
    const { code, text } = await run(t, config, ['--json']);
    t.diagnostic(text.slice(0, 2000));
    assert.equal(code, 1);
    const found = JSON.parse(text).findings.filter((/** @type {Finding} */ each) => each.verdict === 'found');
    assert.ok(found.some((/** @type {Finding} */ each) => each.race === 'overspending'));
  });

  it('shows no token, and the same users for the same seed', { skip }, async (t) => {
    const base = await arena(t, scenarioOf('S3'), 'protected');
    const [, { config }] = APPS;
    const page = path.join(ownDirectory(t, 'page'), 'audit.html');
    const once = await run(t, { base, bounds: { rounds: 1 }, ...config }, [
      '--seed',
      'seven',
      '--html',
      page,
    ]);
    assert.equal(once.code, 0, once.text);
    assert.match(once.text, /seed seven/);
    for (const said of [once.text, fs.readFileSync(page, 'utf8')]) assert.doesNotMatch(said, /eyJ/);
    // Those users are banned by now.
    const again = await run(t, { base, bounds: { rounds: 1 }, ...config }, ['--seed', 'seven']);
    assert.equal(again.code, 2, again.text);
  });

  it('keeps to its bounds', { skip }, async (t) => {
    const base = await arena(t, scenarioOf('S1'), 'protected');
    const bounds = { requests: 50, parallel: 20, rounds: 5 };
    const { text } = await run(t, { base, bounds, ...APPS[0].config }, ['--json']);
    const { requests, findings } = JSON.parse(text);
    assert.ok(requests <= 50);
    assert.match(findings[0].says, /bounds\.requests/);
  });
});

describe('latchgate audit refuses', () => {
  const good = { base: 'http://127.0.0.1:1', ...APPS[0].config };
  for (const [what, config, says] of /** @type {Array<[string, object, RegExp]>} */ ([
    [
      'a host that nobody has said is theirs',
      { ...good, base: 'https://example.com' },
      /--i-own-this example\.com/,
    ],
    ['an option that it does not know', { ...good, logn: {} }, /did you mean login/],
    ['a route that is none', { ...good, use: { path: 'me' } }, /use\.path must begin with/],
    ['a base that is no URL', { ...good, base: 'ftp://127.0.0.1' }, /base must be/],
    ['a limit that is none', { ...good, quota: { path: '/x', limit: 0 } }, /quota\.limit/],
    ['a bound beyond all bounds', { ...good, bounds: { requests: 1e9 } }, /bounds\.requests/],
  ])) {
    it(what, async (t) => {
      const { code, text } = await run(t, config);
      assert.equal(code, 2);
      assert.match(text, says);
    });
  }

  it('an app that is not there, as not run', async (t) => {
    const { code, text } = await run(t, good);
    assert.equal(code, 2);
    assert.match(text, /not run +over-admission/);
  });
});
