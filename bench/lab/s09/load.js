'use strict';
// Partners use their keys. Some keys are revoked meanwhile, and some rotated, where the old one still works for a while.

const { arrivals, usersOf } = require('../lib/random.js');
const { afterwards, granted, groupedBy, onceMore } = require('../lib/judge.js');
const { crowdOf, each, namesOf, offendersOf } = require('../lib/people.js');

const KEYS = 200;
/** Of those who rotate: what they have paid for, and how often they call. More than that, so that it is used up. */
const [PAID, CALLS, ROTATIONS] = [20, 40, 5];
const PLENTY = 1_000_000;
const KINDS = { forbids: 'revoke', allows: 'call' };

/** @typedef {{ key: string, id: string }} Key */

/** @type {import('../lib/app.js').Scenario} */
module.exports = {
  id: 'S9',
  title: 'API-key revocation and rotation',
  unprotected: 'valid keys cached for 2 s, each with calls of its own: DECR (ioredis)',
  operation: 'calls with revoked and with rotated keys',
  violation:
    'a call served that was begun after the revocation had been answered, or beyond what old and new key have together',
  async plan(load) {
    const { seconds, random, tag, ask, backOffice } = load;
    const count = crowdOf(KEYS, load);
    const partner = usersOf(`${tag}-partner`, count, random);
    const { offenders, rate } = offendersOf(`${tag}-leaked`, load);
    const rotating = namesOf(`${tag}-rotating`, Math.max(2, Math.round(ROTATIONS * seconds)));
    const ended = offenders.map(({ name }) => name);
    const names = [...namesOf(`${tag}-partner`, count), ...ended, ...rotating];
    const keys = await each(names, async (owner) => {
      const calls = rotating.includes(owner) ? PAID : PLENTY;
      const made = await ask({ path: '/keys', token: backOffice, body: { owner, calls } });
      return /** @type {Key} */ (made.body);
    });
    const odds = (/** @type {string} */ of) => ({ method: 'GET', path: '/odds', key: keys.get(of)?.key });
    const call = (/** @type {number} */ at, /** @type {string} */ of) => ({
      at,
      call: () => ({ kind: 'call', about: { of }, ...odds(of) }),
    });
    /** @param {number} at @param {string} of @param {string} kind */
    const end = (at, of, kind) => ({
      at,
      call: () => {
        const body = { id: keys.get(of)?.id };
        return { kind, about: { of }, path: `/${kind}`, token: backOffice, body };
      },
    });
    const others = arrivals(rate, seconds, random).map((at) => call(at, partner()));
    const leaked = offenders.flatMap(({ name, at, ends }) => [
      ...at.map((each) => call(each, name)),
      end(ends, name, 'revoke'),
    ]);
    /** @type {Map<string, string>} */
    const renewed = new Map();
    const turned = rotating.flatMap((of) => {
      const from = random() * seconds * 600;
      const calls = arrivals(CALLS / (seconds * 0.4), seconds * 0.4, random).map((each, index) => ({
        at: from + each,
        // One machine of theirs has the new key, the other has not.
        call: () => {
          const key = (index % 2 === 0 ? renewed.get(of) : undefined) ?? keys.get(of)?.key;
          return { kind: 'shared', about: { of }, method: 'GET', path: '/odds', key };
        },
      }));
      return [end(from + seconds * 100, of, 'rotate'), ...calls];
    });
    return {
      steps: [...others, ...leaked, ...turned],
      learn: (entry) => {
        if (entry.kind === 'rotate' && granted(entry)) renewed.set(entry.about.of, entry.body.key);
      },
      judge: async (log) => judge(await onceMore(log, KINDS, { names: ended, call: odds, ask })),
    };
  },
};

/**
 * @param {import('../lib/drive.js').Entry[]} log
 * @returns {import('../lib/app.js').Judged}
 */
function judge(log) {
  const revoked = afterwards(log, KINDS);
  const shared = log.filter(({ kind }) => kind === 'shared');
  let beyond = 0;
  for (const calls of groupedBy(shared, ({ about }) => about.of).values())
    beyond += Math.max(0, calls.filter(granted).length - PAID);
  return {
    ...revoked,
    tried: revoked.tried + shared.length,
    violations: revoked.violations + beyond,
    notes: {
      ...revoked.notes,
      'served after a revocation': revoked.violations,
      'spent twice after a rotation': beyond,
    },
  };
}
