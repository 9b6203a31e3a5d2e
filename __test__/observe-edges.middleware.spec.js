// Edge cases of mode 'observe': other Auths, errors, read-only properties and revoked keys.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { serve } = require('./support/app.js');
const { newStore, open, unique } = require('./support/auths.js');
const { get } = require('./support/http.js');
const { token } = require('./support/jwt.js');
const { changes } = require('./support/prometheus.js');

const observing = (/** @type {any} */ t, /** @type {import('latchgate').AuthOptions} */ options = {}) =>
  open(t, { mode: 'observe', ...options });

/**
 * Returns the decisions and faults that an Auth counted during act.
 * @param {import('latchgate').Auth} auth
 * @param {() => Promise<unknown>} act
 */
async function counted(auth, act) {
  const before = auth.metrics();
  await act();
  const all = Object.entries(changes(before, auth.metrics()));
  const told = all.filter(([key]) => /^latchgate_(decisions|faults)_total/.test(key));
  return Object.fromEntries(told.map(([key, value]) => [key.replace(/^latchgate_/, ''), value]));
}

describe("an Auth in mode 'observe'", () => {
  it('leaves the req.auth of another Auth usable', async (t) => {
    const store = newStore();
    const real = open(t, { store });
    const watching = observing(t, { store });
    const userId = unique();
    const port = await serve(t, (app) => {
      app.use(real.middleware(), watching.middleware({ scope: 'admin' }));
      app.get('/', async (req, res) => {
        const { auth } = req;
        res.json(await real.counters.apply(userId, [{ name: 'c', delta: 1 }], { auth }));
      });
    });
    const answer = await get(port, '/', token({ sub: userId }));
    assert.deepEqual([answer.status, JSON.parse(answer.body).values], [200, { c: 1 }]);
  });

  it('counts a failed request as a fault only', async (t) => {
    const watching = observing(t);
    const by = /** @type {any} */ (() => undefined);
    const port = await serve(t, (app) => {
      const failing = watching.middleware({ quota: { limit: 1, by } });
      app.get('/', failing, watching.requireScope('admin'), watching.middleware(), (_req, res) => {
        res.json(1);
      });
    });
    const told = await counted(watching, () => get(port, '/', token({ sub: unique() })));
    assert.deepEqual(told, { 'faults_total{code="ERR_LATCHGATE_INPUT"}': 1 });
  });

  it('accepts any value that user code throws, and warns once', async (t) => {
    const watching = observing(t);
    /** @type {any[]} */
    const thrown = [
      Object.assign(new Error('a'), { code: Object.create(null) }),
      Object.defineProperty(new Error('b'), 'code', { get: () => assert.fail('latchgate reads the code') }),
      Object.assign(new Error('c'), { code: 'MINE' }),
      'no error',
    ];
    const warnings = /** @type {string[]} */ ([]);
    const hear = (/** @type {any} */ warning) => {
      if (warning.code === 'LATCHGATE_OBSERVED') warnings.push(warning.message);
    };
    process.on('warning', hear);
    t.after(async () => void process.removeListener('warning', hear));
    const port = await serve(t, (app) => {
      const skip = () => {
        throw thrown[at++ % thrown.length];
      };
      app.get('/', watching.middleware({ skip }), (_req, res) => void res.json(1));
    });
    let at = 0;
    for (let n = 0; n < 20; n++) assert.equal((await get(port, '/', token())).status, 200);
    await new Promise(setImmediate);
    assert.ok(warnings.length <= 2, warnings.join());
  });

  it('writes no result if the property is read-only', async (t) => {
    const watching = observing(t);
    const port = await serve(t, (app) => {
      app.use((req, _res, next) => {
        Object.defineProperty(req, 'auth', { get: () => undefined, configurable: false });
        next();
      });
      app.get('/', watching.middleware(), watching.requireScope('a'), (_req, res) => void res.json(1));
    });
    const told = await counted(watching, async () => {
      assert.equal((await get(port, '/', token({ sub: unique() }))).status, 200);
    });
    assert.equal(told['decisions_total{outcome="observed",reason="scope_missing"}'], 1);
  });

  it('adds the result of a later middleware to an earlier req.auth', async (t) => {
    const watching = observing(t, { apiKeys: {} });
    const port = await serve(t, (app) => {
      const keys = watching.middleware({ credentials: ['api-key'] });
      app.get('/', watching.middleware({ credentials: ['bearer'] }), keys, (req, res) => {
        res.json(req.auth?.observed?.code ?? null);
      });
    });
    const answer = await get(port, '/', token({ sub: unique() }));
    assert.equal(JSON.parse(answer.body), 'credentials_required');
  });

  it('denies a revoked key, even if another reason applies too', async (t) => {
    const watching = observing(t, { apiKeys: {} });
    const ownerId = unique();
    const { key, keyId } = await watching.apiKeys.create({ ownerId });
    await watching.tokens.blockUser(ownerId);
    const blocked = await watching.authenticate({ apiKey: key });
    assert.ok(blocked.ok && blocked.auth.observed?.code === 'blocked');
    await watching.apiKeys.revoke(keyId);
    const revoked = await watching.authenticate({ apiKey: key });
    assert.equal(revoked.ok, false);
  });

  it('reads the quota of a key under a used idempotency key, with a cost of 0', async (t) => {
    const watching = observing(t, { apiKeys: {} });
    const { key } = await watching.apiKeys.create({ ownerId: unique(), quota: { limit: 5 } });
    const idempotencyKey = 'i';
    assert.ok((await watching.apiKeys.check(key, { cost: 2, idempotencyKey })).valid);
    const looked = await watching.apiKeys.check(key, { cost: 0, idempotencyKey });
    assert.ok(looked.valid && looked.quota?.remaining === 3);
  });

  it("refunds a key's own charge if the rest of the request is invalid", async (t) => {
    const watching = observing(t, { apiKeys: {} });
    const ownerId = unique();
    const [one, two] = await Promise.all(
      [0, 1].map(() => watching.apiKeys.create({ ownerId, quota: { limit: 2 } })),
    );
    const policy = (/** @type {number} */ cost) => ({
      quota: {
        limit: 100,
        name: 'shared',
        by: /** @type {const} */ ('user'),
        cost,
        idempotencyKey: () => 'i',
      },
    });
    assert.ok((await watching.authenticate({ apiKey: one.key }, policy(1))).ok);
    await assert.rejects(watching.authenticate({ apiKey: two.key }, policy(2)), /idempotencyKey/);
    const left = await watching.apiKeys.check(two.key, { cost: 0 });
    assert.ok(left.valid && left.quota?.remaining === 2);
  });
});
