'use strict';
// Requests of many, some of whom log out while others still use their token: here it is the wait that is compared.

const { arrivals, usersOf } = require('../lib/random.js');
const { afterwards, onceMore } = require('../lib/judge.js');
const { crowdOf, namesOf, offendersOf, tokensOf } = require('../lib/people.js');

const USERS = 300;
const KINDS = { forbids: 'revoke', allows: 'bet' };

/** @type {import('../lib/app.js').Scenario} */
module.exports = {
  id: 'S4',
  title: 'Revocation asked at every request',
  unprotected:
    'a row in PostgreSQL (express-jwt, pg); and a key in Redis by jti, as long as the token lives (express-jwt, ioredis)',
  operation: 'bets with revoked tokens',
  violation: 'a bet accepted that was begun after the revocation had been answered',
  forms: ['unprotected', 'blacklist', 'protected'],
  names: { unprotected: 'PostgreSQL', blacklist: 'Redis blacklist' },
  needs: 'database',
  async plan(load) {
    const { seconds, random, tag, ask } = load;
    const count = crowdOf(USERS, load);
    const user = usersOf(`${tag}-player`, count, random);
    const { offenders, rate } = offendersOf(`${tag}-stolen`, load);
    const ended = offenders.map(({ name }) => name);
    const names = [...namesOf(`${tag}-player`, count), ...ended];
    const tokens = await tokensOf(names, ask);
    const call = (/** @type {string} */ of) => ({ path: '/bets', token: tokens.get(of), body: {} });
    const bet = (/** @type {number} */ at, /** @type {string} */ of) => ({
      at,
      call: () => ({ kind: 'bet', about: { of }, ...call(of) }),
    });
    const others = arrivals(rate, seconds, random).map((at) => bet(at, user()));
    const theirs = offenders.flatMap(({ name, at }) => at.map((each) => bet(each, name)));
    const revocations = offenders.map(({ name, ends }) => ({
      at: ends,
      call: () => ({
        kind: 'revoke',
        about: { of: name },
        path: '/revoke',
        body: { token: tokens.get(name) },
      }),
    }));
    return {
      steps: [...others, ...theirs, ...revocations],
      judge: async (log) => {
        // It counts for no share: what is asked at every request is not wrong, but slow.
        const { decisions: _, ...judged } = afterwards(
          await onceMore(log, KINDS, { names: ended, call, ask }),
          KINDS,
        );
        return judged;
      },
    };
  },
};
