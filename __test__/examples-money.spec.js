// The examples that sell or pay something, tested with clients that try to pay less than they use.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { SCHEMA, walletApp } = require('../examples/sql-fence/app.js');
const { listen } = require('./support/app.js');
const { open } = require('./support/auths.js');
const { startDatabase } = require('./support/database.js');
const { SECRET, call, startExample } = require('./support/examples.js');
const { token } = require('./support/jwt.js');

const own = (/** @type {object} */ claims) => token(claims, { key: SECRET });
const post = { method: 'POST' };

describe('examples/api-key-plans', () => {
  /** @param {import('node:test').TestContext} t */
  async function site(t) {
    const { url } = await startExample(t, 'api-key-plans/app.js');
    const user = own({ sub: 'ada' });
    const billing = own({ sub: 'payments', scope: 'billing' });
    const makeKey = (token = user) => call(`${url}/keys`, { ...post, token });
    const report = (/** @type {string} */ key) => call(`${url}/v1/report`, { key });
    /**
     * Sends a number of concurrent requests, and returns how many succeed.
     * @param {string} key
     * @param {number} count
     */
    const served = async (key, count) => {
      const answers = await Promise.all(Array.from({ length: count }, () => report(key)));
      for (const { status } of answers) assert.ok(status === 200 || status === 429, String(status));
      return answers.filter(({ status }) => status === 200).length;
    };
    const plan = (/** @type {unknown} */ name, token = billing) =>
      call(`${url}/users/ada/plan`, { method: 'PUT', token, body: { plan: name } });
    /** @param {string} payment @param {object} body */
    const pay = (payment, body, token = billing) => call(`${url}/payments/${payment}`, { body, token });
    const { body: made } = await makeKey();
    return { billing, made, makeKey, pay, plan, report, served, url, user };
  }

  it('charges a plan exactly, and a new plan from the next request', async (t) => {
    const { made, plan, report, served } = await site(t);
    assert.equal(await served(made.key, 10), 3);
    assert.match(String((await report(made.key)).headers.get('ratelimit')), /r=0/);
    assert.equal((await plan('pro')).status, 204);
    assert.equal((await report(made.key)).status, 200);
  });

  it('allows only the billing service to change a plan, and only to a known plan', async (t) => {
    const { made, plan, served, url, user } = await site(t);
    assert.equal((await plan('pro', user)).status, 403);
    const byKey = await call(`${url}/keys/${made.keyId}/plan`, {
      method: 'PUT',
      token: user,
      body: { plan: 'pro' },
    });
    assert.equal(byKey.status, 404);
    for (const name of ['gold', undefined, ['free'], { toString: 'pro' }])
      assert.equal((await plan(name)).status, 400);
    assert.equal(await served(made.key, 10), 3);
  });

  it('refunds nothing on a change of plan', async (t) => {
    const { made, plan, served } = await site(t);
    let free = await served(made.key, 10);
    for (const other of ['pro', 'prepaid', 'pro']) {
      await plan(other);
      await served(made.key, 1);
      await plan('free');
      free += await served(made.key, 10);
    }
    assert.equal(free, 3);
    await plan('pro');
    assert.equal(await served(made.key, 70), 58, 'two of its sixty units were used before');
  });

  it('grants no units for another key, or for a rotated key', async (t) => {
    const { made, makeKey, served, url, user } = await site(t);
    const keys = [made.key];
    for (let n = 1; n < 5; n++) keys.push((await makeKey()).body.key);
    const rotated = await call(`${url}/keys/${made.keyId}/rotate`, { ...post, token: user });
    keys.push(rotated.body.key);
    const counts = await Promise.all(keys.map((key) => served(key, 3)));
    assert.equal(
      counts.reduce((sum, each) => sum + each),
      3,
    );
  });

  it('creates ten keys per user and day, regardless of concurrent requests', async (t) => {
    const { makeKey } = await site(t);
    const answers = await Promise.all(Array.from({ length: 20 }, () => makeKey()));
    assert.equal(answers.filter(({ status }) => status === 201).length, 9, 'the set-up created one key');
    assert.equal((await makeKey(own({ sub: 'bob' }))).status, 201);
  });

  it('adds the units of a payment once, regardless of concurrent requests', async (t) => {
    const { made, pay, plan, served } = await site(t);
    await plan('prepaid');
    assert.equal(await served(made.key, 3), 0);
    const body = { userId: 'ada', units: 7 };
    const answers = await Promise.all(Array.from({ length: 6 }, () => pay('p1', body)));
    for (const answer of answers) assert.deepEqual([answer.status, answer.body], [200, { units: 7 }]);
    assert.equal(await served(made.key, 9), 7);
    assert.deepEqual((await pay('p1', body)).body, { units: 0 });
    assert.deepEqual((await pay('p2', body)).body, { units: 7 });
  });

  it('refuses payments from another caller, and units that are not a positive integer', async (t) => {
    const { pay, user } = await site(t);
    const body = { userId: 'ada', units: 7 };
    assert.equal((await pay('p1', body, user)).status, 403);
    const bad = [-7, 0, 1.5, '7', 1e7, 2 ** 53, null, undefined, [7], { valueOf: 7 }];
    for (const units of bad) assert.equal((await pay('p1', { ...body, units })).status, 400, String(units));
    for (const userId of ['', 'x'.repeat(600), 7, null, undefined, ['ada'], { toString: 1 }])
      assert.equal((await pay('p1', { ...body, userId })).status, 400);
    assert.equal((await pay('x'.repeat(600), body)).status, 400);
    assert.deepEqual((await pay('p1', body)).body, { units: 7 });
  });

  it('rotates with a grace period, revokes both secrets, and shows keys only to their owner', async (t) => {
    const { made, report, url, user } = await site(t);
    const key = `${url}/keys/${made.keyId}`;
    const eve = own({ sub: 'eve' });
    assert.equal((await call(`${key}/rotate`, { ...post, token: eve })).status, 404);
    assert.equal((await call(key, { method: 'DELETE', token: eve })).status, 404);
    assert.equal(
      (await call(`${url}/keys/${'x'.repeat(600)}`, { method: 'DELETE', token: user })).status,
      404,
    );
    const rotated = await call(`${key}/rotate`, { ...post, token: user });
    assert.equal(rotated.headers.get('cache-control'), 'no-store');
    for (const each of [made.key, rotated.body.key]) assert.equal((await report(each)).status, 200);
    const [info] = (await call(`${url}/keys`, { token: user })).body;
    assert.deepEqual([info.keyId, info.key], [made.keyId, undefined]);
    assert.equal((await call(key, { method: 'DELETE', token: user })).status, 204);
    for (const each of [made.key, rotated.body.key]) assert.equal((await report(each)).status, 401);
  });
});

