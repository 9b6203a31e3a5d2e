// latchgate audit against the apps of the lab, which lose races by chance, and against the same apps on latchgate.
// __test__/audit.spec.js tests apps that lose a race at every request.
'use strict';

const assert = require('node:assert/strict');
const { before, describe, it } = require('node:test');
const { installContenders } = require('../../bench/lib/nodes.js');
const { backOffice, linkLatchgate, startArena } = require('../../bench/lab/lib/arena.js');
const { SCENARIOS } = require('../../bench/lab/scenarios.js');
const { audit, told } = require('../support/audit.js');
const { missing, startServer } = require('../support/servers.js');

const deadline = 180_000;
const login = { path: '/login', body: { user: '{user}' }, token: 'body.token' };
/** The tried credential is in a header of its own, so that the audit does not replace this credential. */
const office = { authorization: `Bearer ${backOffice()}`, 'x-tried': '{token}' };
const keys = { ...login, path: '/keys', headers: { authorization: office.authorization }, token: 'body.key' };
const odds = { path: '/odds', headers: { 'x-api-key': '{token}' } };

/** A racy app loses a race within this number of rounds. The same app on latchgate gets the same number. */
const ROUNDS = 12;
/** Each of these rounds takes seconds, and every round meets a stale cache. */
const FEW_ROUNDS = 3;
const BOUNDS = { rounds: ROUNDS, requests: 20_000, seconds: 120 };

/**
 * Description of each app of the lab, and the race that it loses. If `only` is set, the description is true for
 * that race alone.
 * @type {Array<{ id: string, race: string, config: object, rounds?: number, only?: boolean }>}
 */
const APPS = [
  {
    id: 'S1',
    race: 'over-admission',
    config: { login: { ...login, sessionLimit: 3 }, use: { path: '/me' } },
  },
  {
    // The app has no limit, so that this number of sessions must work.
    id: 'S2',
    race: 'lost login',
    only: true,
    config: { login: { ...login, sessionLimit: 40 }, use: { path: '/me' } },
  },
  {
    id: 'S3',
    race: 'use after revocation',
    rounds: FEW_ROUNDS,
    config: {
      login,
      use: { method: 'POST', path: '/bets' },
      revoke: { path: '/ban', headers: office, body: { user: '{user}' } },
    },
  },
  {
    id: 'S6',
    race: 'lost update',
    config: {
      login,
      use: { path: '/progress' },
      add: { path: '/wager', body: { stake: 5 }, by: 5 },
      sum: { path: '/progress', value: 'body.progress' },
    },
  },
  {
    id: 'S7',
    race: 'done twice',
    config: {
      login,
      use: { path: '/register', body: { tournament: 'other' } },
      once: { path: '/register', body: { tournament: 'cup' } },
    },
  },
  {
    id: 'S8',
    race: 'overspending',
    config: {
      login: { ...keys, body: { owner: '{user}', calls: 20 } },
      use: odds,
      quota: { ...odds, limit: 20 },
    },
  },
  {
    id: 'S9',
    race: 'use after revocation',
    rounds: FEW_ROUNDS,
    config: {
      login: { ...keys, body: { owner: '{user}', calls: 1_000_000 }, values: { id: 'body.id' } },
      use: odds,
      revoke: { path: '/revoke', headers: office, body: { id: '{id}' } },
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
  {
    // The limit is a million: no client reaches it.
    id: 'S13',
    race: 'wrong refusal',
    only: true,
    config: {
      login,
      use: { path: '/spend', body: {} },
      quota: { path: '/spend', body: {}, limit: 1_000_000 },
    },
  },
];

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

  for (const { id, race, config, rounds = ROUNDS, only } of APPS) {
    const bounds = { ...BOUNDS, rounds };

    it(`finds ${race} in the unprotected app (${id})`, { skip }, async (t) => {
      const base = await arena(t, scenarioOf(id), 'unprotected');
      const ending = await audit(t, { base, bounds, ...config }, ['--only', race, '--json'], { deadline });
      assert.equal(ending.status, 1, ending.stdout + ending.stderr);
      const [finding] = told(ending).findings;
      t.diagnostic(`in round ${finding.rounds} of ${rounds}: ${finding.example}`);
      assert.equal(finding.verdict, 'found');
      assert.ok(Number(finding.evidence?.length) > 0);
    });

    it(`finds nothing in the same app on latchgate, in the same number of rounds (${id})`, {
      skip,
    }, async (t) => {
      const base = await arena(t, scenarioOf(id), 'protected');
      const args = ['--json', ...(only ? ['--only', race] : [])];
      const ending = await audit(t, { base, bounds, ...config }, args, { deadline });
      assert.equal(ending.status, 0, ending.stdout + ending.stderr);
      const ran = told(ending).findings.filter(({ verdict }) => verdict !== 'left out');
      assert.ok(ran.some((finding) => finding.race === race));
      for (const finding of ran) {
        assert.deepEqual([finding.verdict, finding.says, finding.rounds], ['clean', '', rounds]);
        assert.ok(finding.tried > rounds);
      }
    });
  }

  it('finds races in an app of other libraries: express-session with connect-redis', {
    skip,
  }, async (t) => {
    const base = await arena(t, { directory: 'others' }, 'express-session');
    const config = {
      base,
      bounds: BOUNDS,
      login: { path: '/login', body: { user: '{user}' } },
      use: { path: '/me' },
      quota: { path: '/report', limit: 10 },
      revoke: { method: 'POST', path: '/logout' },
    };
    const ending = await audit(t, config, ['--json'], { deadline });
    assert.equal(ending.status, 1, ending.stdout + ending.stderr);
    const { findings } = told(ending);
    for (const { race, rounds, example } of findings) t.diagnostic(`${race}: ${rounds} rounds, ${example}`);
    const verdicts = findings.filter(({ verdict }) => verdict !== 'left out');
    assert.deepEqual(Object.fromEntries(verdicts.map(({ race, verdict }) => [race, verdict])), {
      // The counter is in the session. A request reads the session at its start and writes it at its end.
      overspending: 'found',
      // For the same reason, a session that is destroyed during a request comes back.
      'use after revocation': 'found',
      'wrong refusal': 'clean',
    });
  });
});
