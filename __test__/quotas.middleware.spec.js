// Quotas in policies and by direct calls: charges, refusals, and the quota data in responses.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { authMiddleware } = require('latchgate');
const { parseList, serializeList } = require('structured-headers');
const { EXPRESS, serve } = require('./support/app.js');
const { fault, newStore, open, unique } = require('./support/auths.js');
const { get } = require('./support/http.js');
const { SECRET, token } = require('./support/jwt.js');

const MAX = Number.MAX_SAFE_INTEGER;

/** @typedef {import('./support/http.js').Answer} Answer */

/**
 * Parses a header by RFC 9651 and asserts that it is in canonical form.
 * @param {Answer} answer
 * @param {string} name
 * @returns {Array<[string, Record<string, unknown>]>}
 */
function list(answer, name) {
  const text = /** @type {string} */ (answer.header(name));
  assert.notEqual(text, undefined, `${name} is present`);
  const parsed = parseList(text);
  assert.equal(serializeList(parsed), text);
  return parsed.map(([item, parameters]) => [/** @type {string} */ (item), Object.fromEntries(parameters)]);
}

for (const { name, express } of EXPRESS) {
  describe(`on ${name} a policy with a quota`, () => {
    /**
     * An app with one middleware for each policy, in that order, and a handler that shows req.auth.quota.
     * @param {import('node:test').TestContext} t
     * @param {import('latchgate').Policy[]} policies
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
            res.json(req.auth?.quota ?? null);
          });
        },
        express,
      );
      return { auth, port, handled: () => handled };
    }

    it('allows exactly the limit, and then answers 429', async (t) => {
      const { port, handled } = await site(t, [{ quota: { limit: 3, window: '1m' } }]);
      const text = token({ sub: unique() });
      const answers = await Promise.all(Array.from({ length: 20 }, () => get(port, '/', text)));
      assert.equal(handled(), 3);
      assert.equal(answers.filter(({ status }) => status === 200).length, 3);
      const [refused] = answers.filter(({ status }) => status !== 200);
      assert.equal(refused.status, 429);
      assert.equal(refused.body, '{"error":"quota_exhausted"}');
      assert.equal(refused.header('Cache-Control'), 'no-store');
      assert.equal(refused.header('WWW-Authenticate'), undefined);
      assert.deepEqual(list(refused, 'RateLimit-Policy'), [['default', { q: 3, w: 60 }]]);
      const [[, { r, t: seconds }]] = list(refused, 'RateLimit');
      assert.equal(r, 0);
      assert.ok(Number(seconds) > 55 && Number(seconds) <= 60);
      assert.ok(Number(refused.header('Retry-After')) >= Number(seconds));
    });

    it('reports the remaining units on allowed responses and to the handler', async (t) => {
      const { port } = await site(t, [{ quota: { limit: 3, window: 1500, cost: 2 } }]);
      const answer = await get(port, '/', token({ sub: unique() }));
      assert.equal(answer.status, 200);
      assert.deepEqual(list(answer, 'RateLimit-Policy'), [['default', { q: 3, w: 2 }]]);
      assert.deepEqual(list(answer, 'RateLimit'), [['default', { r: 1, t: 2 }]]);
      assert.equal(answer.header('Retry-After'), undefined);
      const { limit, remaining, resetAt } = JSON.parse(answer.body);
      assert.deepEqual([limit, remaining], [3, 1]);
      assert.ok(resetAt > Date.now() - 1000 && resetAt <= Date.now() + 1500);
    });

    it('that never refills reports neither a window nor a retry time', async (t) => {
      const { port } = await site(t, [{ quota: { limit: 1, name: 'a, b; c=d' } }]);
      const text = token({ sub: unique() });
      const allowed = await get(port, '/', text);
      assert.deepEqual(list(allowed, 'RateLimit-Policy'), [['a, b; c=d', { q: 1 }]]);
      assert.deepEqual(list(allowed, 'RateLimit'), [['a, b; c=d', { r: 0 }]]);
      assert.equal(JSON.parse(allowed.body).resetAt, null);
      const refused = await get(port, '/', text);
      assert.equal(refused.status, 429);
      assert.deepEqual(list(refused, 'RateLimit'), [['a, b; c=d', { r: 0 }]]);
      assert.equal(refused.header('Retry-After'), undefined);
    });

    it('of the largest limit writes only integers that the header format allows', async (t) => {
      const { port } = await site(t, [{ quota: { limit: MAX } }]);
      const answer = await get(port, '/', token({ sub: unique() }));
      assert.deepEqual(list(answer, 'RateLimit-Policy'), [['default', { q: 999_999_999_999_999 }]]);
      assert.deepEqual(list(answer, 'RateLimit'), [['default', { r: 999_999_999_999_999 }]]);
      assert.equal(JSON.parse(answer.body).remaining, MAX - 1);
    });

    it('denies a cost above the limit permanently, and charges nothing', async (t) => {
      const { port } = await site(t, [
        { quota: { limit: 5, window: '1m', cost: (req) => Number(req.query.cost) } },
      ]);
      const text = token({ sub: unique() });
      assert.equal((await get(port, '/?cost=6', text)).status, 429);
      const refused = await get(port, '/?cost=6', text);
      assert.equal(refused.header('Retry-After'), undefined);
      assert.deepEqual(list(refused, 'RateLimit'), [['default', { r: 5 }]]);
      assert.equal((await get(port, '/?cost=5', text)).status, 200);
      assert.equal((await get(port, '/?cost=0', text)).status, 200);
      const [[, { r }]] = list(await get(port, '/?cost=1', text), 'RateLimit');
      assert.equal(r, 0);
    });

    it('writes one item per name', async (t) => {
      const { port } = await site(t, [
        { quota: { limit: 10, name: 'a, b' } },
        { quota: { limit: 20, window: '1h', name: 'hourly' } },
        { quota: { limit: 10, name: 'a, b' } },
      ]);
      const answer = await get(port, '/', token({ sub: unique() }));
      assert.deepEqual(list(answer, 'RateLimit-Policy'), [
        ['a, b', { q: 10 }],
        ['hourly', { q: 20, w: 3600 }],
      ]);
      assert.deepEqual(list(answer, 'RateLimit'), [
        ['a, b', { r: 8 }],
        ['hourly', { r: 19, t: 3600 }],
      ]);
      assert.deepEqual(JSON.parse(answer.body), { limit: 10, remaining: 8, resetAt: null });
    });

    it('passes a denial with all its headers to onDeny', async (t) => {
      /** @type {import('latchgate').Denial[]} */
      const denials = [];
      const { port } = await site(t, [
        { quota: { limit: 9, name: 'outer' } },
        {
          quota: { limit: 1, window: '1m', cost: 2 },
          onDeny: (denial, _req, res) => {
            denials.push(denial);
            res.set(denial.headers).status(418).end();
          },
        },
        { quota: { limit: 1, window: '1m', cost: 2 } },
      ]);
      const answer = await get(port, '/', token({ sub: unique() }));
      assert.equal(answer.status, 418);
      assert.deepEqual(denials, [
        {
          code: 'quota_exhausted',
          status: 429,
          reason: 'quota_exhausted',
          headers: {
            'Cache-Control': 'no-store',
            'RateLimit-Policy': '"outer";q=9, "default";q=1;w=60',
            RateLimit: '"outer";r=8, "default";r=1',
          },
        },
      ]);
      assert.deepEqual(list(answer, 'RateLimit').length, 2);
    });

    it('counts by user, by session, or by the result of a function', async (t) => {
      const auth = open(t);
      const [one, other] = [unique(), unique()];
      /** @param {object} claims */
      const remaining = async (claims, /** @type {any} */ by, context = {}) => {
        const quota = { limit: 10, by, name: typeof by === 'string' ? by : 'named' };
        const answer = await auth.authenticate({ token: token(claims), context }, { quota });
        return answer.ok ? answer.auth.quota?.remaining : answer.reason;
      };
      assert.equal(await remaining({ sub: one, sid: 'a' }, 'user'), 9);
      assert.equal(await remaining({ sub: one, sid: 'b' }, 'user'), 8);
      assert.equal(await remaining({ sub: other, sid: 'a' }, 'user'), 9);
      assert.equal(await remaining({ sub: one, sid: 'a' }, 'session'), 9);
      assert.equal(await remaining({ sub: one, sid: 'a' }, 'session'), 8);
      assert.equal(await remaining({ sub: one, sid: 'b' }, 'session'), 9);
      const by = (/** @type {any} */ { tenant }) => tenant;
      assert.equal(await remaining({ sub: one }, by, { tenant: 't' }), 9);
      assert.equal(await remaining({ sub: other }, by, { tenant: 't' }), 8);
      assert.equal(await remaining({ sub: other }, by, { tenant: 'u' }), 9);
    });

    it('calls its functions only for a valid token, and an error in a function charges nothing', async (t) => {
      let asked = 0;
      /** @type {any} */
      let holder = 'h';
      /** @type {any} */
      let cost = 1;
      const { port } = await site(t, [
        {
          quota: {
            limit: 5,
            by: () => {
              asked++;
              return holder;
            },
            cost: () => cost,
          },
        },
      ]);
      const text = token({ sub: unique() });
      assert.equal((await get(port, '/', `${text}x`)).status, 401);
      assert.equal(asked, 0);
      holder = unique('holder');
      for (const bad of [undefined, null, '', 7, {}, Promise.resolve('x'), '\ud800', 'x'.repeat(513)]) {
        const good = holder;
        holder = bad;
        const answer = await get(port, '/', text);
        assert.equal(answer.status, 500, String(bad));
        assert.equal(JSON.parse(answer.body).code, 'ERR_LATCHGATE_INPUT');
        holder = good;
      }
      for (const bad of [-1, 1.5, Number.NaN, MAX + 1, '1', null, Promise.resolve(1), {}]) {
        cost = bad;
        const answer = await get(port, '/', text);
        assert.equal(answer.status, 500, String(bad));
        assert.equal(JSON.parse(answer.body).code, 'ERR_LATCHGATE_INPUT');
      }
      cost = 1;
      assert.equal(JSON.parse((await get(port, '/', text)).body).remaining, 4);
      assert.equal(asked, 17);
    });

    it('is not charged by a request that is denied for another reason', async (t) => {
      const { port } = await site(t, [{ quota: { limit: 2 }, scope: 'write' }]);
      const sub = unique();
      for (let n = 0; n < 3; n++) assert.equal((await get(port, '/', token({ sub }))).status, 403);
      const answer = await get(port, '/', token({ sub, scope: 'write' }));
      assert.equal(JSON.parse(answer.body).remaining, 1);
    });

    it('adds quota headers only if the policy has a quota', async (t) => {
      const { port } = await site(t, [{}]);
      const answer = await get(port, '/', token({ sub: unique() }));
      assert.equal(answer.body, 'null');
      assert.deepEqual(
        answer.names.filter((header) => header.startsWith('ratelimit')),
        [],
      );
    });
  });
}

