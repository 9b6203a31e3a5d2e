// The behaviour of an Auth while the store is unreachable: onStoreError per check, degraded, health(), and the two
// events.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { serve } = require('../support/app.js');
const { faulty, recovered, status, storeFault } = require('../support/faulty.js');
const { get } = require('../support/http.js');
const { SECRET } = require('../support/jwt.js');
const { missing } = require('../support/servers.js');
const { until } = require('../support/started.js');

const QUOTA = { quota: { limit: 5, window: '1h', name: 'errors' } };
const FIRST_USE = { sessions: { admission: /** @type {const} */ ('first-use') } };

describe('onStoreError', async () => {
  const skip = await missing('redis');

  it('allows requests if every check may be skipped, and reports this', { skip }, async (t) => {
    const { proxy, auth, live, user } = await faulty(t, { options: { ...FIRST_USE, onStoreError: 'allow' } });
    const port = await serve(t, (app) => {
      app.get(
        '/',
        auth.middleware(QUOTA),
        (req, res) => void res.json({ degraded: req.auth?.degraded, userId: req.auth?.userId }),
      );
    });
    assert.deepEqual(JSON.parse((await get(port, '/', live)).body), { degraded: false, userId: user });
    await proxy.refuse();
    const answer = await get(port, '/', live);
    assert.equal(answer.status, 200);
    assert.deepEqual(JSON.parse(answer.body), { degraded: true, userId: user });
    await proxy.pass();
    await until(
      'checks run again',
      async () => JSON.parse((await get(port, '/', live)).body).degraded === false,
    );
  });

  it('never allows an invalid request, and never affects direct calls', { skip }, async (t) => {
    const { proxy, auth, live, user } = await faulty(t, { options: { ...FIRST_USE, onStoreError: 'allow' } });
    await proxy.refuse();
    assert.equal(await status(auth, `${live.slice(0, -2)}xx`), 401);
    assert.equal(await status(auth, live, { scope: 'admin' }), 403);
    await assert.rejects(auth.sessions.admit(user), storeFault);
    await assert.rejects(auth.sessions.touch(user, 'live'), storeFault);
    await assert.rejects(auth.tokens.revoke(live), storeFault);
    await assert.rejects(auth.tokens.isRevoked(live), storeFault);
    await assert.rejects(auth.quotas.consume('key', { limit: 1 }), storeFault);
  });

  /** @type {Array<[object, { sessions?: object }, object, number]>} */
  const TABLE = [
    [{ revocation: 'allow' }, {}, {}, 200],
    [{ sessions: 'allow', quota: 'allow' }, {}, {}, 503],
    [{ revocation: 'allow' }, FIRST_USE, {}, 503],
    [{ revocation: 'allow', sessions: 'allow' }, FIRST_USE, {}, 200],
    [{ revocation: 'allow', sessions: 'allow' }, FIRST_USE, QUOTA, 503],
    [{ revocation: 'allow', sessions: 'allow', quota: 'allow' }, FIRST_USE, QUOTA, 200],
    [{ revocation: 'allow', sessions: 'deny', quota: 'allow' }, FIRST_USE, QUOTA, 503],
  ];
  for (const [onStoreError, sessions, policy, expected] of TABLE) {
    const needed = [
      'revocation',
      ...('sessions' in sessions ? ['sessions'] : []),
      ...('quota' in policy ? ['quota'] : []),
    ];
    it(`${JSON.stringify(onStoreError)} answers ${expected} if the request needs ${needed.join(', ')}`, {
      skip,
    }, async (t) => {
      const options = { jwt: { secret: SECRET }, ...sessions, onStoreError };
      const { proxy, auth, live } = await faulty(t, { options, usual: {} });
      await proxy.refuse();
      assert.equal(await status(auth, live, policy), expected);
    });
  }
});

describe('an outage', async () => {
  const skip = await missing('redis');

  it('is reported by health() and store-error, and its end by health() and store-recovered', {
    skip,
  }, async (t) => {
    const { proxy, auth, live } = await faulty(t);
    /** @type {string[]} */
    const heard = [];
    auth.on('store-error', () => void heard.push('store-error'));
    auth.on('store-recovered', () => void heard.push('store-recovered'));
    const well = await auth.health();
    assert.equal(well.ok, true);
    assert.equal(well.degraded, false);
    assert.ok(Number(well.latencyMs) >= 0);
    assert.ok(!well.store.includes('@'), 'health() contains no login');
    await proxy.refuse();
    assert.equal(await status(auth, live), 503);
    await until('store-error', () => heard.includes('store-error'));
    assert.equal((await auth.health()).ok, false);
    await proxy.pass();
    await recovered(auth, live);
    await until('store-recovered', () => heard.includes('store-recovered'));
    assert.equal((await auth.health()).ok, true);
    assert.ok(heard.indexOf('store-error') < heard.indexOf('store-recovered'));
    assert.equal(heard.filter((name) => name === 'store-recovered').length, 1);
  });

  it('is reported again when it recurs', { skip }, async (t) => {
    const { proxy, auth, live } = await faulty(t);
    let errors = 0;
    let recoveries = 0;
    auth.on('store-error', () => void errors++);
    auth.on('store-recovered', () => void recoveries++);
    for (let round = 1; round <= 3; round++) {
      const before = errors;
      await proxy.refuse();
      assert.equal(await status(auth, live), 503);
      await until('store-error', () => errors > before);
      await proxy.pass();
      await recovered(auth, live);
      await until('store-recovered', () => recoveries === round);
    }
  });

  it('has no effect on requests if a listener throws', { skip }, async (t) => {
    const { proxy, auth, live } = await faulty(t);
    const listeners = process.listeners('uncaughtException');
    /** @type {Error[]} */
    const uncaught = [];
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', (error) => void uncaught.push(error));
    t.after(() => {
      process.removeAllListeners('uncaughtException');
      for (const listener of listeners) process.on('uncaughtException', listener);
    });
    auth.on('store-error', () => {
      throw new Error('from the listener');
    });
    await proxy.refuse();
    assert.equal(await status(auth, live), 503);
    await proxy.pass();
    await recovered(auth, live);
    for (const error of uncaught) assert.equal(error.message, 'from the listener');
  });
});
