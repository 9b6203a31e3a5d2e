// API keys in requests, on both Express versions: which keys are accepted, the exact response of each denial, and
// the charges.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { authMiddleware } = require('latchgate');
const { EXPRESS, serve } = require('./support/app.js');
const { fault, newStore, open, unique } = require('./support/auths.js');
const { send } = require('./support/http.js');
const { SECRET, token } = require('./support/jwt.js');

/** @typedef {import('latchgate').Policy} Policy */

const APIKEY = 'ApiKey realm="api"';
const BEARER = 'Bearer realm="api"';
/** @type {Policy} */
const BOTH = { credentials: ['bearer', 'api-key'] };
/** @type {Policy} */
const KEYS = { credentials: ['api-key'] };

/**
 * @param {number} port
 * @param {{ key?: string, keys?: string[], bearer?: string, header?: string }} credentials
 */
function ask(port, { key, keys = key === undefined ? [] : [key], bearer, header = 'X-API-Key' }) {
  const headers = keys.map((each) => `${header}: ${each}`);
  if (bearer !== undefined) headers.push(`Authorization: Bearer ${bearer}`);
  return send(port, { headers });
}

for (const { name, express } of EXPRESS) {
  describe(`on ${name}`, () => {
    /**
     * @param {import('node:test').TestContext} t
     * @param {Policy[]} policies
     * @param {import('latchgate').AuthOptions} [options]
     */
    async function site(t, policies, options) {
      const auth = open(t, options);
      let handled = 0;
      const port = await serve(
        t,
        (app) => {
          for (const policy of policies) app.use(auth.middleware(policy));
          app.get('/', (req, res) => {
            handled++;
            res.json(req.auth ?? null);
          });
        },
        express,
      );
      return { auth, port, handled: () => handled };
    }

    it('a key authenticates its owner, and the handler sees the owner', async (t) => {
      const { auth, port } = await site(t, [BOTH]);
      const ownerId = unique();
      const { key, keyId } = await auth.apiKeys.create({ ownerId, scopes: ['a'], metadata: { m: [1] } });
      const answer = await ask(port, { key });
      assert.equal(answer.status, 200);
      const seen = JSON.parse(answer.body);
      assert.deepEqual(seen.apiKey, { keyId, ownerId, metadata: { m: [1] } });
      assert.deepEqual([seen.userId, seen.scopes, seen.claims], [ownerId, ['a'], {}]);
      assert.deepEqual([seen.sessionId, seen.tokenId, seen.session], [undefined, undefined, undefined]);
      assert.equal((await ask(port, { bearer: token({ sub: ownerId }) })).status, 200);
    });

    it('each denial matches the table', async (t) => {
      const { auth, port, handled } = await site(t, [{ ...BOTH, scope: 'a' }]);
      const ownerId = unique();
      const create = (/** @type {object} */ more = {}) =>
        auth.apiKeys.create({ ownerId, scopes: ['a'], ...more });
      const [revoked, blocked] = [await create(), await create({ ownerId: unique('blocked') })];
      await auth.apiKeys.revoke(revoked.keyId);
      await auth.tokens.blockUser(/** @type {any} */ (await auth.apiKeys.get(blocked.keyId)).ownerId);
      const expired = await create({ expiresAt: Date.now() - 1 });
      const scopeless = await create({ scopes: ['b'] });
      const spent = await create({ quota: { limit: 1 } });
      await auth.apiKeys.check(spent.key);
      const good = await create();
      const invalid = { status: 401, code: 'invalid_api_key', challenge: APIKEY };
      const unreadable = {
        status: 400,
        code: 'invalid_request',
        challenge: `${BEARER}, error="invalid_request"`,
      };
      const scopes = `${BEARER}, error="insufficient_scope", scope="a"`;
      /** @type {Array<[string, Parameters<typeof ask>[1], { status: number, code: string, challenge?: string }]>} */
      const rows = [
        ['none', {}, { status: 401, code: 'credentials_required', challenge: `${BEARER}, ${APIKEY}` }],
        ['empty', { key: '' }, invalid],
        ['10 KB', { key: 'x'.repeat(10_240) }, invalid],
        ['a star', { key: '*' }, invalid],
        ['braces', { key: '{}' }, invalid],
        ['latin-1', { key: 'ü'.repeat(20) }, invalid],
        ['unknown', { key: unique('imported') }, invalid],
        ['a wrong secret', { key: `${good.key.slice(0, -2)}xx` }, invalid],
        ['revoked', { key: revoked.key }, invalid],
        ['expired', { key: expired.key }, invalid],
        ['two headers', { keys: [good.key, good.key] }, unreadable],
        ['two keys in one header', { key: `${good.key}, ${good.key}` }, unreadable],
        ['blocked', { key: blocked.key }, { status: 403, code: 'blocked' }],
        [
          'without the scope',
          { key: scopeless.key },
          { status: 403, code: 'insufficient_scope', challenge: scopes },
        ],
        ['spent', { key: spent.key }, { status: 429, code: 'quota_exhausted' }],
      ];
      for (const [what, credentials, { status, code, challenge }] of rows) {
        const answer = await ask(port, credentials);
        assert.equal(answer.status, status, what);
        assert.equal(answer.body, JSON.stringify({ error: code }), what);
        assert.equal(answer.header('WWW-Authenticate'), challenge, what);
        assert.equal(answer.header('Cache-Control'), 'no-store', what);
      }
      assert.equal(handled(), 0);
      assert.equal((await ask(port, { key: good.key })).status, 200);
    });

    it('a credential of a kind that the policy does not list is ignored', async (t) => {
      const onlyKeys = await site(t, [KEYS]);
      const { key } = await onlyKeys.auth.apiKeys.create({ ownerId: 'u' });
      const none = await ask(onlyKeys.port, { bearer: token() });
      assert.deepEqual([none.status, none.header('WWW-Authenticate')], [401, APIKEY]);
      assert.equal((await ask(onlyKeys.port, { key, bearer: 'nonsense' })).status, 200);
      const onlyTokens = await site(t, [{}]);
      const made = await onlyTokens.auth.apiKeys.create({ ownerId: 'u' });
      const refused = await ask(onlyTokens.port, { key: made.key });
      assert.deepEqual([refused.status, refused.header('WWW-Authenticate')], [401, BEARER]);
      assert.equal((await ask(onlyTokens.port, { key: 'nonsense', bearer: token() })).status, 200);
    });

    it('the policy accepts all configured kinds by default, and reads the configured header', async (t) => {
      const both = await site(t, [{}], { apiKeys: { header: 'X-My-Key' } });
      const { key } = await both.auth.apiKeys.create({ ownerId: 'u' });
      assert.equal((await ask(both.port, { key, header: 'x-MY-key' })).status, 200);
      assert.equal((await ask(both.port, { key })).status, 401);
      assert.equal((await ask(both.port, { bearer: token() })).status, 200);
      const alone = await site(t, [{}], { jwt: {}, apiKeys: {} });
      const none = await ask(alone.port, { bearer: token() });
      assert.deepEqual([none.status, none.header('WWW-Authenticate')], [401, APIKEY]);
      assert.throws(() => alone.auth.middleware(BOTH), fault('CONFIG', /no key to verify/));
    });

    it('a key together with a token: both must be valid, and the user of the token must own the key', async (t) => {
      const { auth, port } = await site(t, [{ ...BOTH, scope: 'a' }], {
        sessions: { limit: 1, admission: 'first-use' },
      });
      const ownerId = unique();
      const { key, keyId } = await auth.apiKeys.create({ ownerId, scopes: ['a', 'k'], quota: { limit: 2 } });
      const bearer = token({ sub: ownerId, sid: 's', scope: 'a t' });
      const answer = await ask(port, { key, bearer });
      assert.equal(answer.status, 200);
      const seen = JSON.parse(answer.body);
      assert.deepEqual([seen.userId, seen.sessionId, seen.apiKey.keyId], [ownerId, 's', keyId]);
      assert.deepEqual([seen.scopes, seen.claims.scope, seen.session.active], [['a'], 'a t', 1]);
      const left = async () => (await auth.apiKeys.get(keyId))?.quota?.remaining;
      assert.equal(await left(), 1);
      /** @type {Array<[string, number, { key: string, bearer: string }]>} */
      const rows = [
        ['invalid_api_key', 401, { key, bearer: token({ sub: unique(), scope: 'a' }) }],
        ['invalid_api_key', 401, { key: `${key}x`, bearer }],
        ['invalid_token', 401, { key, bearer: `${bearer}x` }],
        ['insufficient_scope', 403, { key, bearer: token({ sub: ownerId, sid: 's', scope: 't' }) }],
        ['session_limit', 403, { key, bearer: token({ sub: ownerId, sid: 'z', scope: 'a' }) }],
        ['invalid_request', 400, { key, bearer: `${bearer}, x` }],
      ];
      for (const [code, status, credentials] of rows) {
        const refused = await ask(port, credentials);
        assert.deepEqual([refused.status, refused.body], [status, JSON.stringify({ error: code })]);
      }
      await auth.tokens.revoke(bearer);
      assert.equal((await ask(port, { key, bearer })).body, '{"error":"invalid_token"}');
      assert.equal(await left(), 1, 'a denied request charges nothing');
      assert.deepEqual(
        (await auth.sessions.list(ownerId)).map(({ sessionId }) => sessionId),
        ['s'],
      );
      const basic = await send(port, { headers: [`X-API-Key: ${key}`, 'Authorization: Basic eDp5'] });
      assert.equal(basic.status, 200, 'credentials of another scheme are not a token');
    });

    it('the quota of the policy and the key’s own quota are charged both or neither, and the headers show both', async (t) => {
      const { auth, port } = await site(t, [{ ...BOTH, quota: { limit: 3, window: '1m', cost: 2 } }]);
      const { key, keyId } = await auth.apiKeys.create({ ownerId: unique(), quota: { limit: 9 } });
      const left = async () => (await auth.apiKeys.get(keyId))?.quota?.remaining;
      const allowed = await ask(port, { key });
      assert.equal(allowed.header('RateLimit-Policy'), '"default";q=3;w=60, "api-key";q=9');
      assert.equal(allowed.header('RateLimit'), '"default";r=1;t=60, "api-key";r=7');
      assert.equal(JSON.parse(allowed.body).quota.remaining, 1, 'req.auth.quota is the policy’s quota');
      const refused = await ask(port, { key });
      assert.equal(refused.status, 429);
      assert.match(
        /** @type {string} */ (refused.header('RateLimit')),
        /^"default";r=1;t=\d+, "api-key";r=7$/,
      );
      assert.ok(Number(refused.header('Retry-After')) > 50);
      assert.equal(await left(), 7);
      const poor = await auth.apiKeys.create({ ownerId: unique(), quota: { limit: 1 } });
      const never = await ask(port, { key: poor.key });
      assert.deepEqual([never.status, never.header('Retry-After')], [429, undefined]);
      assert.equal(never.header('RateLimit'), '"default";r=3, "api-key";r=1');
    });

    it('if a quota in another hash slot denies, the charge of the key’s own quota is refunded', async (t) => {
      const by = unique('address');
      const { auth, port } = await site(t, [{ ...KEYS, quota: { limit: 2, name: 'by', by: () => by } }]);
      const { key, keyId } = await auth.apiKeys.create({ ownerId: unique(), quota: { limit: 9 } });
      const statuses = [];
      for (let n = 0; n < 4; n++) statuses.push((await ask(port, { key })).status);
      assert.deepEqual(statuses, [200, 200, 429, 429]);
      assert.equal((await auth.apiKeys.get(keyId))?.quota?.remaining, 7);
    });

    it('two middlewares on one request charge the key once, and each charges its own quota', async (t) => {
      const { auth, port } = await site(t, [
        { ...KEYS, quota: { limit: 9, name: 'one' } },
        { ...BOTH, quota: { limit: 8, name: 'two' } },
        KEYS,
      ]);
      const { key, keyId } = await auth.apiKeys.create({ ownerId: unique(), quota: { limit: 5 } });
      const answer = await ask(port, { key });
      assert.equal(answer.header('RateLimit'), '"one";r=8, "api-key";r=4, "two";r=7');
      assert.equal((await auth.apiKeys.get(keyId))?.quota?.remaining, 4);
    });

    it('a policy’s quota counts by key unless the policy names another subject', async (t) => {
      const ownerId = unique();
      for (const [by, expected] of /** @type {Array<[any, number[]]>} */ ([
        ['left out', [200, 429, 200, 200, 429]],
        ['api-key', [200, 429, 200, 200, 429]],
        ['user', [200, 429, 429, 429, 429]],
        ['session', [200, 429, 429, 429, 429]],
      ])) {
        const quota = by === 'left out' ? { limit: 1 } : { limit: 1, by };
        const { auth, port } = await site(t, [{ ...BOTH, quota }]);
        const [one, two] = [await auth.apiKeys.create({ ownerId }), await auth.apiKeys.create({ ownerId })];
        const bearer = token({ sub: ownerId });
        const asked = [{ key: one.key }, { key: one.key }, { key: two.key }, { bearer }, { bearer }];
        const statuses = [];
        for (const credentials of asked) statuses.push((await ask(port, credentials)).status);
        // A token without a session id counts as a session.
        const wanted = by === 'session' ? [200, 429, 429, 200, 429] : expected;
        assert.deepEqual(statuses, wanted, String(by));
      }
    });

    it('guards, optional, skip and onDeny treat keys like tokens', async (t) => {
      const auth = open(t, { apiKeys: {} });
      /** @type {string[]} */
      const reasons = [];
      const port = await serve(
        t,
        (app) => {
          app.use(
            '/optional',
            auth.middleware({ optional: true }),
            (req, res) => void res.json(req.auth ?? null),
          );
          app.use('/skip', auth.middleware({ skip: () => true }), (_req, res) => void res.end());
          const onDeny = (/** @type {any} */ denial, /** @type {any} */ _req, /** @type {any} */ res) => {
            reasons.push(denial.reason);
            res.set(denial.headers).status(418).end();
          };
          app.use('/deny', auth.middleware({ onDeny }), (_req, res) => void res.end());
          app.use('/', auth.middleware({ requestProperty: 'who' }));
          app.get('/scope', auth.requireScope('a'), (_req, res) => void res.end());
          app.get('/claims', auth.requireClaims({ role: 'x' }), (_req, res) => void res.end());
        },
        express,
      );
      const { key } = await auth.apiKeys.create({ ownerId: 'u', scopes: ['a'] });
      const at = async (/** @type {string} */ path, /** @type {string} */ header) =>
        (await send(port, { path, headers: header === '' ? [] : [`x-api-key: ${header}`] })).status;
      assert.deepEqual(
        await Promise.all([at('/optional', ''), at('/optional', key), at('/optional', 'x')]),
        [200, 200, 401],
      );
      assert.deepEqual(
        await Promise.all([at('/skip', 'x'), at('/scope', key), at('/claims', key)]),
        [200, 200, 403],
      );
      assert.equal(await at('/deny', 'x'), 418);
      assert.deepEqual(reasons, ['key_unknown']);
      const bare = await send(port, { path: '/scope' });
      assert.equal(bare.header('WWW-Authenticate'), `${BEARER}, ${APIKEY}`);
    });

    it('functions of the request apply to keys too, and their errors go to next()', async (t) => {
      const { auth, port } = await site(t, [
        {
          ...KEYS,
          quota: {
            limit: 9,
            cost: (req) => Number(req.get('x-cost')),
            idempotencyKey: (req) => req.get('x-once'),
            refundOn: () => true,
          },
        },
      ]);
      const { key, keyId } = await auth.apiKeys.create({ ownerId: unique(), quota: { limit: 9 } });
      const asked = (/** @type {string[]} */ ...headers) =>
        send(port, { headers: [`x-api-key: ${key}`, ...headers] });
      const left = async () => (await auth.apiKeys.get(keyId))?.quota?.remaining;
      assert.equal((await asked('x-cost: 2', 'x-once: i')).status, 200);
      assert.equal((await asked('x-cost: 2', 'x-once: i')).status, 200);
      assert.equal(await left(), 7, 'the key is charged once');
      assert.equal((await asked('x-cost: 3', 'x-once: i')).status, 500);
      assert.equal((await asked('x-cost: -1')).status, 500);
      assert.equal(await left(), 7);
      assert.equal((await asked('x-cost: 0')).status, 200);
      assert.equal(await left(), 7, 'a cost of 0 only reads the quota');
    });
  });
}

