// What a request costs, by count: one call into the addon, and no promise, timer or thread of its own.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { before, describe, it } = require('node:test');
const { EXPRESS, listen } = require('./support/app.js');
const { unique } = require('./support/auths.js');
const { ask, count } = require('./support/cost.js');
const { SECRET, token } = require('./support/jwt.js');
const binding = /** @type {any} */ (require('../src/js/binding.js'));

/** Calls into the addon, by name. @type {Record<string, number>} */
const calls = {};
const decide = binding.decide;

before(() => {
  // Before the first Auth is made: it keeps the function.
  binding.decide = (/** @type {unknown[]} */ ...args) => {
    calls.decide = (calls.decide ?? 0) + 1;
    return decide(...args);
  };
  for (const name of Object.getOwnPropertyNames(binding.Gate.prototype)) {
    const { value } = /** @type {PropertyDescriptor} */ (
      Object.getOwnPropertyDescriptor(binding.Gate.prototype, name)
    );
    // The sweep comes by a timer, once a second, whatever is asked.
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
  describe(`on ${name} a request that is let through`, () => {
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
        // The Date header is kept up by a timer, once a second.
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
      it(`makes no promise and no timer ${what}`, async (t) => {
        const port = await site(t, options);
        const text = token({ scope: 'read', sid: 's' });
        const bare = () => ask(port, '/bare', text, REQUESTS);
        const guarded = () => ask(port, '/guarded', text, REQUESTS);
        await bare();
        await guarded();
        assert.deepEqual(await count(guarded), await count(bare));
      });

      it(`asks the addon once ${what}`, async (t) => {
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

    it('goes on in the same tick', async (t) => {
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
