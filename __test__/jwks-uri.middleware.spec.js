// Keys from an endpoint: when the Auth fetches them, which requests wait, and which keys count during an outage.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { EXPRESS, serve } = require('./support/app.js');
const { fault, open } = require('./support/auths.js');
const { get, send } = require('./support/http.js');
const { jwkOf, token } = require('./support/jwt.js');
const { keyEndpoint, keySet, pair, signed } = require('./support/key-endpoint.js');
const { steerTimers } = require('./support/timers.js');

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

const [first, second, third] = ['first', 'second', 'third'].map(pair);

/**
 * @param {import('node:test').TestContext} t
 * @param {{ url: string }} endpoint
 * @param {object} [jwt]
 */
async function site(t, endpoint, jwt = {}, framework = EXPRESS[0].express) {
  const auth = open(t, { jwt: { jwksUri: endpoint.url, ...jwt } });
  /** @type {string[]} */
  const reasons = [];
  const onDeny = (/** @type {any} */ denial, /** @type {any} */ _req, /** @type {any} */ res) => {
    reasons.push(denial.reason);
    res.status(denial.status).set(denial.headers).json({ error: denial.code });
  };
  const port = await serve(
    t,
    (app) => {
      app.get('/plain', auth.middleware(), (req, res) => res.json(req.auth?.userId));
      app.get('/', auth.middleware({ onDeny }), (req, res) => res.json(req.auth?.userId));
    },
    framework,
  );
  const ask = async (/** @type {string} */ text) => (await get(port, '/', text)).status;
  return { auth, port, ask, reasons };
}

/** Continues when the current fetch, if any, has finished. @param {import('latchgate').Auth} auth */
const settled = (auth) => auth.tokens.verify(signed(pair('nobody'))).catch(() => null);

/** A private JWK. @param {ReturnType<typeof pair>} pair */
const own = ({ privateKey }) => jwkOf(privateKey);

/** Responses of the endpoint that are not a usable key set. */
const BAD = /** @type {Array<[string, (endpoint: any) => void, RegExp]>} */ ([
  ['status 500', (endpoint) => Object.assign(endpoint, { status: 500 }), /status 500/],
  [
    'a redirect',
    (endpoint) => Object.assign(endpoint, { status: 302, headers: { Location: '/other' } }),
    /redirect/,
  ],
  ['no JSON', (endpoint) => Object.assign(endpoint, { body: '<html>' }), /no key set/],
  ['no set', (endpoint) => Object.assign(endpoint, { body: '{"keys":{}}' }), /no key set/],
  ['an empty set', (endpoint) => Object.assign(endpoint, { body: '{"keys":[]}' }), /holds no key/],
  [
    'no usable key',
    (endpoint) => Object.assign(endpoint, { body: JSON.stringify({ keys: [{ ...first.jwk, use: 'enc' }] }) }),
    /holds no key/,
  ],
  [
    'only private and foreign keys',
    (endpoint) =>
      Object.assign(endpoint, { body: JSON.stringify({ keys: [own(first), { kty: 'NEW' }, null] }) }),
    /holds no key/,
  ],
  [
    'more than 256 KiB',
    (endpoint) => Object.assign(endpoint, { body: keySet(first) + ' '.repeat(1 << 18) }),
    /longer than/,
  ],
  ['a broken connection', (endpoint) => Object.assign(endpoint, { isDown: true }), /jwksUri: /],
]);