/** Values that Number() accepts although no person means them, and values outside the safe integers. */
const BAD_AMOUNTS = [
  ...[
    '-1000000',
    '-1',
    '+1',
    '0',
    '-0',
    '00',
    '007',
    '1.5',
    '1.0',
    '1e1',
    '0x10',
    '0b1',
    '0o7',
    '1_0',
    'NaN',
  ],
  ...['Infinity', '%20', '%201', '1%20', '1%0A', '1,5', '%D9%A1', 'ten', 'null', '1n', '[1]'],
  ...['9007199254740992', '9007199254740993', '1'.repeat(400)],
];

describe('examples/sql-fence', () => {
  /** @param {import('node:test').TestContext} t */
  async function site(t) {
    const database = await startDatabase(t, SCHEMA);
    const auth = open(t, { jwt: { secret: SECRET } });
    let queries = 0;
    /** @type {import('../examples/sql-fence/app.js').Query} */
    const query = async (sql, parameters) => {
      queries++;
      return database.query(sql, parameters);
    };
    const { port, close } = await listen(walletApp(auth, query, async () => {}));
    t.after(close);
    database.query('INSERT INTO wallets (owner_id, balance) VALUES (?, 100)', ['ada']);
    const withdraw = (/** @type {string} */ amount, sub = 'ada') =>
      call(`http://127.0.0.1:${port}/withdraw/${amount}`, { ...post, token: own({ sub }) });
    const balance = () => database.query('SELECT balance FROM wallets').rows[0].balance;
    return { auth, balance, queries: () => queries, withdraw };
  }

  it('refuses all amounts except positive safe integers in plain decimal, before it queries or waits', async (t) => {
    const { auth, balance, queries, withdraw } = await site(t);
    const { auth: who } = /** @type {any} */ (await auth.authenticate({ token: own({ sub: 'ada' }) }));
    // The test holds the user's turn meanwhile. A request that waited for the turn would get 429.
    await who.runExclusive(async () => {
      for (const amount of BAD_AMOUNTS) assert.equal((await withdraw(amount)).status, 400, amount);
    });
    assert.deepEqual([queries(), balance()], [0, 100]);
    assert.equal((await withdraw('9007199254740991')).status, 402);
    assert.equal((await withdraw('30')).status, 200);
    assert.equal(balance(), 70);
  });

  it('answers 404 for a user without a wallet', async (t) => {
    const { withdraw } = await site(t);
    assert.equal((await withdraw('30', 'bob')).status, 404);
  });
});
