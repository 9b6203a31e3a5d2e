// Counters and once(), called directly and behind a middleware: values, refusals, idempotency and invalid input.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { EXPRESS, serve } = require('./support/app.js');
const { fault, newStore, open, unique } = require('./support/auths.js');
const { get } = require('./support/http.js');
const { token } = require('./support/jwt.js');

const MOST = Number.MAX_SAFE_INTEGER;

describe('counters.add()', () => {
  it('adds within the bounds, or returns the unchanged value', async (t) => {
    const { counters } = open(t);
    const user = unique();
    assert.equal(await counters.get(user, 'c'), 0);
    assert.deepEqual(await counters.add(user, 'c', 7, { min: 0, max: 10 }), { applied: true, value: 7 });
    assert.deepEqual(await counters.add(user, 'c', 4, { max: 10 }), { applied: false, value: 7 });
    assert.deepEqual(await counters.add(user, 'c', -8, { min: 0 }), { applied: false, value: 7 });
    assert.deepEqual(await counters.add(user, 'c', -8), { applied: true, value: -1 });
    assert.deepEqual(await counters.add(user, 'c', 1, { min: 0, max: 0 }), { applied: true, value: 0 });
    assert.deepEqual(await counters.add(user, 'c', 0), { applied: true, value: 0 });
    assert.equal(await counters.get(user, 'c'), 0);
  });

  it('is exact up to the last safe integer, and refuses the next', async (t) => {
    const { counters } = open(t);
    const user = unique();
    assert.deepEqual(await counters.add(user, 'c', MOST), { applied: true, value: MOST });
    assert.deepEqual(await counters.add(user, 'c', 1), { applied: false, value: MOST });
    assert.deepEqual(await counters.add(user, 'c', MOST), { applied: false, value: MOST });
    assert.deepEqual(await counters.add(user, 'c', -MOST), { applied: true, value: 0 });
    assert.deepEqual(await counters.add(user, 'c', -MOST), { applied: true, value: -MOST });
    assert.deepEqual(await counters.add(user, 'c', -1), { applied: false, value: -MOST });
    assert.equal(await counters.get(user, 'c'), -MOST);
  });

  it('decides by the new value if the bounds have changed', async (t) => {
    const { counters } = open(t);
    const user = unique();
    await counters.add(user, 'c', 20);
    assert.deepEqual(await counters.add(user, 'c', -5, { max: 10 }), { applied: false, value: 20 });
    assert.deepEqual(await counters.add(user, 'c', 0, { max: 10 }), { applied: false, value: 20 });
    assert.deepEqual(await counters.add(user, 'c', -10, { max: 10 }), { applied: true, value: 10 });
  });
});

describe('counters.apply()', () => {
  it('makes all changes or none, and returns every value', async (t) => {
    const { counters } = open(t);
    const user = unique();
    const move = (/** @type {number} */ units) => [
      { name: 'to', delta: units, max: 5 },
      { name: 'from', delta: -units, min: 0 },
    ];
    await counters.add(user, 'from', 6);
    assert.deepEqual(await counters.apply(user, move(4)), { applied: true, values: { to: 4, from: 2 } });
    assert.deepEqual(await counters.apply(user, move(2)), { applied: false, values: { to: 4, from: 2 } });
    assert.deepEqual(await counters.apply(user, move(3)), { applied: false, values: { to: 4, from: 2 } });
    assert.deepEqual(await counters.apply(user, move(-4)), { applied: true, values: { to: 0, from: 6 } });
    const { values } = await counters.apply(user, move(1));
    assert.deepEqual(Object.keys(await counters.apply(user, move(0)).then((told) => told.values)).sort(), [
      'from',
      'to',
    ]);
    assert.deepEqual(values, { to: 1, from: 5 });
  });

  it('accepts 64 changes, with any names', async (t) => {
    const { counters } = open(t);
    const user = unique();
    const odd = ['__proto__', 'constructor', '\0', '{a}', 'caf\u00e9', 'cafe\u0301', '\u{1f642}', '1'];
    const names = [...odd, ...Array.from({ length: 56 }, (_each, index) => `n${index}`)];
    const changes = names.map((name, index) => ({ name, delta: index + 1 }));
    const { applied, values } = await counters.apply(user, changes);
    assert.equal(applied, true);
    for (const { name, delta } of changes) {
      assert.equal(Object.getOwnPropertyDescriptor(values, name)?.value, delta);
      assert.equal(await counters.get(user, name), delta);
    }
  });
});

