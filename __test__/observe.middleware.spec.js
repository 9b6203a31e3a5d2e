// Mode 'observe': the Auth decides and reports every request, denies none, and charges no real quota.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { EXPRESS, serve } = require('./support/app.js');
const { fault, newStore, open, unique } = require('./support/auths.js');
const { get, send } = require('./support/http.js');
const { fresh, sign, token } = require('./support/jwt.js');
const { changes } = require('./support/prometheus.js');
const { until } = require('./support/started.js');
const { aborted } = require('./support/turns.js');

/** @typedef {import('latchgate').Auth} Auth */

const FIRST_USE = /** @type {const} */ ({ limit: 1, admission: 'first-use' });

/** Two Auths on one store: one enforces, one observes. */
function pair(/** @type {any} */ t, /** @type {import('latchgate').AuthOptions} */ options = {}) {
  const store = newStore();
  const real = open(t, { store, ...options });
  const watching = open(t, { store, mode: 'observe', ...options });
  return { real, watching };
}

/** Collects the 'denied' events of an Auth. @param {Auth} auth */
function heard(auth) {
  /** @type {any[]} */
  const events = [];
  auth.on('denied', (event) => void events.push(event));
  return events;
}

const show = (/** @type {any} */ req, /** @type {any} */ res) =>
  void res.json({ auth: req.auth ?? null, code: req.auth?.observed?.code ?? null });

for (const { name, express } of EXPRESS) {
  describe(`an Auth in mode 'observe', on ${name},`, () => {
    it('allows a request that it would deny, and reports the denial on req.auth', async (t) => {
      const { real, watching } = pair(t, { sessions: FIRST_USE });
      const events = heard(watching);
      const port = await serve(
        t,
        (app) => {
          app.get('/', watching.middleware({ quota: { limit: 2 } }), show);
          app.get('/scope', watching.middleware({ scope: 'admin' }), show);
        },
        express,
      );
      const sub = unique();
      const text = token({ sub, sid: 'a' });
      const blocked = unique();
      await real.tokens.blockUser(blocked);
      const revoked = token({ sub: unique(), sid: 'r' });
      await real.tokens.revoke(revoked);
      /** @type {Array<[string, string | undefined, string | null, boolean]>} path, token, code, whether there is a req.auth */
      const CASES = [
        ['/', text, null, true],
        ['/', text, null, true],
        ['/', text, 'quota_exhausted', true],
        ['/', token({ sub, sid: 'b' }), 'session_limit', true],
        ['/scope', text, 'insufficient_scope', true],
        ['/', token({ sub: blocked, sid: 'x' }), 'blocked', true],
        ['/', revoked, 'invalid_token', true],
        ['/', undefined, null, false],
        ['/', 'nonsense', null, false],
        ['/', token({ sub, exp: 1 }), null, false],
      ];
      for (const [path, sent, code, known] of CASES) {
        const answer = await get(port, path, sent);
        assert.equal(answer.status, 200, path);
        const said = JSON.parse(answer.body);
        assert.deepEqual([said.auth !== null, said.code], [known, code], `${path} ${code}`);
        for (const header of ['www-authenticate', 'ratelimit', 'ratelimit-policy', 'retry-after'])
          assert.equal(answer.header(header), undefined, header);
      }
      const reasons = events.map(({ reason }) => reason);
      assert.deepEqual(reasons, [
        'quota_exhausted',
        'session_limit',
        'scope_missing',
        'user_blocked',
        'token_revoked',
        'credentials_required',
        'token_malformed',
        'token_expired',
      ]);
      assert.ok(events.every(({ observed }) => observed === true));
      assert.equal(events[1].userId, sub);
    });

    it('reports the whole denial, and calls neither onDeny nor the error handler', async (t) => {
      const watching = open(t, { mode: 'observe' });
      const port = await serve(
        t,
        (app) => {
          const quota = { limit: 1, window: '1h' };
          app.get(
            '/',
            watching.middleware({ quota, onDeny: () => assert.fail('the middleware calls onDeny') }),
            show,
          );
          app.get('/fault', watching.middleware({ skip: () => assert.fail('an error of the app') }), show);
          const by = /** @type {any} */ (() => undefined);
          app.get('/by', watching.middleware({ quota: { ...quota, name: 'by', by } }), show);
        },
        express,
      );
      const text = token({ sub: unique() });
      await get(port, '/', text);
      const { observed } = JSON.parse((await get(port, '/', text)).body).auth;
      assert.equal(observed.status, 429);
      assert.equal(observed.reason, 'quota_exhausted');
      assert.match(observed.headers.RateLimit, /r=0/);
      const before = watching.metrics();
      assert.equal((await get(port, '/fault', text)).status, 200);
      assert.equal((await get(port, '/by', text)).status, 200);
      const faults = changes(before, watching.metrics());
      assert.equal(faults['latchgate_faults_total{code="other"}'], 1);
      assert.equal(faults['latchgate_faults_total{code="ERR_LATCHGATE_INPUT"}'], 1);
    });

    it('passes guards and serialize(), and counts each request once', async (t) => {
      const watching = open(t, { mode: 'observe' });
      const port = await serve(
        t,
        (app) => {
          const middleware = watching.middleware();
          const rest = [
            watching.requireScope('admin'),
            watching.requireClaims({ tenant: 'a' }),
            watching.serialize(),
          ];
          app.get('/', middleware, ...rest, watching.middleware({ scope: 'more' }), show);
          app.get('/bare', ...rest, show);
        },
        express,
      );
      const counted = async (/** @type {string} */ path, /** @type {string | undefined} */ text) => {
        const before = watching.metrics();
        const answer = await get(port, path, text);
        assert.equal(answer.status, 200);
        const all = Object.entries(changes(before, watching.metrics()));
        const decisions = all.filter(([key]) => key.startsWith('latchgate_decisions_total'));
        return { code: JSON.parse(answer.body).code, decisions: Object.fromEntries(decisions) };
      };
      const told = (/** @type {string} */ reason) =>
        `latchgate_decisions_total{outcome="observed",reason="${reason}"}`;
      const passed = 'latchgate_decisions_total{outcome="allowed",reason="allowed"}';
      assert.deepEqual(await counted('/', token({ sub: unique() })), {
        code: 'insufficient_scope',
        decisions: { [passed]: 1, [told('scope_missing')]: 1 },
      });
      assert.deepEqual(await counted('/', token({ sub: unique(), scope: 'admin' })), {
        code: 'forbidden',
        decisions: { [passed]: 1, [told('claims_mismatch')]: 1 },
      });
      assert.deepEqual(await counted('/', token({ sub: unique(), scope: 'admin more', tenant: 'a' })), {
        code: null,
        decisions: { [passed]: 2 },
      });
      assert.deepEqual(await counted('/', undefined), {
        code: null,
        decisions: { [told('credentials_required')]: 1 },
      });
      assert.deepEqual(await counted('/bare', undefined), {
        code: null,
        decisions: { [told('credentials_required')]: 1 },
      });
    });

    it('keeps the value that another middleware wrote to its property', async (t) => {
      const watching = open(t, { mode: 'observe' });
      const port = await serve(
        t,
        (app) => {
          app.use((req, _res, next) => {
            /** @type {any} */ (req).auth = { sub: 'of another' };
            next();
          });
          app.get('/', watching.middleware(), watching.requireScope('admin'), (req, res) => {
            res.json(req.auth);
          });
        },
        express,
      );
      for (const text of [token({ sub: unique() }), 'nonsense', undefined])
        assert.deepEqual(JSON.parse((await get(port, '/', text)).body), { sub: 'of another' });
    });
  });
}

