// The apps of the lab on latchgate serve as models: what each app forbids, regardless of the needs of the harness.
'use strict';

const assert = require('node:assert/strict');
const { before, describe, it } = require('node:test');
const { linkLatchgate, startArena } = require('../lib/arena.js');
const { startPostgres } = require('../lib/postgres.js');
const { SCENARIOS } = require('../scenarios.js');
const { installContenders } = require('../../lib/nodes.js');
const { signJwt } = require('../../../scripts/demo/jwt.js');
const { postgresDirectory } = require('../../../scripts/lib/servers.js');
const { missing, startServer } = require('../../../__test__/support/servers.js');

/** @typedef {import('../../../scripts/demo/client.js').Call} Call */

/** Calls that only the back office may make, with a body that the app would accept. @type {Record<string, Call[]>} */
const BACK_OFFICE = {
  S3: [{ path: '/ban', body: { user: 'bob' } }],
  S5: [{ path: '/ban', body: { user: 'bob' } }],
  S8: [
    { path: '/keys', body: { owner: 'bob', calls: 5 } },
    { path: '/purchases', body: { id: '0123456789abcdef0123', calls: 5 } },
    { method: 'GET', path: '/keys/0123456789abcdef0123' },
  ],
  S9: [
    { path: '/keys', body: { owner: 'bob', calls: 5 } },
    { path: '/revoke', body: { id: '0123456789abcdef0123' } },
    { path: '/rotate', body: { id: '0123456789abcdef0123' } },
  ],
  S12: [{ path: '/ban', body: { user: 'bob' } }],
};

const COUNTS = [-5, 0, 1.5, 2 ** 53, '5', null, undefined, [5], { valueOf: 5 }];
const NAMES = ['', 'x'.repeat(600), 'a b', 7, null, undefined, ['ada'], { toString: 1 }];

/**
 * Fields, and the values for which the app answers 400. @type {Array<{ id: string, forms?: string[], path: string,
 * field: string, bad: unknown[] }>}
 */
const FIELDS = [
  { id: 'S4', path: '/revoke', field: 'token', bad: [7, null, undefined, 'x'.repeat(9000)] },
  { id: 'S5', path: '/bets', field: 'legs', bad: [...COUNTS, 6, 1e9] },
  { id: 'S6', forms: ['protected', 'alone', 'lock', 'counter'], path: '/wager', field: 'stake', bad: COUNTS },
  { id: 'S7', path: '/register', field: 'tournament', bad: NAMES },
  { id: 'S8', path: '/purchases', field: 'calls', bad: COUNTS },
  { id: 'S9', path: '/keys', field: 'calls', bad: COUNTS },
  { id: 'S11', path: '/refresh', field: 'refreshToken', bad: [7, null, undefined, 'x'.repeat(2000)] },
];

describe('an app of the lab on latchgate', async () => {
  const skip = await missing('redis');
  before(async () => {
    if (skip) return;
    await installContenders();
    linkLatchgate();
  });

  /** @param {import('node:test').TestContext} t @param {string} id */
  async function site(t, id, form = 'protected') {
    const scenario = SCENARIOS.find((each) => each.id === id);
    if (scenario === undefined) throw new Error(`no ${id}`);
    const server = await startServer(t);
    const database = scenario.needs === 'database' ? await startPostgres() : undefined;
    t.after(() => database?.stop());
    const arena = await startArena(scenario, {
      form,
      processes: 1,
      redisPort: server.port,
      database: database?.url,
    });
    t.after(() => arena.stop());
    return { ...arena, user: signJwt({ sub: 'ada', account: 'x', scope: 'accounts:write' }, arena.secret) };
  }
  const needsDatabase = (/** @type {string} */ id) =>
    SCENARIOS.find((each) => each.id === id)?.needs === 'database' && postgresDirectory() === undefined
      ? 'PostgreSQL is not installed'
      : skip;

  for (const [id, calls] of Object.entries(BACK_OFFICE)) {
    it(`requires the scope of the back office, which users do not have (${id})`, {
      skip: needsDatabase(id),
    }, async (t) => {
      const { ask, backOffice, user } = await site(t, id);
      for (const call of calls) {
        assert.equal((await ask(call)).status, 401, call.path);
        assert.equal((await ask({ ...call, token: user })).status, 403, call.path);
      }
      assert.ok((await ask({ ...calls[0], token: backOffice })).status < 300);
    });
  }

  for (const { id, forms = ['protected'], path, field, bad } of FIELDS) {
    for (const form of forms) {
      it(`accepts only valid values of ${field} (${id}, ${form})`, {
        skip: needsDatabase(id),
      }, async (t) => {
        const { ask, backOffice, user } = await site(t, id, form);
        const token = BACK_OFFICE[id]?.some((call) => call.path === path) ? backOffice : user;
        const others = { owner: 'bob', id: '0123456789abcdef0123' };
        for (const value of bad) {
          const { status } = await ask({ path, token, body: { ...others, [field]: value } });
          assert.equal(status, 400, JSON.stringify(value));
        }
      });
    }
  }

  for (const { id } of SCENARIOS.filter(({ id }) => !['S8', 'S9'].includes(id))) {
    it(`refuses a login without a name (${id})`, { skip: needsDatabase(id) }, async (t) => {
      const { ask } = await site(t, id);
      for (const user of NAMES) assert.equal((await ask({ path: '/login', body: { user } })).status, 400);
      assert.equal((await ask({ path: '/login', body: { user: 'ada' } })).status, 201);
    });
  }

  it('gives a player one seat, in one step of the store (S7)', { skip }, async (t) => {
    const { ask, secret, user } = await site(t, 'S7');
    const calls = Array.from({ length: 6 }, () =>
      ask({ path: '/register', token: user, body: { tournament: 'cup' } }),
    );
    const statuses = (await Promise.all(calls)).map(({ status }) => status).sort();
    assert.deepEqual(statuses, [201, 409, 409, 409, 409, 409]);
    const other = signJwt({ sub: 'bob' }, secret);
    assert.deepEqual((await ask({ path: '/register', token: other, body: { tournament: 'cup' } })).body, {
      seat: 2,
    });
  });
});
