'use strict';
// Bets by many, single ones and combinations, and by some who are banned while a bet of theirs is on its way.

const { arrivals, usersOf } = require('../lib/random.js');
const { decisionsOf, granted, timeline } = require('../lib/judge.js');
const { crowdOf, namesOf, offendersOf, tokensOf } = require('../lib/people.js');

const USERS = 500;
/** The busiest bet some four times of a hundred. */
const LEVEL = 5;
/** Milliseconds: what counts here is what is on its way when a ban comes, so that there are to be many. */
const STAY = 500;
/** The most odds that one bet combines, and how many bets combine any. */
const [LEGS, COMBINED] = [5, 0.25];

/** @type {import('../lib/app.js').Scenario} */
module.exports = {
  id: 'S5',
  title: 'A request in flight outlives the ban',
  unprotected: 'checked at the door (express-jwt, ioredis), committed in PostgreSQL later',
  operation: 'bets of users who were banned',
  violation: 'a bet committed after the ban had been answered',
  needs: 'database',
  async plan(load) {
    const { seconds, random, tag, ask, backOffice } = load;
    const count = crowdOf(USERS, load);
    const user = usersOf(`${tag}-player`, count, random, LEVEL);
    const { offenders, rate } = offendersOf(`${tag}-cheat`, load, STAY);
    const names = [...namesOf(`${tag}-player`, count), ...offenders.map(({ name }) => name)];
    const tokens = await tokensOf(names, ask);
    const bet = (/** @type {number} */ at, /** @type {string} */ who) => {
      const body = { legs: random() < COMBINED ? 2 + Math.floor((LEGS - 1) * random()) : 1 };
      return { at, call: () => ({ kind: 'bet', about: who, path: '/bets', token: tokens.get(who), body }) };
    };
    const others = arrivals(rate, seconds, random).map((at) => bet(at, user()));
    const theirs = offenders.flatMap(({ name, at }) => at.map((each) => bet(each, name)));
    const bans = offenders.map(({ name, ends }) => ({
      at: ends,
      call: () => ({ kind: 'ban', about: name, path: '/ban', token: backOffice, body: { user: name } }),
    }));
    return { steps: [...others, ...theirs, ...bans], judge };
  },
};

/**
 * The database says when a bet was committed; all clocks are of one machine.
 * @param {import('../lib/drive.js').Entry[]} log
 * @returns {import('../lib/app.js').Judged}
 */
function judge(log) {
  /** @type {Map<string, import('../lib/drive.js').Entry>} */
  const bans = new Map();
  for (const entry of log)
    if (entry.kind === 'ban' && granted(entry) && !bans.has(entry.about)) bans.set(entry.about, entry);
  let [tried, violations] = [0, 0];
  const stopped = { signal: 0, turn: 0 };
  let caught;
  for (const entry of log) {
    const ban = entry.kind === 'bet' ? bans.get(entry.about) : undefined;
    if (ban === undefined) continue;
    tried++;
    const by = /** @type {'signal' | 'turn' | undefined} */ (entry.body?.stopped);
    if (by) stopped[by]++;
    // The time of day was cut to milliseconds: the next one was not there yet.
    if (!granted(entry) || entry.body.committedAt <= ban.clock + 1) continue;
    violations++;
    const late = (entry.body.committedAt - ban.clock).toFixed(1);
    caught ??= timeline(`${entry.about}: committed ${late} ms after the ban`, [ban], entry);
  }
  return {
    tried,
    violations,
    decisions: decisionsOf(log, ['bet'], violations),
    notes: {
      bans: bans.size,
      'stopped in flight by the signal': stopped.signal,
      'by the turn': stopped.turn,
    },
    caught,
  };
}
