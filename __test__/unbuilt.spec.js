// What the contract names and this version does not build is refused by name, and never ignored.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { authMiddleware, createAuth } = require('latchgate');
const { fault, open } = require('./support/auths.js');
const { SECRET } = require('./support/jwt.js');

const jwt = { secret: SECRET };

describe('createAuth() refuses', () => {
  /** @type {Array<[string, object, RegExp]>} */
  const OPTIONS = [
    ['refresh', { jwt, refresh: { ttl: '1d' } }, /refresh/],
    ['mode observe', { jwt, mode: 'observe' }, /observe/],
  ];
  for (const [what, options, names] of OPTIONS) {
    it(what, () => {
      assert.throws(() => createAuth(/** @type {any} */ (options)), fault('CONFIG', names));
      assert.throws(() => authMiddleware(/** @type {any} */ (options)), fault('CONFIG', names));
    });
  }

  it('takes the defaults of what is not built, said aloud', (t) => {
    open(t, { mode: 'enforce', onStoreError: 'deny' });
    open(t, { onStoreError: { revocation: 'deny', sessions: 'deny', quota: 'deny' } });
  });
});

describe('an Auth refuses', () => {
  for (const [group, methods] of Object.entries({
    tokens: ['login', 'refresh', 'logout'],
  })) {
    for (const method of methods) {
      it(`${group}.${method}(), by rejecting`, async (t) => {
        /** @type {any} */
        const auth = open(t);
        const answer = auth[group][method]('a', 'b');
        assert.ok(answer instanceof Promise);
        await assert.rejects(answer, fault('CONFIG', new RegExp(`${group}\\.${method}`)));
      });
    }
  }
});
