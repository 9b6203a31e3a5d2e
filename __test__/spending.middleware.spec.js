// Buckets, idempotency keys and refunds, in policies and by direct calls. Also receipts and top-ups.
'use strict';

const assert = require('node:assert/strict');
const net = require('node:net');
const { afterEach, beforeEach, describe, it } = require('node:test');
const { EXPRESS, serve } = require('./support/app.js');
const { fault, newStore, open, unique } = require('./support/auths.js');
const { send } = require('./support/http.js');
const { token } = require('./support/jwt.js');
const { until } = require('./support/started.js');
const binding = /** @type {any} */ (require('../src/js/binding.js'));

const MAX = Number.MAX_SAFE_INTEGER;
const BUCKET = { limit: 4, window: '1h', algorithm: /** @type {const} */ ('bucket') };

/** @param {import('./support/http.js').Answer} answer */
const left = (answer) => Number(/;r=(\d+)/.exec(answer.header('RateLimit') ?? '')?.[1]);

/** @type {Error[]} */
let warnings = [];
/** @param {any} warning */
const onWarning = (warning) => {
  if (warning.code === 'LATCHGATE_REFUND') warnings.push(warning);
};
beforeEach(() => {
  warnings = [];
  process.on('warning', onWarning);
});
afterEach(() => void process.off('warning', onWarning));