describe('a quota of a policy', () => {
  /** @type {Array<[string, any, RegExp]>} */
  const BAD = [
    ['no object', 5, /quota/],
    ['no limit', {}, /quota\.limit/],
    ...[0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, MAX + 1, '5', null].map(
      (limit) => /** @type {[string, any, RegExp]} */ ([`limit ${limit}`, { limit }, /quota\.limit/]),
    ),
    ['a window of zero', { limit: 1, window: 0 }, /quota\.window/],
    ['an invalid window', { limit: 1, window: '1 m' }, /quota\.window/],
    ['a balance with a window', { limit: 1, window: '1m', algorithm: 'balance' }, /quota\.window/],
    ['the algorithm window without a window', { limit: 1, algorithm: 'window' }, /quota\.window/],
    ['an unknown algorithm', { limit: 1, algorithm: 'sliding' }, /quota\.algorithm/],
    ['a bucket without a window', { limit: 1, algorithm: 'bucket' }, /quota\.window/],
    [
      'a bucket finer than the clock',
      { limit: 1001, window: 1, algorithm: 'bucket' },
      /quota\.limit.*microseconds/,
    ],
    [
      'an idempotencyKey that is not a function',
      { limit: 1, idempotencyKey: 'x' },
      /idempotencyKey must be a function/,
    ],
    ['an async idempotencyKey', { limit: 1, idempotencyKey: async () => 'x' }, /idempotencyKey.*synchronous/],
    ['refundOn that is not a function', { limit: 1, refundOn: true }, /refundOn must be a function/],
    ['an async refundOn', { limit: 1, refundOn: async () => true }, /refundOn.*synchronous/],
    ...['', 'a"b', 'a\\b', 'é', 'a\nb', 'x'.repeat(65), 7].map(
      (name) =>
        /** @type {[string, any, RegExp]} */ ([`the name ${name}`, { limit: 1, name }, /quota\.name/]),
    ),
    ['an unknown by', { limit: 1, by: 'tenant' }, /quota\.by/],
    ['an async by', { limit: 1, by: async () => 'x' }, /quota\.by/],
    ['an async cost', { limit: 1, cost: async () => 1 }, /quota\.cost/],
    ...[-1, 1.5, Number.NaN, MAX + 1, '1'].map(
      (cost) => /** @type {[string, any, RegExp]} */ ([`cost ${cost}`, { limit: 1, cost }, /quota\.cost/]),
    ),
    ['an unknown name', { limit: 1, windowMs: 1000 }, /did you mean quota\.window\?/],
  ];
  for (const [what, quota, message] of BAD) {
    it(`is refused with ${what}`, async (t) => {
      const auth = open(t);
      assert.throws(() => auth.middleware({ quota }), fault('CONFIG', message));
      await assert.rejects(auth.authenticate({ token: 'x' }, { quota }), fault('CONFIG', message));
      const options = { store: newStore(), jwt: { secret: SECRET }, quota };
      assert.throws(() => authMiddleware(options), fault('CONFIG', message));
    });
  }

  it('may repeat a name with the same rule, and not with another rule', async (t) => {
    const auth = open(t);
    const quota = { limit: 5, window: '1m' };
    auth.middleware({ quota });
    auth.middleware({ quota: { ...quota, window: 60_000, algorithm: 'window', by: 'user', cost: 3 } });
    for (const other of [
      { ...quota, limit: 6 },
      { ...quota, window: '2m' },
      { limit: 5 },
      { ...quota, algorithm: /** @type {const} */ ('bucket') },
      { ...quota, by: /** @type {const} */ ('session') },
      { ...quota, by: () => 'x' },
    ]) {
      assert.throws(() => auth.middleware({ quota: other }), fault('CONFIG', /quota\.name/));
      await assert.rejects(
        auth.authenticate({ token: 'x' }, { quota: other }),
        fault('CONFIG', /quota\.name/),
      );
      auth.middleware({ quota: { ...other, name: unique('quota').slice(0, 64) } });
    }
  });

  it('that was refused for another option does not reserve its name', (t) => {
    const auth = open(t);
    const policy = /** @type {any} */ ({ quota: { limit: 5 }, onDeny: 'x' });
    assert.throws(() => auth.middleware(policy), fault('CONFIG', /onDeny/));
    auth.middleware({ quota: { limit: 6 } });
  });
});

