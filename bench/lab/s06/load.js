'use strict';
// Players wager, often from several devices or several tables at once.

const { arrivals, usersOf } = require('../lib/random.js');
const { groupedBy, timeline, unanswered } = require('../lib/judge.js');
const { crowdOf, namesOf, tokensOf } = require('../lib/people.js');

const USERS = 1000;
/** The busiest wager some three times of a hundred, from several tables at once. */
const LEVEL = 5;

/** As figures.js reads it. */
const TURNED_AWAY = 'turned away with 429 or 503';

/** @type {import('../lib/app.js').Scenario} */
module.exports = {
  id: 'S6',
  title: 'Bonus and wagering progress',
  unprotected: 'GET, add, SET (ioredis, express-jwt)',
  operation: 'wagers',
  violation: 'a wager that was confirmed and is missing from the sum',
  forms: ['unprotected', 'alone', 'lock', 'protected', 'counter'],
  names: {
    alone: 'latchgate, no turn',
    lock: 'a lock of 100 ms, 3 attempts',
    protected: 'latchgate, in turn',
    counter: 'latchgate, a counter',
  },
  async plan(load) {
    const { rate, seconds, random, tag, ask } = load;
    const count = crowdOf(USERS, load);
    const player = usersOf(`${tag}-player`, count, random, LEVEL);
    const tokens = await tokensOf(namesOf(`${tag}-player`, count), ask);
    const steps = arrivals(rate, seconds, random).map((at) => {
      const who = player();
      const body = { stake: 1 };
      return {
        at,
        call: () => ({ kind: 'wager', about: who, path: '/wager', token: tokens.get(who), body }),
      };
    });
    return { steps, judge: (log) => judge(log, tokens, ask) };
  },
};

/**
 * @param {import('../lib/drive.js').Entry[]} log
 * @param {Map<string, string>} tokens
 * @param {import('../lib/app.js').Load['ask']} ask
 * @returns {Promise<import('../lib/app.js').Judged>}
 */
async function judge(log, tokens, ask) {
  const byPlayer = groupedBy(log, ({ about }) => about);
  let violations = 0;
  let caught;
  for (const [who, entries] of byPlayer) {
    const confirmed = entries.filter(({ status }) => status === 200);
    // What was not answered may have counted.
    const unknown = entries.filter(unanswered).length;
    const { body } = await ask({ method: 'GET', path: '/progress', token: tokens.get(who) });
    const missing = confirmed.length - body.progress;
    violations += Math.max(0, missing) + Math.max(0, -missing - unknown);
    if (missing <= 0 || caught) continue;
    const last = new Map();
    const second = confirmed.find((entry) => {
      if (last.has(entry.body.progress)) return true;
      last.set(entry.body.progress, entry);
      return false;
    });
    if (second) caught = timeline(`${who}: two wagers, one sum`, [last.get(second.body.progress)], second);
  }
  const notes = { [TURNED_AWAY]: log.filter(({ status }) => status === 429 || status === 503).length };
  return { tried: log.length, violations, notes, caught };
}
