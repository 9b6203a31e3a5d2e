'use strict';
// Browsers refresh; some have two tabs open, which wake up at the same time with the same token. Whoever is thrown out logs in
// again. In the end somebody brings tokens that were used long ago.

const { setTimeout: pause } = require('node:timers/promises');
const { arrivals } = require('../lib/random.js');
const { decisionsOf, granted, timeline, unanswered } = require('../lib/judge.js');
const { crowdOf, each, namesOf } = require('../lib/people.js');

const USERS = 300;
/** So many refreshes come from two tabs, milliseconds apart. */
const [TABS, APART] = [0.05, 20];
/** Milliseconds in which the protected app takes two for the tabs of one browser. */
const GRACE = 3000;
const THIEVES = 10;

/** @typedef {import('../lib/drive.js').Entry} Entry */

/** @type {import('../lib/app.js').Scenario} */
module.exports = {
  id: 'S11',
  title: 'Two tabs refresh at once',
  unprotected: 'HGETALL, used already?, mark, issue (ioredis, jsonwebtoken)',
  operation: 'refreshes',
  violation:
    'a user thrown out, two live successors of one refresh token, or a token used long ago that ends nothing',
  async plan(load) {
    const { rate, seconds, random, tag, ask } = load;
    const count = crowdOf(USERS, load);
    const login = async (/** @type {string} */ user) =>
      /** @type {string} */ ((await ask({ path: '/login', body: { user } })).body.refreshToken);
    const refresh = (/** @type {string} */ refreshToken) => ask({ path: '/refresh', body: { refreshToken } });
    const stolen = await each(namesOf(`${tag}-robbed`, THIEVES), async (user) => {
      const used = await login(user);
      return { used, live: /** @type {string} */ ((await refresh(used)).body.refreshToken) };
    });
    const stolenAt = performance.now();

    const users = namesOf(`${tag}-user`, count);
    /** What each browser holds; nothing while it refreshes. @type {Map<string, string | undefined>} */
    const held = await each(users, login);
    /** @type {Set<string>} */
    const out = new Set();
    const call = (/** @type {string} */ who, /** @type {string} */ token) => ({
      kind: 'refresh',
      about: { who, token },
      path: '/refresh',
      body: { refreshToken: token },
    });
    const steps = arrivals(rate, seconds, random).flatMap((at) => {
      const who = users[Math.floor(random() * count)];
      /** @type {string | undefined} */
      let token;
      const first = () => {
        if (out.delete(who)) return { kind: 'login', about: { who }, path: '/login', body: { user: who } };
        token = held.get(who);
        held.set(who, undefined);
        return token === undefined ? undefined : call(who, token);
      };
      const second = () => (token === undefined ? undefined : call(who, token));
      const twice = random() < TABS ? [{ at: at + random() * APART, call: second }] : [];
      return [{ at, call: first }, ...twice];
    });
    return {
      steps,
      learn: ({ about, status, body }) => {
        if (status === 200 || status === 201) held.set(about.who, body.refreshToken);
        if (status === 401) out.add(about.who);
      },
      judge: async (log) => {
        const judged = judge(log);
        await pause(Math.max(0, GRACE + 200 - (performance.now() - stolenAt)));
        let ignored = 0;
        for (const { used, live } of stolen.values()) {
          await refresh(used);
          // The family has ended, for the thief and for the robbed.
          if ((await refresh(live)).status !== 401) ignored++;
        }
        return {
          ...judged,
          tried: judged.tried + THIEVES,
          violations: judged.violations + ignored,
          notes: { ...judged.notes, 'replays that ended nothing': ignored },
        };
      },
    };
  },
};

/** @param {Entry[]} log @returns {import('../lib/app.js').Judged} */
function judge(log) {
  const refreshes = log.filter((entry) => entry.kind === 'refresh' && !unanswered(entry));
  /** The answer that came first, by token. @type {Map<string, Entry>} */
  const successors = new Map();
  for (const entry of refreshes)
    if (granted(entry) && !successors.has(entry.about.token)) successors.set(entry.about.token, entry);
  let [thrown, forked] = [0, 0];
  let caught;
  for (const entry of refreshes) {
    const first = successors.get(entry.about.token);
    if (first === entry || (first && granted(entry) && leads(first, entry.body.refreshToken, successors)))
      continue;
    // It may have come to the server when the other was long ago.
    if (first && entry.done - first.sent > GRACE) continue;
    if (granted(entry)) forked++;
    else thrown++;
    const what = granted(entry) ? 'two live successors' : 'thrown out';
    caught ??= timeline(`${entry.about.who}: ${what}`, first ? [first] : [], entry);
  }
  const wrong = thrown + forked;
  return {
    tried: refreshes.length,
    violations: wrong,
    decisions: decisionsOf(log, ['refresh', 'login'], wrong),
    notes: { 'thrown out': thrown, 'with two successors': forked },
    caught,
  };
}

/**
 * Whether `token` is what was answered, or came of it later: a tab that is slow gets the end of the chain.
 * @param {Entry} first @param {string} token @param {Map<string, Entry>} successors
 */
function leads(first, token, successors) {
  /** @type {Entry | undefined} */
  let entry = first;
  for (let steps = 0; entry && steps <= successors.size; steps++) {
    if (entry.body.refreshToken === token) return true;
    entry = successors.get(entry.body.refreshToken);
  }
  return false;
}
