'use strict';
// Pages that ask for several things at once, and people who log in on another device meanwhile.

const { arrivals, usersOf } = require('../lib/random.js');
const { timeline } = require('../lib/judge.js');

const USERS = 1000;

/** @type {import('../lib/app.js').Scenario} */
module.exports = {
  id: 'S2',
  title: 'Last active',
  unprotected:
    'sessions of a user in one JSON value: GET, change, SET (ioredis), each instance by its own clock',
  operation: 'requests of live sessions',
  violation: 'a live session that is lost, or a time of last activity that goes backwards',
  clocks: [-7, -4, -1, 2, 5, 7],
  plan({ rate, seconds, random }) {
    const user = usersOf('user', USERS, random);
    /** @type {Map<string, string[]>} */
    const tokens = new Map();
    const steps = arrivals(rate, seconds, random).map((at) => {
      const who = user();
      const [logs, which] = [random() < 0.1, random()];
      return {
        at,
        call: () => {
          const mine = tokens.get(who);
          if (logs || mine === undefined)
            return { kind: 'login', about: { who }, path: '/login', body: { user: who } };
          const token = mine[Math.floor(which * mine.length)];
          return { kind: 'me', about: { who, token }, method: 'GET', path: '/me', token };
        },
      };
    });
    return {
      steps,
      learn: ({ kind, about, status, body }) => {
        if (kind === 'login' && status === 201)
          tokens.set(about.who, [...(tokens.get(about.who) ?? []), body.token]);
      },
      judge,
    };
  },
};

/**
 * @param {import('../lib/drive.js').Entry[]} log
 * @returns {import('../lib/app.js').Judged}
 */
function judge(log) {
  /** What each session was told, in the order of the answers. @type {Map<string, import('../lib/drive.js').Entry[]>} */
  const told = new Map();
  const asked = log.filter(({ kind }) => kind === 'me');
  let violations = 0;
  let caught;
  for (const entry of asked) {
    const { token, who } = entry.about;
    const before = told.get(token) ?? [];
    told.set(token, [...before, entry]);
    const earlier = before.filter(({ done, status }) => done < entry.sent && status === 200);
    const last = earlier.reduce((most, { body }) => Math.max(most, body.lastActive), 0);
    const lost = entry.status === 401;
    const back = entry.status === 200 && entry.body.lastActive < last;
    if (!lost && !back) continue;
    violations++;
    const what = lost
      ? `${who}: a live session is lost`
      : `${who}: ${last - entry.body.lastActive} ms backwards`;
    caught ??= timeline(what, earlier.slice(-3), entry);
  }
  return { tried: asked.length, violations, caught };
}