describe('a key set by URL', () => {
  for (const { name, express } of EXPRESS) {
    it(`is fetched once, and every earlier request waits for it, on ${name}`, async (t) => {
      const endpoint = await keyEndpoint(t, first);
      endpoint.isHeld = true;
      const { ask } = await site(t, endpoint, {}, express);
      const answers = Array.from({ length: 50 }, () => ask(signed(first)));
      await endpoint.reached(1);
      assert.equal(await ask(token()), 401, 'a token that no key of the set could verify does not wait');
      endpoint.release();
      assert.deepEqual(new Set(await Promise.all(answers)), new Set([200]));
      assert.equal(endpoint.asked, 1);
    });
  }

  it('is fetched again for an unknown key id, once for all concurrent requests', async (t) => {
    const tick = steerTimers(t);
    const endpoint = await keyEndpoint(t, first);
    const { auth, ask } = await site(t, endpoint);
    await auth.ready();
    tick(30 * SECOND);
    endpoint.body = keySet(first, second);
    const tokens = Array.from({ length: 50 }, (_, i) => signed(i % 2 === 0 ? second : first));
    assert.deepEqual(new Set(await Promise.all(tokens.map(ask))), new Set([200]));
    assert.equal(endpoint.asked, 2);
  });

  it('is fetched at most once in 30 seconds for key ids that do not exist', async (t) => {
    const tick = steerTimers(t);
    const endpoint = await keyEndpoint(t, first);
    const { auth, ask, reasons } = await site(t, endpoint);
    await auth.ready();
    for (const asked of [1, 2, 3]) {
      for (let i = 0; i < 5; i++) assert.equal(await ask(signed(pair(`stranger-${i}`))), 401);
      assert.equal(endpoint.asked, asked);
      tick(30 * SECOND);
    }
    assert.deepEqual(new Set(reasons), new Set(['token_key']));
  });

  it('denies each token of a removed key, verified before or not', async (t) => {
    const tick = steerTimers(t);
    const endpoint = await keyEndpoint(t, first, second);
    const { auth, ask } = await site(t, endpoint);
    const [kept, retired] = [signed(first), signed(second)];
    for (const text of [kept, retired, kept, retired]) assert.equal(await ask(text), 200);
    endpoint.body = keySet(first, third);
    tick(10 * MINUTE);
    await settled(auth);
    assert.equal(await ask(retired), 401);
    assert.equal(await ask(kept), 200);
    assert.equal(await ask(signed(third)), 200);
  });

  it('is fresh for the time in Cache-Control, between a minute and an hour', async (t) => {
    const tick = steerTimers(t);
    for (const [control, ms] of /** @type {Array<[string, number]>} */ ([
      ['', 10 * MINUTE],
      ['public, max-age=300', 5 * MINUTE],
      ['max-age=1', MINUTE],
      ['no-store', MINUTE],
      ['max-age=999999999', HOUR],
    ])) {
      const endpoint = await keyEndpoint(t, first);
      endpoint.headers = { 'Cache-Control': control };
      const auth = open(t, { jwt: { jwksUri: endpoint.url } });
      await auth.ready();
      tick(ms - 1);
      assert.equal(endpoint.asked, 1, control);
      tick(1);
      await endpoint.reached(2);
    }
  });
});

