'use strict';
// Partners, each with a key and so many calls; the big ones use theirs up.

const { arrivals, usersOf } = require('../lib/random.js');
const { timeline } = require('../lib/judge.js');

const KEYS = 50;
const CALLS = 20;

/** @type {import('../lib/app.js').Scenario} */
module.exports = {
  id: 'S8',
  title: 'API-key quota',
  unprotected: 'GET, compare, DECR (ioredis)',
  operation: 'calls',
  violation: `a call served beyond the ${CALLS} that were paid for`,
  async plan({ rate, seconds, random, ask }) {
    const partner = usersOf('partner', KEYS, random);
    /** @type {Map<string, string>} */
    const keys = new Map();
    for (let n = 1; n <= KEYS; n++) {
      const owner = `partner-${n}`;
      keys.set(owner, (await ask({ path: '/keys', body: { owner, calls: CALLS } })).body.key);
    }
    const steps = arrivals(rate, seconds, random).map((at) => {
      const who = partner();
      return {
        at,
        call: () => ({ kind: 'call', about: who, method: 'GET', path: '/odds', key: keys.get(who) }),
      };
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
  const served = new Map();
  let violations = 0;
  let caught;
  for (const entry of log) {
    if (entry.status !== 200) continue;
    const mine = [...(served.get(entry.about) ?? []), entry];
    served.set(entry.about, mine);
    if (mine.length <= CALLS) continue;
    violations++;
    caught ??= timeline(`${entry.about}: call ${mine.length} of ${CALLS}`, mine.slice(-5), entry);
  }
  return { tried: log.length, violations, caught };
}