describe('authenticate() with a key', () => {
  it('returns the same result as a middleware', async (t) => {
    const auth = open(t);
    const ownerId = unique();
    const { key, keyId } = await auth.apiKeys.create({ ownerId, quota: { limit: 2 } });
    const quota = { limit: 9, by: () => 'x', name: 'x' };
    const passed = await auth.authenticate({ apiKey: key }, { ...KEYS, quota });
    assert.ok(passed.ok);
    assert.deepEqual([passed.auth.userId, passed.auth.apiKey?.keyId], [ownerId, keyId]);
    assert.ok(Object.isFrozen(passed.auth.apiKey) && Object.isFrozen(passed.auth.claims));
    assert.equal(passed.auth.quota?.remaining, 8);
    const bearer = await auth.tokens.issue(ownerId);
    assert.equal((await auth.authenticate({ apiKey: key, token: bearer }, BOTH)).ok, true);
    const spent = await auth.authenticate({ apiKey: key }, KEYS);
    assert.ok(!spent.ok && spent.reason === 'quota_exhausted');
    assert.equal(spent.headers.RateLimit, '"api-key";r=0');
    const other = await auth.authenticate({ apiKey: key, token: await auth.tokens.issue('v') }, BOTH);
    assert.ok(!other.ok && other.reason === 'key_owner');
    const ignored = await auth.authenticate({ apiKey: key });
    assert.ok(!ignored.ok && ignored.code === 'credentials_required', 'the policy does not accept keys');
    const none = await auth.authenticate({ apiKey: /** @type {any} */ (null) }, KEYS);
    assert.ok(!none.ok && none.headers['WWW-Authenticate'] === APIKEY);
  });

  it('each of many concurrent calls gets its own result', async (t) => {
    const auth = open(t);
    const keys = await Promise.all(
      Array.from({ length: 40 }, (_each, n) =>
        auth.apiKeys.create({ ownerId: `o${n}`, quota: { limit: n + 1 } }),
      ),
    );
    const quota = { limit: 100, window: '1h', name: 'each' };
    const answers = await Promise.all(
      keys.map(({ key }, n) =>
        auth.authenticate({ apiKey: key }, { ...KEYS, quota: { ...quota, limit: 100 + n, name: `q${n}` } }),
      ),
    );
    for (const [n, answer] of answers.entries()) {
      assert.ok(answer.ok);
      assert.deepEqual([answer.auth.userId, answer.auth.quota?.remaining], [`o${n}`, 99 + n]);
    }
  });
});