for (const { name, express } of EXPRESS) {
  describe(`on ${name} a policy`, () => {
    /**
     * @param {import('node:test').TestContext} t
     * @param {import('latchgate').Policy | import('latchgate').Policy[]} policies
     * @param {import('latchgate').AuthOptions} [options]
     */
    async function site(t, policies, options) {
      const auth = open(t, options);
      const text = token({ sub: unique(), sid: 's' });
      let hanging = false;
      const port = await serve(
        t,
        (app) => {
          for (const policy of [policies].flat()) app.use(auth.middleware(policy));
          app.get('/hang', () => {
            hanging = true;
          });
          app.get('/', (req, res) => void res.status(Number(req.query.status ?? 200)).json(req.auth?.quota));
        },
        express,
      );
      /** @param {string} [path] @param {string} [key] */
      const ask = (path = '/', key) =>
        send(port, {
          path,
          headers: [
            `Authorization: Bearer ${text}`,
            ...(key === undefined ? [] : [`Idempotency-Key: ${key}`]),
          ],
        });
      return { auth, port, text, ask, isHanging: () => hanging };
    }

    it('with a bucket allows its burst, and reports the time until a refill', async (t) => {
      const { ask } = await site(t, { quota: BUCKET });
      const answers = await Promise.all(Array.from({ length: 12 }, () => ask()));
      assert.equal(answers.filter(({ status }) => status === 200).length, 4);
      const refused = answers.find(({ status }) => status === 429);
      assert.equal(refused?.header('RateLimit-Policy'), '"default";q=4;w=3600');
      const [, seconds] = /^"default";r=0;t=(\d+)$/.exec(refused?.header('RateLimit') ?? '') ?? [];
      assert.ok(
        Number(seconds) > 890 && Number(seconds) <= 900,
        `one unit is refilled after 15 min: ${seconds}`,
      );
      assert.ok(Number(refused?.header('Retry-After')) >= Number(seconds));
      const last = answers.find((answer) => answer.status === 200 && left(answer) === 0);
      const [, full] = /;t=(\d+)$/.exec(last?.header('RateLimit') ?? '') ?? [];
      assert.ok(Number(full) > 3590 && Number(full) <= 3600, `the bucket is full after an hour: ${full}`);
    });

    const byHeader = (/** @type {any} */ req) => req.get('Idempotency-Key');

    for (const [what, by] of /** @type {Array<[string, any]>} */ ([
      ['the user', 'user'],
      ['the session', 'session'],
      ['the subject that a function returns', () => 'somebody'],
    ])) {
      it(`charges ${what} once per idempotency key`, async (t) => {
        const { ask } = await site(t, {
          quota: { limit: 5, by, name: unique('once').slice(0, 64), idempotencyKey: byHeader },
        });
        const first = await ask('/', 'a');
        assert.deepEqual([first.status, left(first)], [200, 4]);
        assert.equal(left(await ask('/')), 3);
        const again = await ask('/', 'a');
        assert.deepEqual([again.status, left(again), again.body], [200, 4, first.body]);
        assert.equal(left(await ask('/', 'b')), 2);
        await Promise.all(Array.from({ length: 10 }, () => ask('/', 'c')));
        assert.equal(left(await ask('/')), 0);
        assert.equal((await ask('/', 'd')).status, 429);
        assert.equal((await ask('/', 'd')).status, 429, 'a denial is decided again');
        assert.equal(
          (await ask('/', 'a')).status,
          200,
          'a charged request passes again, even with no units left',
        );
      });
    }

    it('refuses an idempotency key with a different cost, and an invalid idempotency key', async (t) => {
      const { ask } = await site(t, {
        quota: { limit: 5, cost: (req) => Number(req.query.cost ?? 1), idempotencyKey: byHeader },
      });
      assert.equal((await ask('/?cost=2', 'a')).status, 200);
      const other = await ask('/?cost=3', 'a');
      assert.deepEqual([other.status, JSON.parse(other.body).code], [500, 'ERR_LATCHGATE_INPUT']);
      assert.equal(left(await ask('/?cost=0')), 3);
      for (const bad of [null, '', 7, {}, 'x'.repeat(513), '\ud800', Promise.resolve('x')]) {
        const policy = { quota: { limit: 5, name: 'bad', idempotencyKey: () => /** @type {any} */ (bad) } };
        const answer = await (await site(t, policy)).ask();
        assert.deepEqual([answer.status, JSON.parse(answer.body).code], [500, 'ERR_LATCHGATE_INPUT']);
      }
    });

    it('charges each of its quotas under its own idempotency key, and touches the session once', async (t) => {
      const quota = (/** @type {string} */ label) => ({ limit: 9, name: label, idempotencyKey: byHeader });
      const { ask } = await site(
        t,
        [{ quota: quota('one') }, { quota: quota('two') }, { quota: quota('one') }],
        {
          sessions: { limit: 1, admission: 'first-use' },
        },
      );
      // The third middleware names the quota of the first middleware, so it reports the same charge again.
      const answer = await ask('/', 'k');
      assert.equal(answer.header('RateLimit'), '"one";r=8, "two";r=8');
      assert.equal((await ask('/', 'k')).header('RateLimit'), '"one";r=8, "two";r=8');
      assert.equal((await ask('/')).header('RateLimit'), '"one";r=6, "two";r=7');
    });

    const refundOn = (/** @type {any} */ res) => res.statusCode >= 500;

    for (const [what, quota] of /** @type {Array<[string, any]>} */ ([
      ['a balance', { limit: 5 }],
      ['a window', { limit: 5, window: '1h' }],
      ['a bucket', { limit: 5, window: '1h', algorithm: 'bucket' }],
      ['a session', { limit: 5, by: 'session' }],
      ['somebody named', { limit: 5, by: () => 'somebody' }],
    ])) {
      it(`refunds a charge to ${what} if refundOn returns true, and only then`, async (t) => {
        const name = unique('r').slice(0, 64);
        const cost = (/** @type {any} */ req) => Number(req.query.cost ?? 1);
        const { ask } = await site(t, { quota: { ...quota, name, cost, refundOn } });
        assert.equal(left(await ask('/')), 4);
        assert.equal(left(await ask('/?status=503')), 3);
        await until('the unit is refunded', async () => left(await ask('/?cost=0')) === 4);
        assert.equal(left(await ask('/')), 3);
        assert.deepEqual(warnings, []);
      });
    }

    it('removes the idempotency key of a refunded charge, and refunds nothing for a replay', async (t) => {
      const cost = (/** @type {any} */ req) => Number(req.query.cost ?? 1);
      const { ask } = await site(t, { quota: { limit: 5, cost, idempotencyKey: byHeader, refundOn } });
      assert.equal(left(await ask('/?status=500', 'a')), 4);
      await until('the unit is refunded', async () => left(await ask('/?cost=0')) === 5);
      assert.equal(left(await ask('/', 'a')), 4);
      assert.equal(
        left(await ask('/?status=500', 'a')),
        4,
        'the result is a replay, so its own charge is zero',
      );
      assert.equal(left(await ask('/', 'c')), 3);
    });

    it('calls refundOn once, even if the client disconnects before the end of the response', async (t) => {
      /** @type {boolean[]} */
      const finished = [];
      const { ask, port, text, isHanging } = await site(t, {
        quota: {
          limit: 5,
          cost: (req) => Number(req.query.cost ?? 1),
          refundOn: (res) => {
            finished.push(res.writableFinished);
            return !res.writableFinished;
          },
        },
      });
      assert.equal(left(await ask('/')), 4);
      const socket = net.connect(port, '127.0.0.1');
      socket.write(`GET /hang HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer ${text}\r\n\r\n`);
      await until('the handler runs', isHanging);
      assert.equal(left(await ask('/')), 2);
      socket.destroy();
      await until('refundOn ran for each response', () => finished.length === 3);
      assert.deepEqual(finished, [true, true, false]);
      await until('the unit is refunded', async () => left(await ask('/?cost=0')) === 3);
    });

    it('keeps the charge if refundOn fails, and emits a warning', async (t) => {
      for (const bad of [
        () => {
          throw new Error('broken');
        },
        () => /** @type {any} */ (Promise.resolve(true)),
      ]) {
        warnings = [];
        const { ask } = await site(t, { quota: { limit: 5, refundOn: bad } });
        assert.equal(left(await ask('/')), 4);
        assert.equal(left(await ask('/')), 3);
        await until('two warnings', async () => warnings.length === 2);
        assert.match(warnings[0].message, /not refunded: (broken|.*refundOn)/);
      }
    });

    it('settles every pending charge, and leaves none open', async (t) => {
      const counts = { kept: 0, refunded: 0 };
      const { keepCharge, refundCharge } = binding.Gate.prototype;
      t.after(() => Object.assign(binding.Gate.prototype, { keepCharge, refundCharge }));
      binding.Gate.prototype.keepCharge = function (/** @type {number} */ charge) {
        counts.kept++;
        return keepCharge.call(this, charge);
      };
      binding.Gate.prototype.refundCharge = function (/** @type {number} */ charge) {
        counts.refunded++;
        return refundCharge.call(this, charge);
      };
      const { ask } = await site(t, [
        { quota: { limit: 9, name: 'one', refundOn } },
        { quota: { limit: 3, name: 'two', refundOn } },
      ]);
      for (const path of ['/', '/?status=500', '/', '/', '/', '/']) await ask(path);
      // Two charges of each of the first four requests, and one charge of each request that the second quota denies.
      await until(JSON.stringify(counts), async () => counts.kept + counts.refunded === 10);
      assert.deepEqual(counts, { kept: 8, refunded: 2 });
    });
  });
}

