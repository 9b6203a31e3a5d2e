// Random sequences of operations give the same answers on the embedded store, on Redis and Valkey, and on a
// reference. The reference is written from the contract alone. LATCHGATE_TEST_SEED repeats one sequence.
// LATCHGATE_TEST_SEQUENCES is the number of sequences.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { COUNT, check, sequence } = require('../model/check.js');
const { play } = require('../model/sequences.js');
const { KINDS, missing, startServer } = require('../support/servers.js');

// Each Auth warns once that a session is a token here. This is intended.
process.removeAllListeners('warning');
process.on('warning', (warning) => {
  if (/** @type {any} */ (warning).code !== 'LATCHGATE_SESSION_IS_TOKEN') console.error(warning);
});

describe('random sequences answer as the reference does', () => {
  it(`on the embedded store (${COUNT} sequences)`, () => check('memory:'));

  for (const { kind, name } of KINDS) {
    it(`on ${name} (${COUNT} sequences)`, async (t) => {
      const skip = await missing(kind);
      if (skip) return t.skip(skip);
      const server = await startServer(t, { kind });
      return check(server.url());
    });
  }
});

describe('the comparison', () => {
  /** Returns the number of sequences that detect the forgotten effect. */
  async function finds() {
    let found = 0;
    for (let seed = 1; seed <= 40; seed++) if ((await play('memory:', sequence(seed))) !== undefined) found++;
    return found;
  }

  /** @param {any} prototype @param {string} verb @param {() => object} fresh */
  async function forgetting(prototype, verb, fresh) {
    const own = prototype[verb];
    // The reference forgets instead of the store: the comparison cannot distinguish which of the two is wrong.
    prototype[verb] = function forget(/** @type {any[]} */ ...args) {
      return own.apply(fresh(), args);
    };
    try {
      assert.ok((await finds()) > 0, verb);
    } finally {
      prototype[verb] = own;
    }
  }

  it('finds a store that forgets the effect of any operation', async () => {
    const { Reference } = require('../model/reference.js');
    const { Counting } = require('../model/counting.js');
    const settings = { onLimit: 'reject', admission: 'explicit', idle: 1, absolute: 1 };
    for (const verb of ['end', 'revoke', 'revokeUser', 'touch', 'consume', 'add', 'refund'])
      await forgetting(Reference.prototype, verb, () => new Reference(settings));
    for (const verb of ['add', 'apply', 'take', 'release'])
      await forgetting(Counting.prototype, verb, () => new Counting());
  });
});
