// Misleading input about API keys, scopes and quotas is refused by name, and never ignored.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { createAuth } = require('latchgate');
const { fault, open, unique } = require('./support/auths.js');
const { token } = require('./support/jwt.js');

/** @typedef {import('latchgate').Policy} Policy */

/** Returns a list with an empty first slot, which every() skips. @param {string} last */
const withHole = (last) => Object.assign(new Array(2), { 1: last });

class Options {
  get ownerId() {
    return 'ada';
  }

  get apiKey() {
    return 'of a getter';
  }
}

describe('refused by name', () => {
  it('a list of scopes with a hole', async (t) => {
    const auth = open(t, { apiKeys: {} });
    const scope = withHole('a');
    const ownerId = unique();
    assert.throws(() => auth.middleware({ scope }), fault('CONFIG', /scope/));
    await assert.rejects(auth.apiKeys.create({ ownerId, scopes: scope }), fault('INPUT', /scopes/));
    const { key } = await auth.apiKeys.create({ ownerId });
    await assert.rejects(auth.apiKeys.check(key, { scope }), fault('INPUT', /scope/));
    await assert.rejects(auth.authenticate({ apiKey: key }, { scope }), fault('CONFIG', /scope/));
    await assert.rejects(auth.tokens.issue(ownerId, { scope }), fault('INPUT', /scope/));
  });

  for (const [what, value] of /** @type {Array<[string, any]>} */ ([
    ['an array', []],
    ['a Map', new Map([['name', 'a']])],
    ['an object of a class', new Options()],
  ])) {
    it(`${what} in place of a patch`, async (t) => {
      const auth = open(t, { apiKeys: {} });
      const { keyId } = await auth.apiKeys.create({ ownerId: unique() });
      await assert.rejects(auth.apiKeys.update(keyId, value), fault('INPUT', /object/));
    });

    it(`${what} in place of credentials`, async (t) => {
      const auth = open(t, { apiKeys: {} });
      await assert.rejects(auth.authenticate(value), fault('INPUT', /credentials/));
    });
  }

  it('a header with the name of a property that every object inherits', () => {
    for (const header of ['constructor', '__proto__', 'Constructor'])
      assert.throws(() => createAuth({ apiKeys: { header } }), fault('CONFIG', /apiKeys\.header/));
  });
});

describe('accepted with its meaning', () => {
  it('null as an absent value, and as a request to remove a value', async (t) => {
    const auth = open(t, { apiKeys: {} });
    const { key, keyId } = await auth.apiKeys.create({
      ownerId: unique(),
      expiresAt: Date.now() + 3_600_000,
      metadata: 1,
    });
    assert.ok((await auth.authenticate({ token: null, apiKey: key, context: null })).ok);
    const nothing = await auth.authenticate({ token: null, apiKey: null });
    assert.equal(nothing.ok ? undefined : nothing.code, 'credentials_required');
    const patch = Object.freeze({ expiresAt: null, metadata: null });
    const info = await auth.apiKeys.update(keyId, patch);
    assert.deepEqual([info.expiresAt, info.metadata], [null, undefined]);
  });
});

describe('a quota per key under one name', () => {
  /** @type {Policy} */
  const BEARER = { credentials: ['bearer'] };
  /** @type {Policy} */
  const KEY = { credentials: ['api-key'] };

  for (const by of /** @type {const} */ ([undefined, 'api-key'])) {
    it(`is one amount for all kinds of credentials that a policy accepts, with by ${by}`, async (t) => {
      const auth = open(t, { apiKeys: {} });
      const ownerId = unique();
      const { key } = await auth.apiKeys.create({ ownerId });
      const quota = by === undefined ? { limit: 5 } : { limit: 5, by };
      const bearer = { token: token({ sub: ownerId }) };
      const left = async (/** @type {object} */ credentials, /** @type {Policy} */ policy) => {
        const passed = await auth.authenticate(credentials, { ...policy, quota });
        return passed.ok && passed.auth.quota?.remaining;
      };
      assert.equal(await left(bearer, BEARER), 4);
      assert.equal(await left({ apiKey: key }, KEY), 4);
      assert.equal(await left(bearer, {}), 3);
      assert.equal(await left({ apiKey: key }, {}), 3);
      assert.equal(await left(bearer, BEARER), 2);
    });
  }

  it('conflicts with a quota per user of the same name, in any order', (t) => {
    const byUser = { limit: 5, by: /** @type {const} */ ('user') };
    const byKey = { limit: 5, by: /** @type {const} */ ('api-key') };
    for (const [first, second, third] of [
      [byKey, byKey, byUser],
      [byKey, byUser, byKey],
    ]) {
      const auth = open(t, { apiKeys: {} });
      auth.middleware({ ...BEARER, quota: first });
      auth.middleware({ quota: second });
      assert.throws(() => auth.middleware({ quota: third }), fault('CONFIG', /quota\.name/));
    }
  });
});
