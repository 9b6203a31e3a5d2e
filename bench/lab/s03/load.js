'use strict';
// Bets by many, and by some who are banned while they bet, and go on betting.

const { arrivals, usersOf } = require('../lib/random.js');
const { afterwards } = require('../lib/judge.js');
const { crowdOf, namesOf, offendersOf, tokensOf } = require('../lib/people.js');

const USERS = 300;

/** @type {import('../lib/app.js').Scenario} */
module.exports = {
  id: 'S3',
  title: 'Revocation behind a cache',
  unprotected: 'a list of banned users cached for 2 s (express-jwt with isRevoked, ioredis)',
  operation: 'bets of banned users',
  violation: 'a bet accepted that was begun after the ban had been answered',
  async plan(load) {
    const { seconds, random, tag, ask } = load;
    const count = crowdOf(USERS, load);
    const user = usersOf(`${tag}-player`, count, random);
    const { offenders, rate } = offendersOf(`${tag}-cheat`, load);
    const names = [...namesOf(`${tag}-player`, count), ...offenders.map(({ name }) => name)];
    const tokens = await tokensOf(names, ask);
    const bet = (/** @type {number} */ at, /** @type {string} */ of) => ({
      at,
      call: () => ({ kind: 'bet', about: { of }, path: '/bets', token: tokens.get(of), body: {} }),
    });
    const others = arrivals(rate, seconds, random).map((at) => bet(at, user()));
    const theirs = offenders.flatMap(({ name, at }) => at.map((each) => bet(each, name)));
    const bans = offenders.map(({ name, ends }) => ({
      at: ends,
      call: () => ({ kind: 'ban', about: { of: name }, path: '/ban', body: { user: name } }),
    }));
    return {
      steps: [...others, ...theirs, ...bans],
      judge: (log) => afterwards(log, { forbids: 'ban', allows: 'bet' }),
    };
  },
};
