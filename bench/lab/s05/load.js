'use strict';
// Bets by many, some of whom are banned while a bet of theirs is on its way.

const { arrivals, usersOf } = require('../lib/random.js');
const { timeline, wallClock } = require('../lib/judge.js');
const { tokensOf } = require('../lib/people.js');

const USERS = 100;

/** @type {import('../lib/app.js').Scenario} */
module.exports = {
  id: 'S5',
  title: 'A request in flight outlives the ban',
  unprotected: 'checked at the door (express-jwt, ioredis), committed in PostgreSQL later',
  operation: 'bets of users who were banned',
  violation: 'a bet committed after the ban had been answered',
  needs: 'database',
  async plan({ rate, seconds, random, ask }) {
    const user = usersOf('player', USERS, random);
    const tokens = await tokensOf('player', USERS, ask);
    const steps = arrivals(rate, seconds, random).map((at) => {
      const who = user();
      return {
        at,
        call: () => ({ kind: 'bet', about: who, path: '/bets', token: tokens.get(who), body: {} }),
      };
    });
    const bans = arrivals(20, seconds, random).map((at) => {
      const who = user();
      return { at, call: () => ({ kind: 'ban', about: who, path: '/ban', body: { user: who } }) };
    });
    return { steps: [...steps, ...bans], judge };
  },
};

/**
 * The database says when; all clocks are of one machine.
 * @param {import('../lib/drive.js').Entry[]} log
 * @returns {import('../lib/app.js').Judged}
 */
function judge(log) {
  /** @type {Map<string, import('../lib/drive.js').Entry>} */
  const bans = new Map();
  for (const entry of log)
    if (entry.kind === 'ban' && entry.status === 200 && !bans.has(entry.about)) bans.set(entry.about, entry);
  let [tried, violations] = [0, 0];
  let caught;
  for (const entry of log) {
    const ban = entry.kind === 'bet' ? bans.get(entry.about) : undefined;
    if (ban === undefined) continue;
    tried++;
    if (entry.status !== 201 || entry.body.committedAt <= wallClock(ban.done)) continue;
    violations++;
    const late = (entry.body.committedAt - wallClock(ban.done)).toFixed(1);
    caught ??= timeline(`${entry.about}: committed ${late} ms after the ban`, [ban], entry);
  }
  return { tried, violations, caught };
}