describe('the options of keys', () => {
  it('are checked immediately', (t) => {
    const jwt = { secret: SECRET };
    for (const apiKeys of [
      7,
      { hedder: 'x' },
      { header: '' },
      { header: 'a b' },
      { header: 'Authorization' },
      { header: 'cookie' },
      { header: 'x'.repeat(65) },
      { prefix: '' },
      { prefix: 'a b' },
      { prefix: 'x'.repeat(33) },
    ]) {
      const options = /** @type {any} */ ({ jwt, apiKeys });
      assert.throws(() => authMiddleware(options), fault('CONFIG', /apiKeys/), JSON.stringify(apiKeys));
    }
    const auth = open(t);
    for (const credentials of [[], ['apikey'], 'api-key', ['api-key', 7]]) {
      assert.throws(
        () => auth.middleware(/** @type {any} */ ({ credentials })),
        fault('CONFIG', /credentials/),
      );
    }
    const named = { ...KEYS, quota: { limit: 1, name: 'api-key' } };
    assert.throws(() => auth.middleware(named), fault('CONFIG', /quota\.name/));
  });

  it('of authMiddleware() need no key for tokens', async (t) => {
    const middleware = authMiddleware({ store: newStore(), apiKeys: {} });
    t.after(() => middleware.auth.close());
    assert.throws(() => authMiddleware({ store: newStore() }), fault('CONFIG'));
    const { key } = await middleware.auth.apiKeys.create({ ownerId: 'u' });
    assert.equal((await middleware.auth.authenticate({ apiKey: key })).ok, true);
  });
});