describe('an idempotency key', () => {
  it('applies once, and returns the same answer again', async (t) => {
    const { counters } = open(t);
    const user = unique();
    const once = { min: 0, idempotencyKey: 'k' };
    assert.deepEqual(await counters.add(user, 'c', 5, once), { applied: true, value: 5 });
    await counters.add(user, 'c', -5);
    const again = { applied: true, value: 5, replayed: true };
    assert.deepEqual(await counters.add(user, 'c', 5, { ...once, max: MOST }), again, 'an explicit default');
    assert.equal(await counters.get(user, 'c'), 0);
    assert.deepEqual(
      await counters.add(unique(), 'c', 5, once),
      { applied: true, value: 5 },
      'of another user',
    );
  });

  it('matches the changes of a call in any order', async (t) => {
    const { counters } = open(t);
    const user = unique();
    const changes = [
      { name: 'b', delta: 2 },
      { name: 'a', delta: 1, max: 9 },
    ];
    const values = { a: 1, b: 2 };
    const key = { idempotencyKey: 'k' };
    assert.deepEqual(await counters.apply(user, changes, key), { applied: true, values });
    const again = await counters.apply(user, [...changes].reverse(), key);
    assert.deepEqual(again, { applied: true, values, replayed: true });
  });

  it('used for a different call is ERR_LATCHGATE_INPUT, and changes nothing', async (t) => {
    const { counters } = open(t);
    const user = unique();
    const key = { idempotencyKey: 'k' };
    await counters.add(user, 'c', 5, { ...key, min: 0 });
    const others = [
      () => counters.add(user, 'c', 4, { ...key, min: 0 }),
      () => counters.add(user, 'c', 5, key),
      () => counters.add(user, 'c', 5, { ...key, min: 0, max: 5 }),
      () => counters.add(user, 'd', 5, { ...key, min: 0 }),
      () => counters.add(user, 'c', 0, key),
      () => counters.apply(user, [{ name: 'c', delta: 5, min: 0 }], key),
    ];
    for (const other of others) await assert.rejects(other(), fault('INPUT', /idempotencyKey/));
    assert.equal(await counters.get(user, 'c'), 5);
    assert.equal(await counters.get(user, 'd'), 0);
  });

  it('stores no refusal, and no read', async (t) => {
    const { counters } = open(t);
    const user = unique();
    const key = { idempotencyKey: 'k' };
    assert.equal((await counters.add(user, 'c', 0, key)).applied, true);
    assert.equal((await counters.add(user, 'c', 1, { ...key, max: 0 })).applied, false);
    assert.deepEqual(await counters.add(user, 'c', 2, key), { applied: true, value: 2 });
  });
});

describe('once()', () => {
  it('is true for one caller, and again for the same caller', async (t) => {
    const auth = open(t);
    const key = unique('key');
    assert.equal(await auth.once(key, { by: 'a' }), true);
    assert.equal(await auth.once(key, { by: 'b' }), false);
    assert.equal(await auth.once(key), false);
    assert.equal(await auth.once(key, { by: 'a', ttl: '1m' }), true);
    assert.equal(await auth.once(unique('key'), { by: 'b' }), true);
  });

  it('without by is true for one call', async (t) => {
    const auth = open(t);
    const key = unique('key');
    assert.deepEqual([await auth.once(key), await auth.once(key)], [true, false]);
  });

  it('can be released by the caller that holds the key', async (t) => {
    const auth = open(t);
    const key = unique('key');
    await auth.once(key, { by: 'a' });
    assert.equal(await auth.onceRelease(key, 'b'), false);
    assert.equal(await auth.once(key, { by: 'b' }), false);
    assert.equal(await auth.onceRelease(key, 'a'), true);
    assert.equal(await auth.onceRelease(key, 'a'), false);
    assert.equal(await auth.once(key, { by: 'b' }), true);
  });
});

