// auth.metrics(): what each series counts, that a strict parser accepts the text, and that only reasons add series.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { serve } = require('./support/app.js');
const { fault, open, unique } = require('./support/auths.js');
const { get, send } = require('./support/http.js');
const { token } = require('./support/jwt.js');
const { keyEndpoint, pair, signed } = require('./support/key-endpoint.js');
const { changes, parse } = require('./support/prometheus.js');
const { aborted, held } = require('./support/turns.js');

/** Series with values that depend on the store and its clock. */
const TIMED = /^latchgate_(store_duration|store_in_flight|token_cache|build_info)/;

/**
 * Returns the changes of all series during act, without series that differ between stores.
 * @param {import('latchgate').Auth} auth
 * @param {() => Promise<unknown>} act
 */
async function counted(auth, act) {
  const before = auth.metrics();
  await act();
  const all = Object.entries(changes(before, auth.metrics())).filter(([key]) => !TIMED.test(key));
  return Object.fromEntries(all.map(([key, value]) => [key.replace(/^latchgate_/, ''), value]));
}

const denied = (/** @type {string} */ reason, by = 1) => ({
  [`decisions_total{outcome="denied",reason="${reason}"}`]: by,
});
const allowed = (reason = 'allowed', by = 1) => ({
  [`decisions_total{outcome="allowed",reason="${reason}"}`]: by,
});

describe('metrics() counts', () => {
  it('decisions by outcome and reason, for requests', async (t) => {
    const auth = open(t, { sessions: { limit: 1, admission: 'first-use' } });
    const port = await serve(t, (app) => {
      app.get('/', auth.middleware({ quota: { limit: 2 } }), (_req, res) => res.json(1));
      app.get('/optional', auth.middleware({ optional: true }), (_req, res) => res.json(1));
      app.get('/admin', auth.middleware(), auth.requireScope('admin'), (_req, res) => res.json(1));
      app.get('/claim', auth.middleware(), auth.requireClaims({ a: 1 }), (_req, res) => res.json(1));
      app.get('/bare', auth.requireScope('admin'), (_req, res) => res.json(1));
      app.get('/fault', auth.middleware({ skip: () => assert.fail() }), (_req, res) => res.json(1));
    });
    const sub = unique();
    const text = token({ sub, sid: 'a' });
    /** @type {Array<[string, string | undefined, object]>} */
    const CASES = [
      ['/', undefined, denied('credentials_required')],
      ['/', 'nonsense', denied('token_malformed')],
      ['/', token({ sub, exp: 1 }), denied('token_expired')],
      ['/', text, { ...allowed(), sessions_admitted_total: 1 }],
      ['/', text, allowed()],
      ['/', text, denied('quota_exhausted')],
      ['/', token({ sub, sid: 'b' }), denied('session_limit')],
      ['/optional', undefined, allowed('anonymous')],
      ['/admin', text, { ...allowed(), ...denied('scope_missing') }],
      ['/claim', text, { ...allowed(), ...denied('claims_mismatch') }],
      ['/bare', text, denied('credentials_required')],
      ['/fault', text, { 'faults_total{code="other"}': 1 }],
    ];
    for (const [path, sent, wanted] of CASES)
      assert.deepEqual(await counted(auth, () => get(port, path, sent)), wanted, path);
  });

  it('decisions of authenticate() and with API keys', async (t) => {
    const auth = open(t, { apiKeys: {} });
    const { key } = await auth.apiKeys.create({ ownerId: unique(), quota: { limit: 2 } });
    const port = await serve(t, (app) => app.get('/', auth.middleware(), (_req, res) => res.json(1)));
    const ask = (/** @type {string} */ apiKey) => auth.authenticate({ apiKey });
    assert.deepEqual(await counted(auth, () => ask(key)), allowed());
    assert.deepEqual(await counted(auth, () => ask('lg_unknown')), denied('key_unknown'));
    assert.deepEqual(await counted(auth, () => auth.authenticate({})), denied('credentials_required'));
    assert.deepEqual(await counted(auth, () => auth.authenticate({ token: token() })), allowed());
    const send1 = () => send(port, { headers: [`X-API-Key: ${key}`] });
    assert.deepEqual(await counted(auth, send1), allowed());
    assert.deepEqual(await counted(auth, send1), denied('quota_exhausted'));
  });

  it('sessions, evictions and revocations by direct calls', async (t) => {
    const auth = open(t, { apiKeys: {}, sessions: { limit: 1, onLimit: 'evict-oldest' } });
    const userId = unique();
    const admit = () => auth.sessions.admit(userId, { sessionId: 'a' });
    assert.deepEqual(await counted(auth, admit), { sessions_admitted_total: 1 });
    assert.deepEqual(await counted(auth, admit), {});
    assert.deepEqual(await counted(auth, () => auth.sessions.admit(userId)), {
      sessions_admitted_total: 1,
      sessions_evicted_total: 1,
    });
    const lenient = open(t, {
      sessions: { limit: 1, onLimit: 'evict-oldest', admission: 'first-use' },
    });
    for (const [sid, evicted] of /** @type {const} */ ([
      ['f', {}],
      ['g', { sessions_evicted_total: 1 }],
    ])) {
      const found = await counted(lenient, () =>
        lenient.authenticate({ token: token({ sub: userId, sid }) }),
      );
      assert.equal(found.sessions_evicted_total, Object.values(evicted)[0]);
    }
    const revoked = (/** @type {string} */ kind) => ({ [`revocations_total{kind="${kind}"}`]: 1 });
    const text = await auth.tokens.issue(userId);
    const { keyId } = await auth.apiKeys.create({ ownerId: userId });
    assert.deepEqual(await counted(auth, () => auth.tokens.revoke(text)), revoked('token'));
    assert.deepEqual(await counted(auth, () => auth.tokens.revoke('nonsense')), {});
    assert.deepEqual(await counted(auth, () => auth.apiKeys.revoke(keyId)), revoked('api_key'));
    assert.deepEqual(await counted(auth, () => auth.tokens.revokeUser(userId)), revoked('user'));
    assert.deepEqual(await counted(auth, () => auth.tokens.blockUser(userId)), revoked('block'));
  });

  it('the current waiters and holders of turns', async (t) => {
    const auth = open(t, { sessions: { admission: 'first-use' } });
    const seen = () => {
      const series = parse(auth.metrics());
      return ['waiting', 'held'].map((what) => series.get(`latchgate_turns_${what}`));
    };
    assert.deepEqual(seen(), [0, 0]);
    const answer = await auth.authenticate({ token: token({ sub: unique(), sid: 's' }) });
    assert.ok(answer.ok);
    const [key, own] = [unique('key'), answer.auth];
    const holders = await Promise.all([
      held((/** @type {any} */ work) => auth.locks.runExclusive(key, work)),
      held((/** @type {any} */ work) => own.runExclusive(work)),
    ]);
    assert.deepEqual(seen(), [0, 2]);
    const leaving = new AbortController();
    const options = { signal: leaving.signal };
    const runs = [1, 2, 3].map(() => auth.locks.runExclusive(key, () => seen()[1]));
    const owns = [1, 2].map(() => own.runExclusive(() => {}));
    const gone = auth.locks.runExclusive(key, () => {}, options);
    assert.deepEqual(seen(), [6, 2]);
    leaving.abort();
    await assert.rejects(gone, { name: 'AbortError' });
    assert.deepEqual(seen(), [5, 2]);
    holders[0].leave();
    // The other turn is still held.
    assert.deepEqual(await Promise.all(runs), [2, 2, 2]);
    assert.deepEqual(seen(), [2, 1]);
    holders[1].leave();
    await Promise.all([...owns, ...holders.map(({ done }) => done)]);
    assert.deepEqual(seen(), [0, 0]);
  });

  it('lost leases, and no lease that was released in time', async (t) => {
    const auth = open(t);
    const lost = { leases_lost_total: 1 };
    const run = (/** @type {any} */ work, /** @type {object} */ options) => () =>
      auth.locks.runExclusive(unique('key'), work, options).catch(fault('LEASE_LOST'));
    const over = (/** @type {any} */ { signal }) => aborted(signal);
    assert.deepEqual(
      await counted(
        auth,
        run(() => {}, {}),
      ),
      {},
    );
    assert.deepEqual(await counted(auth, run(over, { maxHold: 200 })), lost);
    assert.deepEqual(await counted(auth, run(over, { ttl: 200, autoExtend: false })), lost);
  });

  it('hits and misses of the cache of verified tokens', async (t) => {
    const auth = open(t);
    const lookups = async (/** @type {string} */ text) => {
      const before = auth.metrics();
      await auth.tokens.verify(text);
      const changed = changes(before, auth.metrics());
      return ['hit', 'miss'].map(
        (result) => changed[`latchgate_token_cache_lookups_total{result="${result}"}`],
      );
    };
    const text = token();
    assert.deepEqual(await lookups(text), [undefined, 1]);
    assert.deepEqual(await lookups(text), [1, undefined]);
    assert.deepEqual(await lookups('nonsense'), [undefined, 1]);
    assert.ok(/** @type {number} */ (parse(auth.metrics()).get('latchgate_token_cache_bytes')) > 0);
  });

  it('fetches and keys of jwt.jwksUri', async (t) => {
    const key = pair('a');
    const endpoint = await keyEndpoint(t, key);
    const auth = open(t, { jwt: { jwksUri: endpoint.url } });
    await auth.ready();
    const fetched = parse(auth.metrics());
    assert.equal(fetched.get('latchgate_key_set_fetches_total{result="fetched"}'), 1);
    assert.equal(fetched.get('latchgate_key_set_keys'), 1);
    assert.equal((await auth.authenticate({ token: signed(key) })).ok, true);
  });
});

