// One request with an API key through several middlewares of one Auth: the key is charged and the session is touched
// once. Other checks run again.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { serve } = require('./support/app.js');
const { open, unique } = require('./support/auths.js');
const { send } = require('./support/http.js');
const { token } = require('./support/jwt.js');

/** @typedef {import('latchgate').Policy} Policy */

/** @type {Policy} */
const BEARER = { credentials: ['bearer'] };
/** @type {Policy} */
const KEY = { credentials: ['api-key'] };
/** @type {Policy} */
const BOTH = { credentials: ['bearer', 'api-key'] };

/**
 * @param {import('node:test').TestContext} t
 * @param {Policy[]} policies
 */
async function site(t, policies) {
  const auth = open(t, { apiKeys: {}, sessions: { limit: 3, admission: 'first-use' } });
  const ownerId = unique();
  const { key, keyId } = await auth.apiKeys.create({ ownerId, quota: { limit: 10 } });
  const headers = [`X-API-Key: ${key}`, `Authorization: Bearer ${token({ sub: ownerId, sid: 's' })}`];
  const port = await serve(t, (app) => {
    for (const policy of policies) app.use(auth.middleware(policy));
    app.get('/', (req, res) => res.json(req.auth?.session ?? null));
  });
  const ask = () => send(port, { headers });
  const left = async () => (await auth.apiKeys.get(keyId))?.quota?.remaining;
  return { ask, left };
}

describe('several middlewares in one request', () => {
  it('charge the own quota of a key once, with a bearer-only middleware between them', async (t) => {
    const { ask, left } = await site(t, [BOTH, BEARER, BOTH, KEY]);
    assert.equal((await ask()).status, 200);
    assert.equal(await left(), 9);
  });

  it('charge the own quota even if the first middleware only read it', async (t) => {
    const { ask, left } = await site(t, [
      { ...KEY, quota: { name: 'look', limit: 9, cost: () => 0 } },
      { ...KEY, quota: { name: 'look too', limit: 9, cost: 0 } },
      { ...KEY, quota: { name: 'take', limit: 9, cost: 4 } },
      { ...KEY, quota: { name: 'more', limit: 9, cost: 2 } },
    ]);
    assert.equal((await ask()).status, 200);
    assert.equal(await left(), 6);
  });

  for (const [what, between] of /** @type {Array<[string, Policy[]]>} */ ([
    ['one middleware for keys', [KEY]],
    ['two middlewares for keys', [KEY, KEY]],
  ])) {
    it(`touch a session once, with ${what} between the middlewares for tokens`, async (t) => {
      const { ask } = await site(t, [BEARER, ...between, BEARER]);
      const first = JSON.parse((await ask()).body);
      const second = JSON.parse((await ask()).body);
      assert.equal(second.previousActiveAt, first.lastActiveAt);
    });
  }
});

it('an app cannot add scopes to a key before a guard checks them', async (t) => {
  const auth = open(t, { apiKeys: {} });
  const ownerId = unique();
  const { key } = await auth.apiKeys.create({ ownerId, scopes: ['a'] });
  const port = await serve(t, (app) => {
    app.use(auth.middleware());
    app.use((req, _res, next) => {
      Reflect.set(Object(req.auth?.scopes), 1, 'admin');
      next();
    });
    app.get('/', auth.requireScope('admin'), (_req, res) => res.json('let through'));
  });
  const bearer = `Authorization: Bearer ${token({ sub: ownerId, scope: 'a' })}`;
  assert.equal((await send(port, { headers: [`X-API-Key: ${key}`] })).status, 403);
  assert.equal((await send(port, { headers: [`X-API-Key: ${key}`, bearer] })).status, 403);
});