describe('the shadow state', () => {
  it('changes no real state: an enforcing Auth sees no session and no charge', async (t) => {
    const { real, watching } = pair(t, { sessions: FIRST_USE, apiKeys: {} });
    const quota = { limit: 2, name: 'requests' };
    const userId = unique();
    const text = token({ sub: userId, sid: 'a' });
    const { key, keyId } = await real.apiKeys.create({ ownerId: userId, quota: { limit: 2 } });
    for (let i = 0; i < 5; i++) {
      await watching.authenticate({ token: text }, { quota });
      await watching.authenticate({ apiKey: key });
      await watching.quotas.consume('direct', { limit: 2 });
    }
    assert.deepEqual(await real.sessions.list(userId), []);
    assert.equal((await watching.sessions.list(userId)).length, 1);
    assert.equal((await real.apiKeys.get(keyId))?.quota?.remaining, 2);
    assert.equal((await real.apiKeys.get(keyId))?.lastUsedAt, null);
    assert.equal((await real.quotas.peek('direct', { limit: 2 })).remaining, 2);
    for (const left of [1, 0]) {
      const passed = await real.authenticate({ token: text }, { quota });
      assert.equal(passed.ok && passed.auth.quota?.remaining, left);
    }
    assert.equal((await real.authenticate({ token: text }, { quota })).ok, false);
  });

  it('counts exactly: of many concurrent requests, as many pass as the limits allow', async (t) => {
    const { real, watching } = pair(t, { sessions: { ...FIRST_USE, limit: 3 } });
    const userId = unique();
    const events = heard(watching);
    const tokens = Array.from({ length: 50 }, (_, i) => token({ sub: userId, sid: `s${i}` }));
    const all = await Promise.all(tokens.map((each) => watching.authenticate({ token: each })));
    const passed = all.filter((each) => each.ok && each.auth.observed === undefined);
    assert.equal(passed.length, 3);
    assert.equal(events.length, 47);
    assert.equal((await real.sessions.list(userId)).length, 0);
    const one = token({ sub: unique(), sid: 'one' });
    const charged = await Promise.all(
      Array.from({ length: 50 }, () => watching.authenticate({ token: one }, { quota: { limit: 10 } })),
    );
    assert.equal(charged.filter((each) => each.ok && each.auth.observed === undefined).length, 10);
  });

  it('includes real revocations, blocks and ended sessions of login()', async (t) => {
    const { real, watching } = pair(t);
    const userId = unique();
    const login = await real.tokens.login(userId, { limit: 5 });
    assert.ok(login.ok);
    const ask = async () => {
      const result = await watching.authenticate({ token: login.accessToken });
      assert.ok(result.ok);
      return result.auth.observed?.reason ?? null;
    };
    assert.equal(await ask(), null);
    await real.sessions.end(userId, login.admission.session.sessionId);
    assert.equal(await ask(), 'session_ended');
    await real.tokens.blockUser(userId);
    assert.equal(await ask(), 'user_blocked');
    assert.equal((await watching.sessions.admit(userId)).admitted, false);
    const own = await watching.tokens.login(userId, { limit: 5 });
    assert.ok(!own.ok && own.reason === 'blocked');
  });

  it('has its own sessions and refresh families, and revokeUser() ends both kinds', async (t) => {
    const { real, watching } = pair(t, { sessions: { limit: 5 } });
    const userId = unique();
    const login = await watching.tokens.login(userId);
    assert.ok(login.ok);
    assert.equal((await real.sessions.list(userId)).length, 0);
    assert.ok((await real.sessions.admit(userId)).admitted);
    const next = await watching.tokens.refresh(login.refreshToken);
    assert.ok(next.ok);
    const seen = await watching.authenticate({ token: next.accessToken });
    assert.ok(seen.ok && seen.auth.observed === undefined && seen.auth.session?.active === 1);
    assert.equal((await watching.tokens.revokeUser(userId)).sessionsEnded, 2);
    assert.equal((await real.sessions.list(userId)).length, 0);
    assert.deepEqual(await watching.tokens.refresh(next.refreshToken), { ok: false, reason: 'revoked' });
    const fallen = await watching.authenticate({ token: next.accessToken });
    assert.ok(fallen.ok && fallen.auth.observed?.code === 'invalid_token');
  });

  it("charges an API key's own quota and the policy's quota, both or neither, separately from real quotas", async (t) => {
    const { real, watching } = pair(t, { apiKeys: {} });
    const ownerId = unique();
    const { key, keyId } = await real.apiKeys.create({ ownerId, quota: { limit: 3 }, scopes: ['read'] });
    const reasonOf = async (/** @type {import('latchgate').Policy} */ policy) => {
      const result = await watching.authenticate({ apiKey: key }, policy);
      assert.ok(result.ok);
      return result.auth.observed?.reason ?? null;
    };
    const small = { quota: { limit: 1, name: 'small' } };
    assert.equal(await reasonOf(small), null);
    // If one quota is exhausted or a scope is missing, neither quota is charged.
    assert.equal(await reasonOf(small), 'quota_exhausted');
    assert.equal(await reasonOf({ scope: 'write' }), 'scope_missing');
    assert.equal(await reasonOf({}), null);
    assert.equal(await reasonOf({}), null);
    assert.equal(await reasonOf({}), 'quota_exhausted');
    assert.equal((await real.apiKeys.get(keyId))?.quota?.remaining, 3);
    await real.apiKeys.revoke(keyId);
    const revoked = await watching.authenticate({ apiKey: key });
    assert.ok(!revoked.ok && revoked.reason === 'key_revoked');
  });

  it('charges each key once under an idempotency key', async (t) => {
    const { real, watching } = pair(t, { apiKeys: {} });
    const policy = {
      quota: { limit: 100, name: 'many', idempotencyKey: (/** @type {any} */ context) => context.id },
    };
    for (const ownerId of [unique(), unique()]) {
      const { key } = await real.apiKeys.create({ ownerId, quota: { limit: 2 } });
      const use = async (/** @type {string} */ id) => {
        const result = await watching.authenticate({ apiKey: key, context: { id } }, policy);
        assert.ok(result.ok);
        return result.auth.observed?.reason ?? null;
      };
      const reasons = [];
      for (const id of ['a', 'a', 'a', 'b', 'c']) reasons.push(await use(id));
      assert.deepEqual(reasons, [null, null, null, null, 'quota_exhausted']);
    }
  });

  it('applies the refunds of refundOn', async (t) => {
    const watching = open(t, { mode: 'observe' });
    const port = await serve(t, (app) => {
      const refundOn = (/** @type {any} */ res) => res.statusCode >= 500;
      const cost = (/** @type {any} */ req) => Number(req.query.cost ?? 1);
      app.get('/:status', watching.middleware({ quota: { limit: 1, cost, refundOn } }), (req, res) => {
        const { observed, quota } = req.auth ?? {};
        res.status(Number(req.params.status)).json([observed?.reason ?? null, quota?.remaining]);
      });
    });
    const text = token({ sub: unique() });
    const ask = async (/** @type {string} */ path) => JSON.parse((await get(port, path, text)).body);
    assert.deepEqual(await ask('/500'), [null, 0]);
    await until('the unit is refunded', async () => (await ask('/200?cost=0'))[1] === 1);
    assert.deepEqual(await ask('/200'), [null, 0]);
    assert.equal((await ask('/200'))[0], 'quota_exhausted');
  });

  it('does not affect turns: a handler takes real turns, and a denied shadow session does not end them', async (t) => {
    const { real, watching } = pair(t, { sessions: { limit: 0, admission: 'first-use' } });
    const userId = unique();
    const seen = await watching.authenticate({ token: token({ sub: userId, sid: 'a' }) });
    assert.ok(seen.ok && seen.auth.observed?.reason === 'session_limit');
    const { auth } = seen;
    const { signal } = auth;
    await auth.assertValid();
    await auth.runExclusive(async ({ key }) => {
      const other = real.authenticate({ token: token({ sub: userId, sid: 'b' }) });
      assert.equal((await other).ok, false);
      // A lock with the same name as the user's turn is a separate lock.
      assert.equal(await real.locks.runExclusive(key, () => 'apart'), 'apart');
    });
    await real.counters.add(userId, 'c', 1);
    assert.equal((await watching.counters.apply(userId, [{ name: 'c', delta: 1 }], { auth })).values.c, 2);
    await real.tokens.revokeUser(userId);
    await assert.rejects(auth.assertValid(), fault('REVOKED'));
    const work = () => assert.fail('a revoked user took a turn');
    await assert.rejects(auth.runExclusive(work), fault('REVOKED'));
    assert.ok(fault('REVOKED')(await aborted(signal)));
  });

  it('is reported at the start, and in health()', async (t) => {
    const watching = open(t, { mode: 'observe' });
    assert.match((await watching.health()).warnings.join(), /observe/);
    assert.doesNotMatch((await open(t).health()).warnings.join(), /observe/);
  });

  it('lets requests continue after the Auth is closed', async (t) => {
    const watching = open(t, { mode: 'observe' });
    const port = await serve(t, (app) => app.get('/', watching.middleware(), show));
    assert.equal((await get(port, '/', token({ sub: unique() }))).status, 200);
    await watching.close();
    assert.equal((await get(port, '/', token({ sub: unique() }))).status, 200);
  });

  it('includes keys and tokens in one request', async (t) => {
    const { real, watching } = pair(t, { apiKeys: {} });
    const ownerId = unique();
    const { key } = await real.apiKeys.create({ ownerId, scopes: ['read'] });
    const port = await serve(t, (app) => app.get('/', watching.middleware(), show));
    const both = async (/** @type {string} */ text) => {
      const { status, body } = await send(port, {
        headers: [`X-API-Key: ${key}`, `Authorization: Bearer ${text}`],
      });
      assert.equal(status, 200);
      return JSON.parse(body);
    };
    assert.equal((await both(token({ sub: ownerId }))).auth.apiKey.ownerId, ownerId);
    assert.equal((await both(token({ sub: unique() }))).auth, null);
    assert.equal((await both(sign(fresh(), { key: 'x'.repeat(64) }))).auth, null);
  });

  it('of a named store is shared by all observing Auths, and by no enforcing Auth', async (t) => {
    const store = newStore();
    const [one, two] = [0, 1].map(() => open(t, { store, mode: 'observe', sessions: { limit: 1 } }));
    const userId = unique();
    assert.ok((await one.sessions.admit(userId)).admitted);
    assert.equal((await two.sessions.admit(userId)).admitted, false);
    assert.ok((await open(t, { store, sessions: { limit: 1 } }).sessions.admit(userId)).admitted);
  });
});
