// Errors of the app's own functions and objects, and a polluted prototype of all objects. Each causes an error with
// a code and a cause, and never another result.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { createAuth } = require('latchgate');
const { fault, open, unique } = require('./support/auths.js');
const { token } = require('./support/jwt.js');

const thrown = new Error('mine');
const fail = () => {
  throw thrown;
};
/** @param {string} code */
const caused = (code) => (/** @type {any} */ error) => {
  assert.equal(error.cause, thrown);
  return fault(code)(error);
};
/** @returns {any} */
const unreadable = () => new Proxy({}, { ownKeys: fail });

describe('an error of the app', () => {
  it('in a function of the options or the policy rejects authenticate() with its cause', async (t) => {
    const limited = open(t, { sessions: { limit: fail, admission: 'first-use' } });
    await assert.rejects(
      limited.authenticate({ token: token({ sub: unique(), sid: 's' }) }),
      caused('INPUT'),
    );
    const auth = open(t, { apiKeys: {} });
    const { key } = await auth.apiKeys.create({ ownerId: unique() });
    for (const function_ of ['by', 'cost', 'idempotencyKey']) {
      const quota = { limit: 1, name: function_, [function_]: fail };
      await assert.rejects(auth.authenticate({ token: token() }, { quota }), caused('INPUT'));
      await assert.rejects(auth.authenticate({ apiKey: key }, { quota }), caused('INPUT'));
    }
    const nothing = () => {
      throw undefined;
    };
    await assert.rejects(
      auth.authenticate({ token: token() }, { quota: { limit: 1, by: nothing } }),
      fault('INPUT'),
    );
  });

  it('while latchgate reads an object is an error of the argument', async (t) => {
    const auth = open(t);
    /** @type {any} */
    const getter = Object.defineProperty({}, 'limit', { enumerable: true, get: fail });
    for (const call of [
      () => auth.quotas.consume('k', getter),
      () => auth.sessions.admit('u', unreadable()),
      () => auth.authenticate(unreadable()),
      () => auth.authenticate({ token: token() }, { quota: getter }),
      () => auth.tokens.revokeId(unreadable()),
    ])
      await assert.rejects(
        async () => call(),
        (/** @type {any} */ error) => {
          assert.equal(error.cause, thrown);
          return /^ERR_LATCHGATE_(INPUT|CONFIG)$/.test(error.code);
        },
      );
    assert.throws(() => createAuth(unreadable()), caused('CONFIG'));
    assert.throws(() => auth.middleware(unreadable()), caused('CONFIG'));
  });

  it('in an argument is not reached on a closed Auth', async (t) => {
    const auth = open(t);
    await auth.close();
    await assert.rejects(auth.tokens.revokeId(unreadable()), fault('CLOSED'));
    await assert.rejects(auth.tokens.revokeId(/** @type {any} */ (5)), fault('CLOSED'));
  });
});

describe('a property in the prototype of all objects', () => {
  it('does not replace a member that a key, a session or a change omits', async (t) => {
    const auth = open(t, { apiKeys: {} });
    const userId = unique();
    const { key, keyId } = await auth.apiKeys.create({ ownerId: userId });
    const polluted = { metadata: '{"role":"admin"}', device: '{}', named: 1, max: 0, min: 9, name: 'n' };
    const all = /** @type {any} */ (Object.prototype);
    for (const [name, value] of Object.entries(polluted))
      Object.defineProperty(all, name, { configurable: true, enumerable: true, writable: true, value });
    try {
      const checked = await auth.apiKeys.check(key);
      const answer = await auth.authenticate({ apiKey: key });
      const info = await auth.apiKeys.get(keyId);
      const { session } = /** @type {any} */ (await auth.sessions.admit(userId));
      const added = await auth.counters.add(userId, 'c', 5);
      const has = (/** @type {unknown} */ object, /** @type {string} */ name) =>
        Object.hasOwn(/** @type {object} */ (object), name);
      assert.ok(checked.valid && !has(checked, 'metadata'));
      assert.ok(answer.ok && !has(answer.auth.apiKey, 'metadata'));
      assert.ok(!has(info, 'metadata') && !has(info, 'name'));
      assert.ok(!has(session, 'device'));
      assert.deepEqual([added.applied, added.value], [true, 5]);
    } finally {
      for (const name of Object.keys(polluted)) delete all[name];
    }
  });
});
