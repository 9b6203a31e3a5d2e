// Methods without their object, and middlewares that were never called.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { EXPRESS, serve } = require('./support/app.js');
const { fault, open, unique } = require('./support/auths.js');
const { get } = require('./support/http.js');
const { token } = require('./support/jwt.js');

describe('what createAuth() returns', () => {
  it('works after destructuring', async (t) => {
    const {
      authenticate,
      middleware,
      requireScope,
      serialize,
      tokens,
      sessions,
      quotas,
      counters,
      locks,
      apiKeys,
    } = open(t, { apiKeys: {} });
    const { issue, verify } = tokens;
    const { consume } = quotas;
    const userId = unique();
    const text = await issue(userId, { scope: 'read' });
    assert.equal((await verify(text))?.sub, userId);
    assert.ok((await authenticate({ token: text })).ok);
    assert.ok((await consume('k', { limit: 1 })).allowed);
    const [{ admit }, { get: count }, { runExclusive }, { list }] = [sessions, counters, locks, apiKeys];
    assert.ok((await admit(userId)).admitted);
    assert.equal(await count(userId, 'c'), 0);
    assert.equal(await runExclusive('k', () => 1), 1);
    assert.deepEqual(await list(userId), []);
    const port = await serve(t, (app) => {
      app.get('/', middleware(), requireScope('read'), serialize(), (_req, res) => void res.json(1));
    });
    assert.equal((await get(port, '/', text)).status, 200);
  });

  it('has no extra properties', (t) => {
    const auth = open(t);
    const members = ['sessions', 'tokens', 'apiKeys', 'quotas', 'locks', 'counters'];
    assert.deepEqual(Object.keys(auth), members);
    assert.deepEqual(Object.keys(auth.tokens), []);
  });
});

for (const { name, express } of EXPRESS) {
  describe(`on ${name} a middleware that the app forgot to call`, () => {
    for (const method of /** @type {const} */ (['middleware', 'serialize'])) {
      it(`causes an error that names the missing call: ${method}`, async (t) => {
        const auth = open(t);
        /** @type {any} */
        let caught;
        const port = await serve(
          t,
          (app) => {
            app.use(/** @type {any} */ (auth[method]));
            app.use(
              (
                /** @type {any} */ error,
                /** @type {any} */ _req,
                /** @type {any} */ res,
                /** @type {any} */ _next,
              ) => {
                caught = error;
                res.sendStatus(500);
              },
            );
          },
          express,
        );
        assert.equal((await get(port, '/', token())).status, 500);
        assert.ok(fault('CONFIG', /with the call/)(caught));
      });
    }
  });
}
