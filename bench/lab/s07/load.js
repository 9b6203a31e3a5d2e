'use strict';
// Players register for tournaments; an impatient finger, or a client that tries again, sends a request twice or three times.

const { arrivals, usersOf } = require('../lib/random.js');
const { timeline } = require('../lib/judge.js');
const { crowdOf, namesOf, tokensOf } = require('../lib/people.js');

const PLAYERS = 500;
const TOURNAMENTS = 40;

/** @type {import('../lib/app.js').Scenario} */
module.exports = {
  id: 'S7',
  title: 'Register once',
  unprotected: 'SISMEMBER, then SADD and INCR (ioredis, express-jwt)',
  operation: 'registrations',
  violation: 'a second seat of one player in one tournament',
  async plan(load) {
    const { rate, seconds, random, tag, ask } = load;
    const count = crowdOf(PLAYERS, load);
    const player = usersOf(`${tag}-player`, count, random);
    const tokens = await tokensOf(namesOf(`${tag}-player`, count), ask);
    const steps = arrivals(rate, seconds, random).flatMap((at) => {
      const who = player();
      const tournament = `${tag}-cup-${Math.floor(random() * TOURNAMENTS)}`;
      const times = random() < 0.15 ? 2 + Math.floor(random() * 2) : 1;
      return Array.from({ length: times }, () => ({
        at: at + (times === 1 ? 0 : 30 * random()),
        call: () => ({
          kind: 'register',
          about: `${who} in ${tournament}`,
          path: '/register',
          token: tokens.get(who),
          body: { tournament },
        }),
      }));
    });
    return { steps, judge };
  },
};

/**
 * @param {import('../lib/drive.js').Entry[]} log
 * @returns {import('../lib/app.js').Judged}
 */
function judge(log) {
  /** @type {Map<string, import('../lib/drive.js').Entry[]>} */
  const seats = new Map();
  let violations = 0;
  let caught;
  for (const entry of log) {
    if (entry.status !== 201) continue;
    const mine = [...(seats.get(entry.about) ?? []), entry];
    seats.set(entry.about, mine);
    if (mine.length === 1) continue;
    violations++;
    caught ??= timeline(`${entry.about}: ${mine.length} seats`, mine, entry);
  }
  return { tried: log.length, violations, caught };
}