describe('while the endpoint does not respond', () => {
  it('requests get 503 and never 401, until it responds', async (t) => {
    const tick = steerTimers(t);
    const endpoint = await keyEndpoint(t, first);
    endpoint.isDown = true;
    const { auth, ask, port, reasons } = await site(t, endpoint);
    assert.equal(await ask(signed(first)), 503);
    const plain = await get(port, '/plain', signed(first));
    assert.deepEqual([plain.status, plain.body], [503, '{"error":"store_unavailable"}']);
    assert.equal(plain.header('retry-after'), '1');
    assert.equal(plain.header('www-authenticate'), undefined);
    assert.equal(endpoint.asked, 1, 'requests do not fetch again: a timer does');
    assert.equal(reasons[0], 'keys_unavailable');
    assert.equal(await ask(token()), 401, 'HS256');
    assert.equal(await ask('nonsense'), 401);
    const { ok, warnings } = await auth.health();
    assert.equal(ok, false);
    assert.match(warnings.join(), /jwt\.jwksUri: .*no token/);
    assert.doesNotMatch(warnings.join(), /hidden|127/);
    endpoint.isDown = false;
    tick(SECOND);
    await settled(auth);
    assert.equal(await ask(signed(first)), 200);
    assert.deepEqual(await auth.health().then(({ warnings }) => warnings.join()), '');
  });

  it('the fetched keys stay valid for a day, and no longer', async (t) => {
    const tick = steerTimers(t);
    const endpoint = await keyEndpoint(t, first);
    const { auth, ask, reasons } = await site(t, endpoint);
    assert.equal(await ask(signed(first)), 200);
    endpoint.isDown = true;
    tick(10 * MINUTE);
    await settled(auth);
    assert.equal(await ask(signed(first)), 200);
    assert.equal(await ask(signed(second)), 503, 'the issuer may have added its key since');
    assert.equal((await auth.health()).ok, true);
    const last = signed(first);
    assert.equal(await ask(last), 200);
    tick(24 * HOUR - 10 * MINUTE - 1);
    await settled(auth);
    assert.equal(await ask(last), 200);
    tick(1);
    await settled(auth);
    assert.equal(await ask(last), 503);
    assert.deepEqual(new Set(reasons), new Set(['keys_unavailable']));
  });

  it('calls that read a token reject, and report nothing about the token', async (t) => {
    const endpoint = await keyEndpoint(t, first);
    endpoint.isDown = true;
    const { auth } = await site(t, endpoint);
    const text = signed(first);
    for (const call of [auth.tokens.verify(text), auth.tokens.revoke(text), auth.tokens.isRevoked(text)])
      await assert.rejects(call, fault('STORE_UNAVAILABLE', /jwksUri/));
    await assert.rejects(auth.ready(), fault('STORE_UNAVAILABLE', /jwksUri/));
    const answer = await auth.authenticate({ token: text });
    assert.ok(!answer.ok);
    assert.deepEqual([answer.status, answer.reason], [503, 'keys_unavailable']);
  });

  it('tokens of the own key are accepted', async (t) => {
    const endpoint = await keyEndpoint(t, first);
    endpoint.isDown = true;
    const { auth, ask } = await site(t, endpoint, { privateKey: { ...own(third), kid: 'ours' } });
    assert.equal(await ask(await auth.tokens.issue('u')), 200);
    assert.equal(await ask(signed(first)), 503);
    assert.equal(await ask(signed({ ...first, kid: 'ours' })), 401);
  });

  for (const [what, change] of BAD) {
    it(`but answers with ${what}, it counts as an outage`, async (t) => {
      const endpoint = await keyEndpoint(t, first);
      change(endpoint);
      const { ask, auth } = await site(t, endpoint);
      assert.equal(await ask(signed(first)), 503);
      assert.equal((await auth.health()).ok, false);
      assert.equal(endpoint.asked, 1);
    });
  }

  for (const [what, change, trouble] of BAD) {
    it(`but answers with ${what}, the previous keys stay for a day, and health() reports it`, async (t) => {
      const tick = steerTimers(t);
      const endpoint = await keyEndpoint(t, first, second);
      const good = { ...endpoint };
      const { auth, ask, reasons } = await site(t, endpoint);
      const [one, other] = [signed(first), signed(second)];
      for (const text of [one, other]) assert.equal(await ask(text), 200);
      change(endpoint);
      tick(10 * MINUTE);
      await settled(auth);
      // The retry timer fetches repeatedly.
      for (const [asked, seconds] of [
        [3, 1],
        [4, 2],
        [5, 4],
      ]) {
        tick(seconds * SECOND);
        await endpoint.reached(asked);
        await settled(auth);
        for (const text of [one, other, signed(first)]) assert.equal(await ask(text), 200);
        assert.equal(await ask(signed(third)), 503, 'the issuer may have added its key since');
      }
      const { ok, warnings } = await auth.health();
      assert.deepEqual([ok, warnings.length], [true, 1]);
      assert.match(warnings[0], trouble);
      assert.match(warnings[0], /the keys fetched before are used for up to 24 hours/);
      assert.match(auth.metrics(), /latchgate_key_set_fetches_total\{result="failed"\} 4\n/);
      assert.match(auth.metrics(), /latchgate_key_set_keys 2\n/);
      // A usable response without one of the keys removes that key, as usual.
      Object.assign(endpoint, { ...good, asked: endpoint.asked, body: keySet(second) });
      const { asked } = endpoint;
      tick(8 * SECOND);
      await endpoint.reached(asked + 1);
      await settled(auth);
      assert.deepEqual([await ask(one), await ask(other)], [401, 200]);
      assert.deepEqual((await auth.health()).warnings, []);
      // The keys expire a day after the last usable response.
      change(endpoint);
      tick(10 * MINUTE);
      await settled(auth);
      tick(24 * HOUR - 10 * MINUTE - 1);
      await settled(auth);
      assert.equal(await ask(other), 200);
      tick(1);
      await settled(auth);
      assert.equal(await ask(other), 503);
      assert.equal((await auth.health()).ok, false);
      assert.match(auth.metrics(), /latchgate_key_set_keys 0\n/);
      assert.deepEqual(
        reasons.filter((reason) => !['keys_unavailable', 'token_key'].includes(reason)),
        [],
      );
    });
  }

  it('but sends nothing for 5 seconds, it counts as an outage', async (t) => {
    const tick = steerTimers(t);
    const endpoint = await keyEndpoint(t, first);
    endpoint.isHeld = true;
    const { ask } = await site(t, endpoint);
    const answer = ask(signed(first));
    await endpoint.reached(1);
    tick(5 * SECOND);
    assert.equal(await answer, 503);
  });
});