describe('the text of metrics()', () => {
  it('is valid for a strict parser, when idle and under load, and always has the same series', async (t) => {
    const auth = open(t, { sessions: { limit: 1, admission: 'first-use' } });
    const names = [...parse(auth.metrics()).keys()];
    const port = await serve(t, (app) => app.get('/', auth.middleware(), (_req, res) => res.json(1)));
    await Promise.all(Array.from({ length: 100 }, () => get(port, '/', token({ sub: unique() }))));
    await Promise.all(Array.from({ length: 100 }, () => get(port, '/', unique())));
    assert.deepEqual([...parse(auth.metrics()).keys()], names);
  });

  it('contains no id, no token and no key', async (t) => {
    const auth = open(t, { apiKeys: {} });
    const userId = unique('Hush-Hush');
    const { key, keyId } = await auth.apiKeys.create({ ownerId: userId });
    await auth.authenticate({ apiKey: key });
    await auth.authenticate({ token: await auth.tokens.issue(userId, { sessionId: 'Hush-Hush' }) });
    await auth.authenticate({ token: 'Hush-Hush' });
    assert.ok(![`Hush-Hush`, key, keyId].some((secret) => auth.metrics().includes(secret)));
  });

  it('belongs to one Auth, and stays readable after close()', async (t) => {
    const [one, other] = [open(t), open(t)];
    await one.authenticate({});
    const series = 'latchgate_decisions_total{outcome="denied",reason="credentials_required"}';
    await one.close();
    assert.equal(parse(one.metrics()).get(series), 1);
    assert.equal(parse(other.metrics()).get(series), 0);
    assert.throws(() => one.middleware(), fault('CLOSED'));
  });
});
