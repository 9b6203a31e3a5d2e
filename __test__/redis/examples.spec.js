// The examples that need a server. The steps of from-express-session run on one server, so that each step finds the
// data of the previous step. In api-key-plans, a process dies during a payment.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { SECRET, call, startExample } = require('../support/examples.js');
const { token } = require('../support/jwt.js');
const { missing, startServer } = require('../support/servers.js');

const STEPS = ['before', 'step-1-write', 'step-2-read', 'step-3-alone'];
const post = { method: 'POST' };

/** The cookies of a browser. */
class Jar {
  /** @type {Map<string, string>} */
  #cookies = new Map();

  /** @param {Iterable<[string, string]>} [cookies] */
  constructor(cookies = []) {
    this.#cookies = new Map(cookies);
  }

  /** @param {string[]} names @returns a browser that has only these cookies */
  only(...names) {
    return new Jar([...this.#cookies].filter(([name]) => names.includes(name)));
  }

  get names() {
    return [...this.#cookies.keys()].sort();
  }

  /** @param {string} url @param {Parameters<typeof call>[1]} [options] */
  async call(url, options) {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await call(url, { ...options, cookie });
    for (const line of answer.headers.getSetCookie()) {
      const [, name, value] = /** @type {RegExpExecArray} */ (/^([^=]+)=([^;]*)/.exec(line));
      if (value === '') this.#cookies.delete(name);
      else this.#cookies.set(name, value);
    }
    return answer;
  }
}

describe('examples/from-express-session', async () => {
  const skip = await missing('redis');

  /** @param {import('node:test').TestContext} t */
  async function site(t, NODE_ENV = 'development') {
    const server = await startServer(t);
    const env = { REDIS_URL: server.url(), SESSION_SECRET: 'a secret of the sessions before', NODE_ENV };
    const step = async (/** @type {number} */ n) =>
      (await startExample(t, `from-express-session/${STEPS[n]}.js`, env)).url;
    /** @param {string} url @param {string} [user] */
    const login = async (url, user = 'ada') => {
      const jar = new Jar();
      assert.equal((await jar.call(`${url}/login`, { body: { user } })).status, 204);
      return jar;
    };
    return { step, login };
  }
  const me = async (/** @type {Jar} */ jar, /** @type {string} */ url) => {
    const { status, body } = await jar.call(`${url}/me`);
    return status === 200 ? body.user : status;
  };

  for (const [n, step] of STEPS.entries()) {
    it(`${step}: logs in, knows the user, and logs out`, { skip }, async (t) => {
      const { login, ...at } = await site(t);
      const url = await at.step(n);
      assert.equal(await me(new Jar(), url), 401);
      const jar = await login(url);
      const copy = jar.only(...jar.names);
      assert.equal(await me(jar, url), 'ada');
      assert.equal((await jar.call(`${url}/logout`, post)).status, 204);
      for (const each of [jar, copy]) assert.equal(await me(each, url), 401);
    });
  }

  for (const [n, step] of STEPS.entries()) {
    it(`${step}: sets no cookie without Secure unless the environment is development`, {
      skip,
    }, async (t) => {
      const { step: at } = await site(t, '');
      const answer = await call(`${await at(n)}/login`, { body: { user: 'ada' } });
      for (const cookie of answer.headers.getSetCookie()) assert.match(cookie, /; Secure/);
      for (const cookie of answer.headers.getSetCookie()) assert.match(cookie, /; HttpOnly/);
    });

    it(`${step}: refuses a value that is not a user`, { skip }, async (t) => {
      const url = await (await site(t)).step(n);
      for (const user of [undefined, null, 7, '', ['ada'], { $ne: '' }])
        assert.equal((await call(`${url}/login`, { body: { user } })).status, 400);
      assert.equal((await call(`${url}/login`, post)).status, 400);
    });
  }

  it('a logged-in user stays logged in from the first step to the last', { skip }, async (t) => {
    const { login, step } = await site(t);
    const jar = await login(await step(0));
    for (const n of [1, 2, 3]) assert.equal(await me(jar, await step(n)), 'ada', STEPS[n]);
  });

  it('the second step migrates a user who skipped the first step, in one session for many requests', {
    skip,
  }, async (t) => {
    const { login, step } = await site(t);
    const jar = await login(await step(0));
    const url = await step(2);
    const copies = Array.from({ length: 8 }, () => jar.only('connect.sid'));
    const users = await Promise.all(copies.map((each) => me(each, url)));
    assert.deepEqual(users, Array(8).fill('ada'));
    assert.deepEqual(copies[0].names, ['access', 'connect.sid']);
    assert.equal((await copies[0].call(`${url}/logout`, post)).status, 204);
    for (const each of copies.slice(1))
      assert.equal(await me(each, url), 401, 'all requests were of one session');
  });

  it('an ended session is not migrated again', { skip }, async (t) => {
    const { login, step } = await site(t);
    const jar = await login(await step(1));
    const old = jar.only('connect.sid');
    const url = await step(2);
    const { status } = await jar.only('access').call(`${url}/logout`, post);
    assert.equal(status, 204);
    assert.equal(await me(old, url), 401);
    assert.deepEqual(old.names, ['connect.sid']);
  });

  it('step 2 keeps three sessions of a user, regardless of the step that began them', { skip }, async (t) => {
    const { login, step } = await site(t);
    const first = await login(await step(1));
    const url = await step(2);
    const later = [await login(url), await login(url), await login(url)];
    assert.equal(await me(first, url), 401, 'the longest inactive session was evicted');
    assert.equal(await me(first.only('connect.sid'), url), 401);
    for (const each of later) assert.equal(await me(each, url), 'ada');
  });
});

describe('examples/api-key-plans', async () => {
  const skip = await missing('redis');

  it('adds a payment once, although its process dies during the notification', { skip }, async (t) => {
    const server = await startServer(t);
    const app = () => startExample(t, 'api-key-plans/app.js', { LATCHGATE_STORE: server.url() });
    const billing = token({ sub: 'payments', scope: 'billing' }, { key: SECRET });
    const pay = (/** @type {string} */ url, /** @type {number} */ n) =>
      call(`${url}/payments/p${n}`, { token: billing, body: { userId: 'ada', units: 5 } });
    const survivor = await app();
    for (let n = 1; n <= 9; n++) {
      const { child, url } = await app();
      // The app is connected now: all later scripts are scripts of the payment.
      assert.equal((await call(`${url}/payments/p${n}`, { token: billing, body: {} })).status, 400);
      const before = await server.scriptsRun();
      const lost = pay(url, n).catch(() => undefined);
      // The first process dies immediately, the next after the request is allowed, the third after the units are
      // added.
      while ((await server.scriptsRun()) < before + (n % 3)) await new Promise(setImmediate);
      child.kill('SIGKILL');
      await lost;
      for (let again = 0; again < 2; again++)
        assert.deepEqual((await pay(survivor.url, n)).body, { units: 5 * n });
    }
    const [key] = (await server.keys()).filter((each) => each.endsWith(':c:ada'));
    assert.equal(Number(await server.command('TTL', key)), -1, 'the count of paid units never expires');
  });
});
