'use strict';
// Partners use their keys, some of which are revoked meanwhile.

const { arrivals, usersOf } = require('../lib/random.js');
const { afterwards } = require('../lib/judge.js');

const KEYS = 200;

/** @type {import('../lib/app.js').Scenario} */
module.exports = {
  id: 'S9',
  title: 'API-key revocation',
  unprotected: 'valid keys cached for 2 s (ioredis)',
  operation: 'calls with revoked keys',
  violation: 'a call served that was begun after the revocation had been answered',
  async plan({ rate, seconds, random, ask }) {
    const partner = usersOf('partner', KEYS, random);
    /** @type {Map<string, { key: string, id: string }>} */
    const keys = new Map();
    for (let n = 1; n <= KEYS; n++) {
      const owner = `partner-${n}`;
      keys.set(owner, (await ask({ path: '/keys', body: { owner } })).body);
    }
    const steps = arrivals(rate, seconds, random).map((at) => {
      const of = partner();
      return {
        at,
        call: () => ({ kind: 'call', about: { of }, method: 'GET', path: '/odds', key: keys.get(of)?.key }),
      };
    });
    const revocations = arrivals(5, seconds, random).map((at) => {
      const of = partner();
      return {
        at,
        call: () => ({ kind: 'revoke', about: { of }, path: '/revoke', body: { id: keys.get(of)?.id } }),
      };
    });
    return {
      steps: [...steps, ...revocations],
      judge: (log) => afterwards(log, { forbids: 'revoke', allows: 'call' }),
    };
  },
};