describe('invalid input is ERR_LATCHGATE_INPUT:', () => {
  const WRONG_IDS = [undefined, null, '', 5, {}, 'x'.repeat(513), '\ud800'];
  const WRONG_NUMBERS = [undefined, '1', 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, 1n];

  /** @type {Array<[string, (auth: any, wrong: any) => Promise<unknown>, unknown[]]>} */
  const CALLS = [
    ['userId of add()', ({ counters }, wrong) => counters.add(wrong, 'c', 1), WRONG_IDS],
    ['name of add()', ({ counters }, wrong) => counters.add('u', wrong, 1), WRONG_IDS],
    ['delta of add()', ({ counters }, wrong) => counters.add('u', 'c', wrong), [...WRONG_NUMBERS, null]],
    ['min', ({ counters }, wrong) => counters.add('u', 'c', 1, { min: wrong }), WRONG_NUMBERS.slice(1)],
    ['max', ({ counters }, wrong) => counters.add('u', 'c', 1, { max: wrong }), WRONG_NUMBERS.slice(1)],
    ['bounds', ({ counters }, wrong) => counters.add('u', 'c', 1, wrong), [{ min: 1, max: 0 }]],
    [
      'options of add()',
      ({ counters }, wrong) => counters.add('u', 'c', 1, wrong),
      [null, 5, [], { most: 1 }],
    ],
    [
      'idempotencyKey',
      ({ counters }, wrong) => counters.add('u', 'c', 1, { idempotencyKey: wrong }),
      WRONG_IDS.slice(1),
    ],
    [
      'userId of apply()',
      ({ counters }, wrong) => counters.apply(wrong, [{ name: 'c', delta: 1 }]),
      WRONG_IDS,
    ],
    [
      'changes',
      ({ counters }, wrong) => counters.apply('u', wrong),
      [
        undefined,
        null,
        {},
        [],
        [undefined],
        new Array(2),
        [{ name: 'c' }],
        [{ delta: 1 }],
        [{ name: 'c', delta: 1, by: 2 }],
        [{ name: 'c', delta: 1, min: 2, max: 1 }],
        [
          { name: 'c', delta: 1 },
          { name: 'c', delta: 1 },
        ],
        Array.from({ length: 65 }, (_each, index) => ({ name: `${index}`, delta: 1 })),
      ],
    ],
    [
      'auth',
      ({ counters }, wrong) => counters.apply('u', [{ name: 'c', delta: 1 }], { auth: wrong }),
      [undefined, null, {}, { userId: 'u' }, 'token', true],
    ],
    ['userId of get()', ({ counters }, wrong) => counters.get(wrong, 'c'), WRONG_IDS],
    ['name of get()', ({ counters }, wrong) => counters.get('u', wrong), WRONG_IDS],
    ['key of once()', (auth, wrong) => auth.once(wrong), WRONG_IDS],
    ['by', (auth, wrong) => auth.once('k', { by: wrong }), WRONG_IDS.slice(1)],
    ['ttl', (auth, wrong) => auth.once('k', { ttl: wrong }), [0, -1, 1.5, '0s', 'soon', '4000d', Number.NaN]],
    ['options of once()', (auth, wrong) => auth.once('k', wrong), [null, 'a', { for: 1 }]],
    ['key of onceRelease()', (auth, wrong) => auth.onceRelease(wrong, 'a'), WRONG_IDS],
    ['by of onceRelease()', (auth, wrong) => auth.onceRelease('k', wrong), WRONG_IDS],
  ];
  for (const [what, call, wrongs] of CALLS) {
    it(`${what}, and changes nothing`, async (t) => {
      const auth = open(t);
      for (const wrong of wrongs) await assert.rejects(call(auth, wrong), fault('INPUT'));
      assert.equal(await auth.counters.get('u', 'c'), 0);
      assert.equal(await auth.once('k'), true);
    });
  }

  it('every call, after close()', async (t) => {
    const auth = open(t);
    await auth.close();
    for (const call of [
      () => auth.counters.add('u', 'c', 1),
      () => auth.counters.apply('u', [{ name: 'c', delta: 1 }]),
      () => auth.counters.get('u', 'c'),
      () => auth.once('k'),
      () => auth.onceRelease('k', 'a'),
    ])
      await assert.rejects(call(), fault('CLOSED'));
  });
});

const ADD = [{ name: 'c', delta: 1 }];

