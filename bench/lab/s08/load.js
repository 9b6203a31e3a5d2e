'use strict';
// Partners, each with a key and so many calls; the big ones use theirs up, and buy more. Some call with a key that nobody has.

const { arrivals, usersOf } = require('../lib/random.js');
const { decisionsOf, granted, groupedBy, timeline, unanswered } = require('../lib/judge.js');
const { each, namesOf } = require('../lib/people.js');

const KEYS = 50;
const CALLS = 20;
/** So many are bought at a time, and so often a second. */
const [BOUGHT, PURCHASES] = [5, 30];
const UNKNOWN = 20;

/** @typedef {{ key: string, id: string }} Key */

/** @type {import('../lib/app.js').Scenario} */
module.exports = {
  id: 'S8',
  title: 'API-key quota',
  unprotected:
    'GET, compare, DECR (ioredis); the same from memory; in a queue of promises; and DECR, with INCR to roll back',
  operation: 'calls',
  violation: 'a call served beyond what was paid for, a unit lost, or a key made by one that nobody has',
  forms: ['unprotected', 'memory', 'queue', 'rollback', 'protected'],
  names: {
    memory: 'what memory says is left, DECR',
    queue: 'a queue of promises, GET, DECR',
    rollback: 'DECR, INCR to roll back',
  },
  async plan({ rate, seconds, random, tag, ask, backOffice, keys: count }) {
    const prefix = `${tag}-partner`;
    const partner = usersOf(prefix, KEYS, random);
    /** @type {Map<string, Key>} */
    const keys = await each(
      namesOf(prefix, KEYS),
      async (owner) => (await ask({ path: '/keys', token: backOffice, body: { owner, calls: CALLS } })).body,
    );
    const calls = arrivals(rate, seconds, random).map((at) => {
      const who = partner();
      const call = { kind: 'call', about: who, method: 'GET', path: '/odds', key: keys.get(who)?.key };
      return { at, call: () => call };
    });
    const purchases = arrivals(PURCHASES, seconds, random).map((at) => {
      const who = partner();
      const body = { id: keys.get(who)?.id, calls: BOUGHT };
      return {
        at,
        call: () => ({ kind: 'purchase', about: who, path: '/purchases', token: backOffice, body }),
      };
    });
    return { steps: [...calls, ...purchases], judge: (log) => judge(log, { keys, ask, backOffice, count }) };
  },
};

/**
 * What was served and what is left come to what was paid for, to the unit.
 * @param {import('../lib/drive.js').Entry[]} log
 * @param {{ keys: Map<string, Key>, ask: import('../lib/app.js').Load['ask'], backOffice: string, count: () => Promise<number> }} world
 * @returns {Promise<import('../lib/app.js').Judged>}
 */
async function judge(log, { keys, ask, backOffice, count }) {
  const byKind = groupedBy(log, ({ kind }) => kind);
  const calls = groupedBy(byKind.get('call') ?? [], ({ about }) => about);
  const purchases = groupedBy(byKind.get('purchase') ?? [], ({ about }) => about);
  let [beyond, off] = [0, 0];
  let caught;
  for (const [who, { id }] of keys) {
    const [mine, bought] = [calls.get(who) ?? [], purchases.get(who) ?? []];
    const served = mine.filter(granted);
    const below = served.filter(({ body }) => body.left < 0);
    beyond += below.length;
    if (below[0]) {
      const before = served.filter(({ done }) => done < below[0].done).slice(-4);
      caught ??= timeline(`${who}: ${-below[0].body.left} beyond what is left`, before, below[0]);
    }
    const { left } = (await ask({ method: 'GET', path: `/keys/${id}`, token: backOffice })).body;
    const paid = CALLS + BOUGHT * bought.filter(granted).length;
    const difference = served.length + left - paid;
    // What was not answered may have counted.
    const [more, less] = [BOUGHT * bought.filter(unanswered).length, mine.filter(unanswered).length];
    off += Math.max(0, difference - more) + Math.max(0, -difference - less);
  }
  const before = await count();
  for (let n = 0; n < UNKNOWN; n++) await ask({ method: 'GET', path: '/odds', key: `lg_unknown-${n}` });
  const made = Math.max(0, (await count()) - before);
  const all = byKind.get('call') ?? [];
  return {
    tried: all.length + UNKNOWN,
    violations: beyond + off + made,
    decisions: decisionsOf(log, ['call'], beyond),
    notes: { 'served beyond': beyond, 'units off in the end': off, 'made by unknown keys': made },
    caught,
  };
}