describe('auth.quotas', () => {
  it('grants exactly the limit, and a refusal charges nothing', async (t) => {
    const { quotas } = open(t);
    const key = unique('key');
    const rule = { limit: 10 };
    const all = await Promise.all(Array.from({ length: 50 }, () => quotas.consume(key, rule)));
    assert.equal(all.filter(({ allowed }) => allowed).length, 10);
    assert.deepEqual(await quotas.peek(key, rule), {
      allowed: true,
      limit: 10,
      remaining: 0,
      resetAt: null,
      retryAfterMs: null,
    });
    assert.equal(await quotas.reset(key), true);
    assert.equal(await quotas.reset(key), false);
    assert.equal((await quotas.consume(key, rule, { cost: 4 })).remaining, 6);
    assert.equal((await quotas.consume(key, rule, { cost: 7 })).allowed, false);
    assert.equal((await quotas.consume(key, rule, { cost: 0 })).remaining, 6);
    assert.equal((await quotas.consume(key, { limit: 3 }, { cost: 1 })).remaining, 0);
  });

  it('reports the end of a window, and the wait time of a refusal', async (t) => {
    const { quotas } = open(t);
    const key = unique('key');
    const rule = { limit: 2, window: '1m' };
    assert.equal((await quotas.peek(key, rule)).resetAt, null);
    const { resetAt, retryAfterMs } = await quotas.consume(key, rule, { cost: 2 });
    assert.ok(typeof resetAt === 'number' && resetAt > Date.now() + 50_000);
    assert.equal(retryAfterMs, null);
    const refused = await quotas.consume(key, rule);
    assert.equal(refused.resetAt, resetAt);
    assert.ok(typeof refused.retryAfterMs === 'number' && refused.retryAfterMs > 50_000);
    assert.equal((await quotas.consume(key, rule, { cost: 3 })).retryAfterMs, null);
    assert.equal((await quotas.consume(key, { limit: 2 })).remaining, 1);
  });
});
