'use strict';
// Bets by many, some of whom are banned while they bet.

const { arrivals, usersOf } = require('../lib/random.js');
const { afterwards } = require('../lib/judge.js');
const { tokensOf } = require('../lib/people.js');

const USERS = 300;

/** @type {import('../lib/app.js').Scenario} */
module.exports = {
  id: 'S3',
  title: 'Revocation behind a cache',
  unprotected: 'a list of banned users cached for 2 s (express-jwt with isRevoked, ioredis)',
  operation: 'bets of banned users',
  violation: 'a bet accepted that was begun after the ban had been answered',
  async plan({ rate, seconds, random, ask }) {
    const user = usersOf('player', USERS, random);
    const tokens = await tokensOf('player', USERS, ask);
    const steps = arrivals(rate, seconds, random).map((at) => {
      const who = user();
      return {
        at,
        call: () => ({ kind: 'bet', about: { of: who }, path: '/bets', token: tokens.get(who), body: {} }),
      };
    });
    const bans = arrivals(5, seconds, random).map((at) => {
      const who = user();
      return { at, call: () => ({ kind: 'ban', about: { of: who }, path: '/ban', body: { user: who } }) };
    });
    return { steps: [...steps, ...bans], judge: (log) => afterwards(log, { forbids: 'ban', allows: 'bet' }) };
  },
};