describe('authenticate()', () => {
  it('charges once under an idempotency key, and never calls refundOn', async (t) => {
    const auth = open(t);
    const text = token({ sub: unique() });
    const policy = {
      quota: {
        limit: 3,
        idempotencyKey: (/** @type {any} */ { key }) => key,
        refundOn: () => assert.fail('there is no response'),
      },
    };
    for (const remaining of [2, 2]) {
      const answer = await auth.authenticate({ token: text, context: { key: 'k' } }, policy);
      assert.ok(answer.ok);
      assert.equal(answer.auth.quota?.remaining, remaining);
    }
  });
});

describe('auth.quotas', () => {
  it('reports when a bucket is full again, and when a denied cost becomes available', async (t) => {
    const { quotas } = open(t);
    const key = unique('key');
    const before = Date.now();
    const first = await quotas.consume(key, BUCKET, { cost: 2 });
    assert.deepEqual([first.allowed, first.limit, first.remaining], [true, 4, 2]);
    assert.ok(Math.abs(Number(first.resetAt) - before - 1_800_000) < 5000);
    const refused = await quotas.consume(key, BUCKET, { cost: 3 });
    assert.equal(refused.allowed, false);
    assert.ok(Number(refused.retryAfterMs) > 895_000 && Number(refused.retryAfterMs) <= 900_000);
    assert.equal(refused.receipt, undefined);
    assert.equal((await quotas.consume(key, BUCKET, { cost: 5 })).retryAfterMs, null);
    assert.equal((await quotas.peek(key, BUCKET)).remaining, 2);
    assert.equal((await quotas.consume(key, { ...BUCKET, limit: 8 }, { cost: 6 })).remaining, 0);
    assert.equal(await quotas.reset(key), true);
    assert.equal((await quotas.peek(key, BUCKET)).resetAt, null);
  });

  it('tops a balance up once per idempotency key', async (t) => {
    const { quotas } = open(t);
    const key = unique('key');
    const rule = { limit: 5 };
    await quotas.consume(key, rule, { cost: 5 });
    const all = await Promise.all(Array.from({ length: 10 }, () => quotas.add(key, rule, 3)));
    assert.deepEqual(
      all.map(({ limit }) => limit).sort((a, b) => a - b),
      Array.from({ length: 10 }, (_each, n) => 8 + 3 * n),
    );
    const first = await quotas.add(key, rule, 7, { idempotencyKey: 'i' });
    assert.deepEqual(first, { allowed: true, limit: 42, remaining: 37, resetAt: null, retryAfterMs: null });
    assert.deepEqual(await quotas.add(key, rule, 7, { idempotencyKey: 'i' }), { ...first, replayed: true });
    await assert.rejects(quotas.add(key, rule, 8, { idempotencyKey: 'i' }), fault('INPUT', /idempotencyKey/));
    await assert.rejects(
      quotas.consume(key, rule, { cost: 7, idempotencyKey: 'i' }),
      fault('INPUT', /idempotencyKey/),
    );
    await assert.rejects(quotas.add(key, rule, MAX - 41), fault('INPUT', /units/));
    assert.equal((await quotas.peek(key, rule)).limit, 42);
    assert.equal((await quotas.consume(key, rule, { cost: 37 })).remaining, 0);
    assert.equal(await quotas.reset(key), true);
    assert.equal((await quotas.peek(key, rule)).limit, 5, 'a reset removes top-ups too');
  });

  it('charges once per idempotency key, for any number of callers and calls', async (t) => {
    const store = newStore();
    const auths = [open(t, { store }), open(t, { store })];
    const [key, rule] = [unique('key'), { limit: 10, window: '1h' }];
    const all = await Promise.all(
      Array.from({ length: 40 }, (_each, n) =>
        auths[n % 2].quotas.consume(key, rule, { cost: 2, idempotencyKey: `i${n % 4}` }),
      ),
    );
    assert.equal(all.filter(({ replayed }) => replayed === undefined).length, 4);
    assert.equal(new Set(all.map(({ receipt }) => receipt)).size, 4, 'a replay has the same receipt');
    const { quotas } = auths[0];
    assert.equal((await quotas.peek(key, rule)).remaining, 2);
    for (const [other, cost] of /** @type {Array<[any, number]>} */ ([
      [rule, 3],
      [rule, 0],
      [{ limit: 11, window: '1h' }, 2],
      [{ limit: 10, window: '2h' }, 2],
      [{ limit: 10, window: '1h', algorithm: 'bucket' }, 2],
      [{ limit: 10 }, 2],
    ]))
      await assert.rejects(
        quotas.consume(key, other, { cost, idempotencyKey: 'i0' }),
        fault('INPUT', /idempotencyKey/),
      );
    const elsewhere = await quotas.consume(unique('key'), rule, { cost: 9, idempotencyKey: 'i0' });
    assert.equal(elsewhere.replayed, undefined, 'another key is another quota');
    const look = await quotas.consume(key, rule, { cost: 0, idempotencyKey: 'new' });
    assert.deepEqual([look.remaining, look.receipt], [2, undefined]);
    assert.equal((await quotas.consume(key, rule, { cost: 1, idempotencyKey: 'new' })).remaining, 1);
  });

  it('decides a denial again', async (t) => {
    const { quotas } = open(t);
    const [key, rule] = [unique('key'), { limit: 3 }];
    const options = { cost: 5, idempotencyKey: 'i' };
    assert.equal((await quotas.consume(key, rule, options)).allowed, false);
    await quotas.add(key, rule, 2);
    const granted = await quotas.consume(key, rule, options);
    assert.deepEqual([granted.allowed, granted.remaining, granted.replayed], [true, 0, undefined]);
  });

  it('refunds a charge once for its receipt', async (t) => {
    const store = newStore();
    const [one, two] = [open(t, { store }), open(t, { store })];
    for (const rule of [{ limit: 9 }, { limit: 9, window: '1h' }, { ...BUCKET, limit: 9 }]) {
      const key = unique('schlüssel');
      const { receipt = '' } = await one.quotas.consume(key, rule, { cost: 4, idempotencyKey: 'i' });
      await one.quotas.consume(key, rule, { cost: 2 });
      const back = await Promise.all([one, two, one, two].map(({ quotas }) => quotas.refund(receipt)));
      assert.deepEqual(back.filter(Boolean), [true]);
      assert.equal((await two.quotas.peek(key, rule)).remaining, 7);
      const anew = await two.quotas.consume(key, rule, { cost: 4, idempotencyKey: 'i' });
      assert.deepEqual([anew.replayed, anew.remaining], [undefined, 3]);
      assert.equal(await two.quotas.refund(receipt), false);
      await two.quotas.reset(key);
      assert.equal(await two.quotas.refund(anew.receipt ?? ''), false, 'the quota was reset since');
    }
  });

  it('refuses a changed receipt, and a receipt of another store', async (t) => {
    const { quotas } = open(t);
    const { receipt = '' } = await quotas.consume(unique('key'), { limit: 9 });
    assert.match(receipt, /^[0-9a-f]{4}\.[\w-]+\.[\w-]{22}$/);
    for (let at = 0; at < receipt.length; at += 7) {
      const changed = receipt.slice(0, at) + (receipt[at] === 'A' ? 'B' : 'A') + receipt.slice(at + 1);
      await assert.rejects(quotas.refund(changed), fault('INPUT', /receipt/));
    }
    await assert.rejects(open(t).quotas.refund(receipt), fault('INPUT', /receipt/));
    assert.equal(await quotas.refund(receipt), true);
  });

  it('rejects every call after close()', async (t) => {
    const closing = open(t);
    await closing.close();
    for (const call of [
      () => closing.quotas.consume('k', { limit: 1 }),
      () => closing.quotas.add('k', { limit: 1 }, 1),
      () => closing.quotas.refund('r'),
    ])
      await assert.rejects(call(), fault('CLOSED'));
  });
});
