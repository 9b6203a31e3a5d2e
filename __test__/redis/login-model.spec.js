// Random sequences of logins and later calls give the same answers on the embedded store, on Redis and Valkey, and
// on a reference. The servers are single, behind Sentinels, or in a Cluster. The reference is written from the
// contract alone. LATCHGATE_TEST_SEED repeats one sequence.
'use strict';

const assert = require('node:assert/strict');
const { randomInt } = require('node:crypto');
const { describe, it } = require('node:test');
const { LoginReference } = require('../model/login-reference.js');
const { playLogins } = require('../model/login-sequences.js');
const { newStore } = require('../support/auths.js');
const { KINDS, missing, startServer } = require('../support/servers.js');
const { TOPOLOGIES } = require('../support/topologies.js');

const SEED = process.env.LATCHGATE_TEST_SEED;
const COUNT = SEED === undefined ? Number(process.env.LATCHGATE_TEST_SEQUENCES ?? 300) : 1;

/**
 * A single server plays all sequences. In other topologies only the connection differs, so that fewer sequences
 * are enough.
 */
const SOME = Math.ceil(COUNT / 3);

/** @param {() => string} store @param {number} [count] */
async function check(store, count = COUNT) {
  const first = SEED === undefined ? randomInt(2 ** 31) : Number(SEED);
  for (let seed = first; seed < first + count; seed++) {
    const problem = await playLogins(store(), seed);
    assert.equal(problem, undefined, `LATCHGATE_TEST_SEED=${seed}`);
  }
}

describe('random sequences of logins answer as the reference does', () => {
  it(`on the embedded store (${COUNT} sequences)`, () => check(() => newStore('memory:')));

  for (const { kind, name } of KINDS) {
    it(`on ${name} (${COUNT} sequences)`, async (t) => {
      const skip = await missing(kind);
      if (skip) return t.skip(skip);
      const server = await startServer(t, { kind });
      return check(() => server.url());
    });
  }

  for (const { name, missing, start } of TOPOLOGIES) {
    it(`on ${name} (${SOME} sequences)`, async (t) => {
      const skip = await missing();
      if (skip) return t.skip(skip);
      const servers = await start(t);
      return check(() => servers.url(), SOME);
    });
  }
});

describe('the comparison', () => {
  it('finds a store that forgets the effect of any operation', async () => {
    for (const verb of /** @type {const} */ ([
      'login',
      'refresh',
      'logout',
      'end',
      'revokeUser',
      'blockUser',
    ])) {
      const own = LoginReference.prototype[verb];
      // The reference forgets instead of the store: the comparison cannot distinguish which of the two is wrong.
      LoginReference.prototype[verb] = /** @type {any} */ (
        (/** @type {any[]} */ ...args) => /** @type {any} */ (own).apply(new LoginReference(true), args)
      );
      try {
        let found = 0;
        for (let seed = 1; seed <= 40; seed++)
          if ((await playLogins(newStore('memory:'), seed)) !== undefined) found++;
        assert.ok(found > 0, verb);
      } finally {
        LoginReference.prototype[verb] = /** @type {any} */ (own);
      }
    }
  });
});