for (const { name, express } of EXPRESS) {
  describe(`on ${name} apply() with req.auth`, () => {
    /**
     * An app whose handler can wait between the middleware and the change.
     * @param {import('node:test').TestContext} t
     * @param {(auth: import('latchgate').Auth) => Promise<unknown>} [meanwhile]
     * @param {import('latchgate').AuthOptions} [options]
     */
    async function site(t, meanwhile, options) {
      const auth = open(t, options);
      const port = await serve(
        t,
        (app) => {
          app.get('/', auth.middleware(), async (/** @type {any} */ req, res) => {
            await meanwhile?.(auth);
            try {
              res.json(await auth.counters.apply(req.auth.userId, ADD, { auth: req.auth }));
            } catch (/** @type {any} */ error) {
              res.status(error.status).json({ code: error.code });
            }
          });
        },
        express,
      );
      return { auth, port };
    }

    it('applies changes while the credential is valid', async (t) => {
      const { auth, port } = await site(t, undefined, { sessions: { limit: 1, admission: 'first-use' } });
      const user = unique();
      const answer = await get(port, '/', token({ sub: user, sid: 's' }));
      assert.deepEqual(JSON.parse(answer.body), { applied: true, values: { c: 1 } });
      assert.equal(await auth.counters.get(user, 'c'), 1);
    });

    /** @type {Array<[string, (auth: import('latchgate').Auth, user: string, text: string) => Promise<unknown>]>} */
    const FALLS = [
      ['its token was revoked', (auth, _user, text) => auth.tokens.revoke(text)],
      ['its user was revoked', (auth, user) => auth.tokens.revokeUser(user)],
      ['its user was blocked', (auth, user) => auth.tokens.blockUser(user)],
      ['its session was ended', (auth, user) => auth.sessions.end(user, 's')],
      [
        'its session was evicted',
        (auth, user) => auth.sessions.admit(user, { limit: 1, onLimit: 'evict-oldest' }),
      ],
    ];
    for (const [what, fall] of FALLS) {
      it(`rejects with ERR_LATCHGATE_REVOKED once ${what}`, async (t) => {
        const user = unique();
        const text = token({ sub: user, sid: 's' });
        const sessions = { admission: /** @type {const} */ ('first-use') };
        const { auth, port } = await site(t, (own) => fall(own, user, text), { sessions });
        const answer = await get(port, '/', text);
        assert.equal(answer.status, 401);
        assert.deepEqual(JSON.parse(answer.body), { code: 'ERR_LATCHGATE_REVOKED' });
        assert.equal(await auth.counters.get(user, 'c'), 0);
      });
    }
  });
}

describe('apply() with an auth', () => {
  /** @param {import('latchgate').Auth} auth @param {string} user @param {object} [claims] */
  async function letIn(auth, user, claims) {
    const answer = await auth.authenticate({ token: token({ sub: user, ...claims }) });
    assert.ok(answer.ok);
    return answer.auth;
  }

  it('does not update the session', async (t) => {
    const auth = open(t, { sessions: { admission: 'first-use' } });
    const user = unique();
    const own = await letIn(auth, user, { sid: 's' });
    const before = await auth.sessions.list(user);
    await auth.counters.apply(user, ADD, { auth: own });
    assert.deepEqual(await auth.sessions.list(user), before);
  });

  it('refuses an auth of another user, and an auth of another Auth', async (t) => {
    const store = newStore();
    const [auth, other] = [open(t, { store }), open(t, { store })];
    const user = unique();
    const own = await letIn(auth, user);
    await assert.rejects(auth.counters.apply(unique(), ADD, { auth: own }), fault('INPUT', /user/));
    await assert.rejects(other.counters.apply(user, ADD, { auth: own }), fault('INPUT', /Auth/));
    assert.equal(await auth.counters.get(user, 'c'), 0);
  });

  it('checks the credential first, even if the answer is stored', async (t) => {
    const auth = open(t);
    const user = unique();
    const own = await letIn(auth, user);
    const once = { auth: own, idempotencyKey: 'k' };
    assert.equal((await auth.counters.apply(user, ADD, once)).replayed, undefined);
    assert.equal((await auth.counters.apply(user, ADD, once)).replayed, true);
    await auth.tokens.revokeUser(user);
    await assert.rejects(auth.counters.apply(user, ADD, once), fault('REVOKED'));
    const without = await auth.counters.apply(user, ADD, { idempotencyKey: 'k' });
    assert.deepEqual(without, { applied: true, values: { c: 1 }, replayed: true });
  });
});