describe('the keys in a set', () => {
  it('are skipped if they cannot verify, without effect on the other keys', async (t) => {
    const endpoint = await keyEndpoint(t, first);
    const keys = [
      { kty: 'oct', k: 'c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3I', kid: 'oct' },
      { ...own(second), kid: 'private' },
      { ...second.jwk, kid: 'mismatch', alg: 'RS256' },
      { ...second.jwk, kid: 'sealing', use: 'enc' },
      { ...second.jwk, kid: 'torn', y: 'AAAA' },
      { kty: 'NEW', kid: 'new' },
      null,
      'text',
      first.jwk,
    ];
    endpoint.body = JSON.stringify({ keys });
    const { ask } = await site(t, endpoint);
    assert.equal(await ask(signed(first)), 200);
    for (const kid of ['private', 'mismatch', 'sealing', 'torn'])
      assert.equal(await ask(signed({ ...second, kid })), 401, kid);
  });

  it('never replace the own key', async (t) => {
    const endpoint = await keyEndpoint(t, { ...first, jwk: { ...first.jwk, kid: 'ours' } });
    const { auth, ask } = await site(t, endpoint, { privateKey: { ...own(third), kid: 'ours' } });
    await auth.ready().catch(() => {});
    assert.equal(await ask(await auth.tokens.issue('u')), 200);
    assert.equal(await ask(signed({ ...first, kid: 'ours' })), 401);
  });

  it('are limited by jwt.algorithms', async (t) => {
    const endpoint = await keyEndpoint(t, first);
    const { ask } = await site(t, endpoint, { algorithms: ['RS256'] });
    assert.equal(await ask(signed(first)), 401);
  });
});

describe('keys by URL serve', () => {
  it('a token together with an API key', async (t) => {
    const endpoint = await keyEndpoint(t, first);
    endpoint.isHeld = true;
    const auth = open(t, { jwt: { jwksUri: endpoint.url }, apiKeys: {} });
    const { key } = await auth.apiKeys.create({ ownerId: 'user' });
    const port = await serve(t, (app) => {
      app.get('/', auth.middleware(), (req, res) => res.json([req.auth?.userId, req.auth?.claims.sub]));
    });
    const headers = [`X-API-Key: ${key}`, `Authorization: Bearer ${signed(first)}`];
    const answer = send(port, { headers });
    const direct = auth.authenticate({ apiKey: key, token: signed(first) });
    await endpoint.reached(1);
    endpoint.release();
    assert.deepEqual(JSON.parse((await answer).body), ['user', 'user']);
    assert.equal((await direct).ok, true);
  });

  it('direct calls, which wait for the keys', async (t) => {
    const endpoint = await keyEndpoint(t, first);
    const auth = open(t, { jwt: { jwksUri: endpoint.url } });
    const text = signed(first);
    assert.equal((await auth.tokens.verify(text))?.sub, 'user');
    assert.equal(await auth.tokens.revoke(text), true);
    assert.equal(await auth.tokens.isRevoked(text), true);
    const answer = await auth.authenticate({ token: text });
    assert.ok(!answer.ok);
    assert.equal(answer.reason, 'token_revoked');
  });

  it('no call after close(), which ends the current fetch', async (t) => {
    const endpoint = await keyEndpoint(t, first);
    endpoint.isHeld = true;
    const { auth, ask } = await site(t, endpoint);
    const answer = ask(signed(first));
    await endpoint.reached(1);
    const direct = assert.rejects(auth.tokens.verify(signed(first)), fault('CLOSED'));
    await new Promise(setImmediate);
    await auth.close();
    assert.equal(await answer, 503);
    await direct;
    assert.equal(endpoint.asked, 1);
  });
});
