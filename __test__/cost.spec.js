// The cost of a request, counted: one call into the addon, and no promise, timer or thread of its own.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { before, describe, it } = require('node:test');
const { EXPRESS, listen } = require('./support/app.js');
const { unique } = require('./support/auths.js');
const { ask, count } = require('./support/cost.js');
const { SECRET, token } = require('./support/jwt.js');
const binding = /** @type {any} */ (require('../src/js/binding.js'));

/** Number of calls into the addon, by name. @type {Record<string, number>} */
const calls = {};
const decide = binding.decide;

before(() => {
  // Runs before the first Auth exists, because an Auth keeps a reference to the function.
  binding.decide = (/** @type {unknown[]} */ ...args) => {
    calls.decide = (calls.decide ?? 0) + 1;
    return decide(...args);
  };
  for (const name of Object.getOwnPropertyNames(binding.Gate.prototype)) {
    const { value } = /** @type {PropertyDescriptor} */ (
      Object.getOwnPropertyDescriptor(binding.Gate.prototype, name)
    );
    // The sweep runs on a timer, once a second, regardless of the requests.
    if (typeof value !== 'function' || ['constructor', 'sweep'].includes(name)) continue;
    binding.Gate.prototype[name] = function (/** @type {unknown[]} */ ...args) {
      calls[name] = (calls[name] ?? 0) + 1;
      return value.apply(this, args);
    };
  }
});

const REQUESTS = 2000;

const threads = () => fs.readdirSync('/proc/self/task').length;

for (const { name, express } of EXPRESS) {
  describe(`on ${name} an allowed request`, () => {
    /** @param {import('node:test').TestContext} t @param {import('latchgate').AuthOptions} [options] */
    async function site(t, options = {}) {
      const { createAuth } = require('latchgate');
      const auth = createAuth({ store: unique('memory:'), jwt: { secret: SECRET }, ...options });
      const app = express();
      app.get('/bare', (_req, res) => void res.end('ok'));
      app.get(
        '/guarded',
        auth.middleware({ scope: 'read' }),
        auth.requireScope('read'),
        (_req, res) => void res.end('ok'),
      );
      const { port, close } = await listen((req, res) => {
        // A timer updates the Date header once a second.
        res.sendDate = false;
        app(req, res);
      });
      t.after(async () => {
        await close();
        await auth.close();
      });
      return port;
    }

    for (const [what, options] of /** @type {Array<[string, import('latchgate').AuthOptions]>} */ ([
      ['without sessions', {}],
      ['with sessions', { sessions: { limit: 3, admission: 'first-use' } }],
    ])) {
      it(`creates no promise and no timer ${what}`, async (t) => {
        const port = await site(t, options);
        const text = token({ scope: 'read', sid: 's' });
        const bare = () => ask(port, '/bare', text, REQUESTS);
        const guarded = () => ask(port, '/guarded', text, REQUESTS);
        await bare();
        await guarded();
        assert.deepEqual(await count(guarded), await count(bare));
      });

      it(`calls the addon once ${what}`, async (t) => {
        const port = await site(t, options);
        for (const key of Object.keys(calls)) delete calls[key];
        await ask(port, '/guarded', token({ scope: 'read', sid: 's' }), REQUESTS);
        assert.deepEqual(calls, { decide: REQUESTS });
      });
    }

    it('starts no thread', {
      skip: process.platform === 'linux' ? false : 'threads are counted in /proc',
    }, async (t) => {
      const port = await site(t);
      const text = token({ scope: 'read', sid: 's' });
      await ask(port, '/guarded', text, 10);
      const before = threads();
      await ask(port, '/guarded', text, REQUESTS);
      assert.equal(threads(), before);
    });

    it('continues in the same tick', async (t) => {
      const { createAuth } = require('latchgate');
      const auth = createAuth({ jwt: { secret: SECRET }, sessions: { admission: 'first-use' } });
      t.after(() => auth.close());
      const middleware = auth.middleware();
      const app = express();
      app.get('/', (req, res) => {
        let passed = false;
        middleware(req, res, () => {
          passed = true;
        });
        res.status(passed ? 200 : 500).end();
      });
      const { port, close } = await listen(app);
      t.after(close);
      await ask(port, '/', token({ sid: 's' }), 1);
    });
  });
}

describe('the policies of authenticate()', () => {
  /** @param {import('node:test').TestContext} t */
  function judge(t) {
    const { createAuth } = require('latchgate');
    const auth = createAuth({ store: unique('memory:'), jwt: { secret: SECRET } });
    t.after(() => auth.close());
    const live = token({ scope: 'read' });
    for (const key of Object.keys(calls)) delete calls[key];
    /** @param {import('latchgate').Policy} [policy] */
    return async (policy) => {
      const answer = await auth.authenticate({ token: live }, policy);
      return answer.ok ? 200 : answer.status;
    };
  }

  it('are already registered with the addon if they are empty', async (t) => {
    const ask = judge(t);
    assert.deepEqual([await ask(), await ask({}), await ask({ optional: true })], [200, 200, 200]);
    assert.deepEqual(calls, { decide: 3 });
  });

  it('are registered with the addon after repeated use, with the same meaning', async (t) => {
    const ask = judge(t);
    const [read, write] = [{ scope: 'read' }, { scope: 'write' }];
    const quota = { quota: { name: 'calls', limit: 100, window: '1h' } };
    for (let n = 0; n < 150; n++) {
      assert.equal(await ask(read), 200);
      assert.equal(await ask(write), 403);
      assert.equal(await ask(quota), n < 100 ? 200 : 429);
    }
    assert.deepEqual(calls, { decideAdhoc: 3 * 63, policy: 3, decide: 3 * 87 });
  });

  it('are not registered if each call passes a new object, and at most 256 are registered', async (t) => {
    const ask = judge(t);
    for (let n = 0; n < 1000; n++) assert.equal(await ask({ scope: 'read' }), 200);
    assert.equal(calls.decideAdhoc, 1000);
    assert.equal(calls.policy, undefined);
    const policies = Array.from({ length: 300 }, () => ({ scope: 'read' }));
    for (let n = 0; n < 70; n++) for (const policy of policies) assert.equal(await ask(policy), 200);
    assert.equal(calls.policy, 256);
  });

  it('are registered in the same way for API keys', async (t) => {
    const { createAuth } = require('latchgate');
    const auth = createAuth({ store: unique('memory:'), jwt: { secret: SECRET }, apiKeys: {} });
    t.after(() => auth.close());
    const { key } = await auth.apiKeys.create({ ownerId: 'o', scopes: ['read'] });
    const [read, write] = [{ scope: 'read' }, { scope: 'write' }];
    for (const each of Object.keys(calls)) delete calls[each];
    for (let n = 0; n < 100; n++) {
      assert.equal((await auth.authenticate({ apiKey: key }, read)).ok, true);
      const denied = await auth.authenticate({ apiKey: key }, write);
      assert.equal(denied.ok || denied.status, 403);
    }
    assert.deepEqual(
      { adhoc: calls.useKeyAdhoc, registered: calls.useKey, policies: calls.policy },
      { adhoc: 2 * 63, registered: 2 * 37, policies: 2 },
    );
  });
});
