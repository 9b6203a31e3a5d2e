// revokeUser() and foreign tokens. It invalidates a token of an issuer whose clock is fast, although the token was
// never used. A token that is issued after the revocation is valid for any tolerance. One Auth observes the lead,
// and another Auth revokes.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { setTimeout } = require('node:timers/promises');
const { fault, newStore, open, unique } = require('../support/auths.js');
const { startCluster } = require('../support/clusters.js');
const { SECRET, token } = require('../support/jwt.js');
const { KINDS, missing, startServer } = require('../support/servers.js');

/** The machine may be busy with other tests. */
const patient = (/** @type {string} */ url) =>
  url.startsWith('memory:') ? url : { url, commandTimeout: '20s' };

const [OURS, THEIRS] = ['https://ours.test', 'https://theirs.test'];

/** @type {Array<{ name: string, kind?: any, store: (t: any) => Promise<string> }>} */
const STORES = [
  { name: 'the embedded store', store: async () => newStore('memory:') },
  ...KINDS.map(({ kind, name }) => ({
    name,
    kind,
    store: async (/** @type {any} */ t) => (await startServer(t, { kind })).url(),
  })),
  {
    name: 'a Cluster',
    kind: 'redis',
    store: async (t) => (await startCluster(t, { replicas: 0 })).url(),
  },
];

/** @param {import('latchgate').Auth} auth @param {string} text */
async function outcome(auth, text) {
  const answer = await auth.authenticate({ token: text });
  return answer.ok ? 'allowed' : answer.reason;
}

const seconds = () => Math.floor(Date.now() / 1000);
/** Resolves when the next second has begun. */
const nextSecond = () => setTimeout(1050 - (Date.now() % 1000));

for (const { name, kind, store } of STORES) {
  describe(`on ${name}`, async () => {
    const skip = kind !== undefined && (await missing(kind));

    it('revokeUser() invalidates an unused token that a fast clock issued', { skip }, async (t) => {
      const url = await store(t);
      const [seer, revoker] = [open(t, { store: patient(url) }), open(t, { store: patient(url) })];
      const user = unique();
      const early = (/** @type {string} */ sub, lead = 2) => token({ sub, iat: seconds() + lead });
      assert.equal(await outcome(seer, early(unique())), 'allowed');
      const unused = early(user);
      await revoker.tokens.revokeUser(user);
      assert.equal(await outcome(seer, unused), 'user_revoked');
      assert.equal(await outcome(revoker, unused), 'user_revoked');
    });

    it('a token that is issued in the next second is valid for any tolerance', {
      skip,
    }, async (t) => {
      const auth = open(t, {
        store: patient(await store(t)),
        jwt: { secret: SECRET, clockTolerance: '60s' },
      });
      for (const end of ['revokeUser', 'blockUser']) {
        const user = unique();
        const before = token({ sub: user });
        await auth.tokens[/** @type {'revokeUser'} */ (end)](user);
        if (end === 'blockUser') await auth.tokens.unblockUser(user);
        assert.equal(await outcome(auth, before), 'user_revoked');
        await nextSecond();
        assert.equal(await outcome(auth, token({ sub: user, iat: seconds() })), 'allowed');
      }
    });

    it('the clock of one issuer does not affect the tokens of another issuer', { skip }, async (t) => {
      const jwt = { secret: SECRET, issuer: [OURS, THEIRS] };
      const auth = open(t, { store: patient(await store(t)), jwt });
      const sub = unique();
      const of = (/** @type {string} */ iss, lead = 0) => token({ sub, iss, iat: seconds() + lead });
      assert.equal(
        await outcome(auth, token({ sub: unique(), iss: THEIRS, iat: seconds() + 30 })),
        'allowed',
      );
      await auth.tokens.revokeUser(sub);
      await auth.tokens.revokeUser(`${THEIRS} ${sub}`);
      await nextSecond();
      assert.equal(await outcome(auth, of(OURS)), 'allowed');
      assert.equal(await outcome(auth, of(THEIRS, 20)), 'user_revoked');
    });

    it('jwt.issuerClockLead fixes the range of a revocation', { skip }, async (t) => {
      const url = await store(t);
      const auth = open(t, { store: patient(url), jwt: { secret: SECRET, issuerClockLead: '5s' } });
      const user = unique();
      const [within, beyond] = [3, 8].map((lead) => token({ sub: user, iat: seconds() + lead }));
      await auth.tokens.revokeUser(user);
      assert.equal(await outcome(auth, within), 'user_revoked');
      assert.equal(await outcome(auth, beyond), 'allowed');
      // The next revocation invalidates a token that was allowed before, regardless of the fixed lead.
      await auth.tokens.revokeUser(user);
      assert.equal(await outcome(auth, beyond), 'user_revoked');
    });
  });
}

describe('jwt.issuerClockLead', () => {
  it("is 'observed' or a duration of at most an hour", (t) => {
    for (const issuerClockLead of ['observed', 0, '2s', '1h'])
      open(t, { jwt: { secret: SECRET, issuerClockLead } });
    for (const issuerClockLead of ['guess', -1, Number.NaN, '61m', null, {}])
      assert.throws(
        () => open(t, { jwt: { secret: SECRET, issuerClockLead: /** @type {any} */ (issuerClockLead) } }),
        fault('CONFIG', /issuerClockLead/),
      );
  });
});
