// One request with an API key before several middlewares of one Auth: what is charged and touched once, and what is asked again.
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

describe('several middlewares before one request', () => {
  it('charge the own quota of a key once, with a middleware for tokens alone between them', async (t) => {
    const { ask, left } = await site(t, [BOTH, BEARER, BOTH, KEY]);
    assert.equal((await ask()).status, 200);
    assert.equal(await left(), 9);
  });

  it('charge it where the first of them has only looked', async (t) => {
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
    ['one for keys', [KEY]],
    ['two for keys', [KEY, KEY]],
  ])) {
    it(`touch a session once, with ${what} between those for tokens`, async (t) => {
      const { ask } = await site(t, [BEARER, ...between, BEARER]);
      const first = JSON.parse((await ask()).body);
      const second = JSON.parse((await ask()).body);
      assert.equal(second.previousActiveAt, first.lastActiveAt);
    });
  }
});

it('the scopes of a key are not to be added to before a guard asks for them', async (t) => {
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
