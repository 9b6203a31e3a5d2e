'use strict';
// People change their accounts, and some try the accounts of others.

const { arrivals, usersOf } = require('../lib/random.js');
const { timeline } = require('../lib/judge.js');
const { crowdOf, namesOf, tokensOf } = require('../lib/people.js');

const USERS = 200;
/** The busiest changes some three times of a hundred. */
const LEVEL = 10;

/** @type {import('../lib/app.js').Scenario} */
module.exports = {
  id: 'S10',
  title: 'Scope and resource',
  unprotected: 'UPDATE … WHERE id = $1 behind express-jwt (pg)',
  operation: "attempts on other people's accounts",
  violation: "another's account changed",
  needs: 'database',
  async plan(load) {
    const { rate, seconds, random, tag, ask } = load;
    const count = crowdOf(USERS, load);
    const user = usersOf(`${tag}-user`, count, random, LEVEL);
    const tokens = await tokensOf(namesOf(`${tag}-user`, count), ask);
    const steps = arrivals(rate, seconds, random).map((at) => {
      const who = user();
      const whose = random() < 0.05 ? user() : who;
      const kind = whose === who ? 'own' : 'other';
      const path = `/accounts/account-of-${whose}`;
      const call = {
        kind,
        about: `${who} on ${whose}`,
        method: 'PUT',
        path,
        token: tokens.get(who),
        body: { note: 'x' },
      };
      return { at, call: () => call };
    });
    return { steps, judge };
  },
};

/**
 * @param {import('../lib/drive.js').Entry[]} log
 * @returns {import('../lib/app.js').Judged}
 */
function judge(log) {
  const attempts = log.filter(({ kind }) => kind === 'other');
  const through = attempts.filter(({ status }) => status === 200);
  const caught = through[0] && timeline(through[0].about, [], through[0]);
  return { tried: attempts.length, violations: through.length, caught };
}
