'use strict';
// Bets by many, and by some who are banned while they bet, and go on betting.

const { arrivals, usersOf } = require('../lib/random.js');
const { afterwards, onceMore } = require('../lib/judge.js');
const { crowdOf, namesOf, offendersOf, tokensOf } = require('../lib/people.js');

const USERS = 300;
const KINDS = { forbids: 'ban', allows: 'bet' };

/** @type {import('../lib/app.js').Scenario} */
module.exports = {
  id: 'S3',
  title: 'Revocation behind a cache',
  unprotected: 'a list of banned users cached for 2 s (express-jwt with isRevoked, ioredis)',
  operation: 'bets of banned users',
  violation: 'a bet accepted that was begun after the ban had been answered',
  async plan(load) {
    const { seconds, random, tag, ask, backOffice } = load;
    const count = crowdOf(USERS, load);
    const user = usersOf(`${tag}-player`, count, random);
    const { offenders, rate } = offendersOf(`${tag}-cheat`, load);
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
    const bans = offenders.map(({ name, ends }) => ({
      at: ends,
      call: () => ({
        kind: 'ban',
        about: { of: name },
        path: '/ban',
        token: backOffice,
        body: { user: name },
      }),
    }));
    return {
      steps: [...others, ...theirs, ...bans],
      judge: async (log) => afterwards(await onceMore(log, KINDS, { names: ended, call, ask }), KINDS),
    };
  },
};
