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
  const OPTIONS = [['mode observe', { jwt, mode: 'observe' }, /observe/]];
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
