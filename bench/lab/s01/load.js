'use strict';
// People log in, look about and log out; some press the button twice, or open the app on two devices at once.

const { arrivals, usersOf } = require('../lib/random.js');
const { decisionsOf, timeline } = require('../lib/judge.js');

const LIMIT = 3;
const USERS = 2000;
/** So many logins are sent twice. */
const TWICE = 0.1;

/** @type {import('../lib/app.js').Scenario} */
module.exports = {
  id: 'S1',
  title: 'Session limit',
  unprotected: 'LRANGE, count, LPUSH, EXPIRE (ioredis, express-jwt)',
  operation: 'logins',
  violation: `a login let in although ${LIMIT} sessions of the user were certainly live`,
  plan({ rate, seconds, random, tag }) {
    const user = usersOf(`${tag}-user`, USERS, random);
    /** Tokens that work, by user. @type {Map<string, Array<{ token: string }>>} */
    const live = new Map();
    const steps = arrivals(rate, seconds, random).flatMap((at) => {
      const who = user();
      const dice = random();
      const login = { call: () => ({ kind: 'login', about: who, path: '/login', body: { user: who } }) };
      if (dice < 0.4) {
        const twice = random() < TWICE ? [{ at: at + 15 * random(), ...login }] : [];
        return [{ at, ...login }, ...twice];
      }
      const act = dice < 0.6 ? 'logout' : 'me';
      return [
        {
          at,
          call: () => {
            const mine = live.get(who) ?? [];
            const session = act === 'logout' ? mine.shift() : mine[0];
            if (session === undefined) return undefined;
            const method = act === 'logout' ? 'POST' : 'GET';
            return { kind: act, about: who, method, path: `/${act}`, token: session.token };
          },
        },
      ];
    });
    return {
      steps,
      learn: ({ kind, about, status, body }) => {
        if (kind === 'login' && status === 201) live.set(about, [...(live.get(about) ?? []), body]);
      },
      judge,
    };
  },
};

/**
 * A session is certainly live from the answer to its login until its logout is sent. Nobody knows which logout ends which,
 * and nobody needs to.
 * @param {import('../lib/drive.js').Entry[]} log
 * @returns {import('../lib/app.js').Judged}
 */
function judge(log) {
  /** @type {Map<string, Array<{ at: number, by: number, entry: import('../lib/drive.js').Entry }>>} */
  const changes = new Map();
  const logins = log.filter(({ kind }) => kind === 'login');
  for (const entry of log) {
    const change =
      entry.kind === 'login' && entry.status === 201
        ? { at: entry.done, by: 1, entry }
        : entry.kind === 'logout'
          ? { at: entry.sent, by: -1, entry }
          : undefined;
    if (change) changes.set(entry.about, [...(changes.get(entry.about) ?? []), change]);
  }
  let violations = 0;
  let caught;
  for (const [who, all] of changes) {
    let live = 0;
    all.sort((a, b) => a.at - b.at || a.by - b.by);
    for (const [index, { by, entry }] of all.entries()) {
      live += by;
      if (by < 0 || live <= LIMIT) continue;
      violations++;
      const before = all.slice(Math.max(0, index - 5), index + 1).map((each) => each.entry);
      caught ??= timeline(`${who}: ${live} live sessions of ${LIMIT}`, before, entry);
    }
  }
  const decisions = decisionsOf(log, ['login', 'me', 'logout'], violations);
  return { tried: logins.length, violations, decisions, caught };
}
