// The app of the demo that users may copy, and what it must refuse.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { send, sendTogether } = require('../scripts/demo/client.js');
const { listen } = require('./support/app.js');

process.env.JWT_SECRET ??= 'a secret of the demo, 32 bytes or more';

describe('scripts/demo/protected.js', () => {
  /** @param {import('node:test').TestContext} t */
  async function site(t) {
    const { port, close } = await listen(require('../scripts/demo/protected.js'));
    t.after(close);
    const login = async (/** @type {string} */ user) =>
      (await send(port, { path: '/login', body: { user } })).body.token;
    return { login, port };
  }

  it('creates one key of twenty calls for a user who has logged in, regardless of concurrent requests', async (t) => {
    const { login, port } = await site(t);
    const anonymous = await send(port, { path: '/keys', body: { owner: 'eve', calls: 1e6 } });
    assert.equal(anonymous.status, 401);
    const call = { path: '/keys', token: await login('ada'), body: { owner: 'bob', calls: 1e6 } };
    const answers = await sendTogether(port, new Array(5).fill(call));
    const made = answers.filter(({ status }) => status === 201);
    assert.equal(made.length, 1);
    const odds = { method: 'GET', path: '/odds', key: made[0].body.key };
    const used = await sendTogether(port, new Array(30).fill(odds));
    assert.equal(used.filter(({ status }) => status === 200).length, 20);
  });

  it('refuses an invalid user and an invalid token', async (t) => {
    const { login, port } = await site(t);
    for (const user of [undefined, null, 7, '', ['ada'], { toString: 1 }])
      assert.equal((await send(port, { path: '/login', body: { user } })).status, 400);
    for (const token of [undefined, null, 7, ['x']])
      assert.equal((await send(port, { path: '/revoke', body: { token } })).status, 400);
    const token = await login('bob');
    assert.deepEqual((await send(port, { path: '/revoke', body: { token } })).body, { revoked: true });
    assert.equal((await send(port, { method: 'GET', path: '/me', token })).status, 401);
  });
});
