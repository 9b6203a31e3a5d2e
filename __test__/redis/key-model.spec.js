// Random sequences of operations on API keys give the same answers on the embedded store, on Redis and Valkey, and
// on a reference. The reference is written from the contract alone. LATCHGATE_TEST_SEED repeats one sequence.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { COUNT, checkKeys } = require('../model/check.js');
const { KeyReference } = require('../model/key-reference.js');
const { playKeys } = require('../model/key-sequences.js');
const { KINDS, missing, startServer } = require('../support/servers.js');

describe('random sequences of operations on keys answer as the reference does', () => {
  it(`on the embedded store (${COUNT} sequences)`, () => checkKeys('memory:'));

  for (const { kind, name } of KINDS) {
    it(`on ${name} (${COUNT} sequences)`, async (t) => {
      const skip = await missing(kind);
      if (skip) return t.skip(skip);
      const server = await startServer(t, { kind });
      return checkKeys(server.url());
    });
  }
});

describe('the comparison', () => {
  it('finds a store that forgets the effect of any operation', async () => {
    const verbs = /** @type {const} */ ([
      'create',
      'check',
      'rotate',
      'revoke',
      'add',
      'update',
      'revokeUser',
      'blockUser',
    ]);
    for (const verb of verbs) {
      const own = KeyReference.prototype[verb];
      // The reference forgets instead of the store: the comparison cannot distinguish which of the two is wrong.
      KeyReference.prototype[verb] = /** @type {any} */ (
        (/** @type {any[]} */ ...args) => /** @type {any} */ (own).apply(new KeyReference(), args)
      );
      try {
        let found = 0;
        for (let seed = 1; seed <= 40; seed++) if ((await playKeys('memory:', seed)) !== undefined) found++;
        assert.ok(found > 0, verb);
      } finally {
        KeyReference.prototype[verb] = /** @type {any} */ (own);
      }
    }
  });
});
