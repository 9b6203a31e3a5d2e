'use strict';
// Pages that ask for several things at once, and people who log in on another device meanwhile.

const { arrivals, usersOf } = require('../lib/random.js');
const { decisionsOf, timeline } = require('../lib/judge.js');

const USERS = 1000;

/** @typedef {{ token?: string, cookie?: string }} Credential */

/** @type {import('../lib/app.js').Scenario} */
module.exports = {
  id: 'S2',
  title: 'Last active',
  unprotected:
    'sessions of a user in one JSON value: GET, change, SET (ioredis), each instance by its own clock; and express-session with connect-redis',
  operation: 'requests of live sessions',
  violation: 'a live session that is lost, or a time of last activity that goes backwards',
  clocks: [-7, -4, -1, 2, 5, 7],
  forms: ['unprotected', 'session', 'protected'],
  names: { session: 'express-session, connect-redis' },
  plan({ rate, seconds, random, tag }) {
    const user = usersOf(`${tag}-user`, USERS, random);
    /** @type {Map<string, Credential[]>} */
    const held = new Map();
    const steps = arrivals(rate, seconds, random).map((at) => {
      const who = user();
      const [logs, which] = [random() < 0.1, random()];
      return {
        at,
        call: () => {
          const mine = held.get(who) ?? [];
          const credential = mine[Math.floor(which * mine.length)];
          if (logs || credential === undefined)
            return { kind: 'login', about: { who }, path: '/login', body: { user: who } };
          return { kind: 'me', about: { who, credential }, method: 'GET', path: '/me', ...credential };
        },
      };
    });
    return {
      steps,
      learn: ({ kind, about: { who, credential }, status, body, cookie }) => {
        const mine = held.get(who) ?? [];
        if (kind === 'login' && status === 201) held.set(who, [...mine, cookie ? { cookie } : body]);
        // Who is told that he is not logged in does not try the same again.
        if (kind === 'me' && status === 401)
          held.set(
            who,
            mine.filter((each) => each !== credential),
          );
      },
      judge,
    };
  },
};

/** Of the same user: the login of a session that was lost, and what was on its way at the same time. @param {import('../lib/drive.js').Entry[]} log @param {import('../lib/drive.js').Entry} lost */
function around(log, { about: { who, credential } }) {
  const theirs = log.filter(({ about }) => about.who === who);
  const login = theirs.find(({ kind, body, cookie }) =>
    kind === 'login' && credential.cookie ? cookie === credential.cookie : body?.token === credential.token,
  );
  if (login === undefined) return [];
  return theirs.filter(({ sent, done }) => sent < login.done && done > login.sent).slice(0, 5);
}

/**
 * @param {import('../lib/drive.js').Entry[]} log
 * @returns {import('../lib/app.js').Judged}
 */
function judge(log) {
  /** What each session was told, in the order of the answers. @type {Map<Credential, import('../lib/drive.js').Entry[]>} */
  const told = new Map();
  const asked = log.filter(({ kind }) => kind === 'me');
  let [lost, backwards, furthest] = [0, 0, 0];
  let caught;
  for (const entry of asked) {
    const { credential, who } = entry.about;
    const before = told.get(credential) ?? [];
    told.set(credential, [...before, entry]);
    const earlier = before.filter(({ done, status }) => done < entry.sent && status === 200);
    const last = earlier.reduce((most, { body }) => Math.max(most, body.lastActive), 0);
    if (entry.status === 401) {
      // That one is told rather: it is the worse.
      if (lost++ === 0) caught = timeline(`${who}: a live session is lost`, around(log, entry), entry);
    } else if (entry.status === 200 && entry.body.lastActive < last) {
      const by = last - entry.body.lastActive;
      furthest = Math.max(furthest, by);
      backwards++;
      caught ??= timeline(`${who}: ${by} ms backwards`, earlier.slice(-3), entry);
    }
  }
  return {
    tried: asked.length,
    violations: lost + backwards,
    // A time that goes backwards is wrong, and lets nobody in.
    decisions: decisionsOf(log, ['login', 'me'], lost),
    notes: { 'sessions lost': lost, 'times that went backwards': backwards },
    most: { 'milliseconds backwards': furthest },
    caught,
  };
}
