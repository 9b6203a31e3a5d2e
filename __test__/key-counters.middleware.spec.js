// counters.apply() with the auth of a request that sent an API key, alone or together with a token.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { fault, open, unique } = require('./support/auths.js');
const { token } = require('./support/jwt.js');

/** @typedef {import('latchgate').Auth} Auth */

const ADD = [{ name: 'c', delta: 1 }];
const IMPORTED = 'sk_live_0123456789abcdef';

describe('apply() with the auth of an API key', () => {
  /**
   * @param {import('node:test').TestContext} t
   * @param {{ imported?: boolean, bearer?: boolean }} [how]
   */
  async function letIn(t, { imported = false, bearer = false } = {}) {
    const auth = open(t, { apiKeys: {}, sessions: { admission: 'first-use' } });
    const user = unique();
    const made = await auth.apiKeys.create({ ownerId: user, ...(imported && { key: IMPORTED }) });
    const text = bearer ? token({ sub: user, sid: 's', jti: user }) : undefined;
    const answer = await auth.authenticate({ apiKey: made.key, token: text });
    assert.ok(answer.ok);
    const apply = () => auth.counters.apply(user, ADD, { auth: answer.auth });
    return { auth, user, keyId: made.keyId, apply };
  }

  for (const how of [{}, { imported: true }, { bearer: true }, { imported: true, bearer: true }]) {
    it(`applies changes while the credential is valid, and charges nothing: ${JSON.stringify(how)}`, async (t) => {
      const { auth, keyId, apply } = await letIn(t, how);
      const before = await auth.apiKeys.get(keyId);
      assert.deepEqual(await apply(), { applied: true, values: { c: 1 } });
      assert.deepEqual(await auth.apiKeys.get(keyId), before);
    });
  }

  /** @type {Array<[string, boolean, (auth: Auth, user: string, keyId: string) => Promise<unknown>]>} */
  const FALLS = [
    ['the key was revoked', false, (auth, _user, keyId) => auth.apiKeys.revoke(keyId)],
    ['the key was revoked, with a token present', true, (auth, _user, keyId) => auth.apiKeys.revoke(keyId)],
    ['its secret was replaced', false, (auth, _user, keyId) => auth.apiKeys.rotate(keyId)],
    ['the key has expired', false, (auth, _user, keyId) => auth.apiKeys.update(keyId, { expiresAt: 1000 })],
    ['all of the keys were revoked', false, (auth, user) => auth.tokens.revokeUser(user, { apiKeys: true })],
    ['its owner was blocked', false, (auth, user) => auth.tokens.blockUser(user)],
    ['the token of the same request was revoked', true, (auth, user) => auth.tokens.revokeUser(user)],
    ['the session of the same request was ended', true, (auth, user) => auth.sessions.end(user, 's')],
  ];
  for (const [what, bearer, fall] of FALLS) {
    it(`rejects with ERR_LATCHGATE_REVOKED once ${what}`, async (t) => {
      const { auth, user, keyId, apply } = await letIn(t, { bearer });
      await apply();
      await fall(auth, user, keyId);
      await assert.rejects(apply(), fault('REVOKED'));
      assert.equal(await auth.counters.get(user, 'c'), 1);
    });
  }

  it('applies changes if the user was revoked and the keys were not', async (t) => {
    const { auth, user, apply } = await letIn(t);
    await auth.tokens.revokeUser(user);
    assert.deepEqual(await apply(), { applied: true, values: { c: 1 } });
  });

  it('refuses the auth of another user', async (t) => {
    const { auth, user } = await letIn(t);
    const { key } = await auth.apiKeys.create({ ownerId: unique() });
    const answer = await auth.authenticate({ apiKey: key });
    assert.ok(answer.ok);
    await assert.rejects(auth.counters.apply(user, ADD, { auth: answer.auth }), fault('INPUT', /user/));
  });
});
