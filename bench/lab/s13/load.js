'use strict';
// Everybody spends, and one account more than all others.

const { arrivals } = require('../lib/random.js');
const { timeline, unanswered } = require('../lib/judge.js');
const { namesOf, tokensOf } = require('../lib/people.js');

const USERS = 50;
/** So much of all for one: a shared wallet, a house account. */
const HOT = 0.5;

/** @type {import('../lib/app.js').Scenario} */
module.exports = {
  id: 'S13',
  title: 'Optimistic transactions',
  unprotected: 'WATCH, GET, MULTI, at most 10 attempts (ioredis, a connection each)',
  operation: 'charges',
  violation: 'a charge that was given up because others were quicker, or one that was lost',
  sweep: { rate: 500, values: [0, 0.25, 0.5, 0.75, 1] },
  async plan({ rate, seconds, random, tag, ask, hot = HOT }) {
    const tokens = [...(await tokensOf(namesOf(`${tag}-user`, USERS), ask)).values()];
    const steps = arrivals(rate, seconds, random).map((at) => {
      const n = random() < hot ? 0 : Math.floor(random() * USERS);
      return { at, call: () => ({ kind: 'spend', about: n, path: '/spend', token: tokens[n], body: {} }) };
    });
    return { steps, judge };
  },
};

/** Who was served while it tried. @param {import('../lib/drive.js').Entry[]} log @param {import('../lib/drive.js').Entry} loser */
function rivals(log, { about, sent, done }) {
  const quicker = log.filter((each) => each.about === about && each.status === 200);
  return quicker.filter((each) => each.done > sent && each.done < done).slice(-5);
}

/**
 * What is left goes down by one for each who is served: the same number twice is a charge lost.
 * @param {import('../lib/drive.js').Entry[]} log
 * @returns {import('../lib/app.js').Judged}
 */
function judge(log) {
  /** @type {Map<string, import('../lib/drive.js').Entry>} */
  const seen = new Map();
  let violations = 0;
  let caught;
  const answered = log.filter((entry) => !unanswered(entry) || entry.body?.error === 'busy');
  for (const entry of answered) {
    const name = `${entry.about} ${entry.body?.left}`;
    const other = seen.get(name);
    if (entry.status === 200 && other === undefined) {
      seen.set(name, entry);
      continue;
    }
    violations++;
    const what = entry.status === 200 ? 'the same unit twice' : `given up (${entry.status})`;
    caught ??= timeline(`user-${entry.about}: ${what}`, other ? [other] : rivals(answered, entry), entry);
  }
  return { tried: answered.length, violations, caught };
}
