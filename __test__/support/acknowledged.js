// What store.acks waits for: how it is asked, and whether it stands afterwards. And work that asks all of it again and again, and
// knows what was answered with yes.
'use strict';

const { unique } = require('./auths.js');
const { isStoreFault, status } = require('./faulty.js');
const { token } = require('./jwt.js');
const { login, refresh, why } = require('./logins.js');

/** @typedef {import('latchgate').Auth} Auth */
/**
 * beside: an Auth that waits for no replicas, for what goes before. The answer is false where there was nothing to do.
 * What stands is told from what was lost together with all that went before.
 * @typedef {{ what: string, ask: (auth: Auth, user: string, beside: Auth) => Promise<unknown>, stands: (auth: Auth, user: string) => Promise<boolean> }} Act
 */

/** Of every Auth here: a spent token ends its session at once. */
const OPTIONS = {
  sessions: { admission: /** @type {const} */ ('first-use') },
  refresh: { graceWindow: 0 },
  apiKeys: {},
};

const now = () => Math.floor(Date.now() / 1000);
const expiresAt = () => Date.now() + 3_600_000;

/** What went before, by user: who asks again asks the same. @type {Map<string, Promise<string[]>>} */
const before = new Map();

/** @param {string} what @param {string} user @param {() => Promise<string[]>} make */
function prepared(what, user, make) {
  const name = `${what} ${user}`;
  const texts = before.get(name) ?? make();
  before.set(name, texts);
  return texts;
}

/** @param {string} what @param {string} user */
const priorTo = (what, user) => /** @type {Promise<string[]>} */ (before.get(`${what} ${user}`));

/** @param {string} what @param {string} user @param {Auth} beside @returns {Promise<string[]>} a refresh token */
const loggedIn = (what, user, beside) =>
  prepared(what, user, async () => [(await login(beside, user)).refreshToken]);

/** @param {string} what @param {string} user @param {Auth} beside @returns {Promise<string[]>} the spent refresh token, and the live one */
const refreshed = (what, user, beside) =>
  prepared(what, user, async () => {
    const { refreshToken } = await login(beside, user);
    return [refreshToken, (await refresh(beside, refreshToken)).refreshToken];
  });

/** @param {string} what @param {string} user @param {Auth} beside @returns {Promise<string[]>} an API key, and its id */
const keyed = (what, user, beside) =>
  prepared(what, user, async () => {
    const { key, keyId } = await beside.apiKeys.create({ ownerId: user });
    return [key, keyId];
  });

/** A session that was lost would be admitted again by first use. @param {Auth} auth @param {string} sub */
const hasEnded = async (auth, sub) => (await status(auth, token({ sub, sid: 's' }))) === 401;

/** @type {Act[]} */
const WAITING = [
  {
    what: 'tokens.revoke()',
    ask: (auth, user) => auth.tokens.revoke(token({ sub: user, sid: 's', jti: 'j' })),
    stands: (auth, userId) => auth.tokens.isRevoked({ jti: 'j', userId }),
  },
  {
    what: 'tokens.revokeId()',
    ask: (auth, userId) => auth.tokens.revokeId({ jti: 'i', userId, expiresAt: expiresAt() }),
    stands: (auth, userId) => auth.tokens.isRevoked({ jti: 'i', userId }),
  },
  {
    what: 'tokens.revokeUser()',
    ask: (auth, user) => auth.tokens.revokeUser(user),
    stands: (auth, sub) => auth.tokens.isRevoked(token({ sub, sid: 's', iat: now() - 3600 })),
  },
  {
    what: 'tokens.blockUser()',
    ask: (auth, user) => auth.tokens.blockUser(user),
    stands: async (auth, sub) => (await status(auth, token({ sub, sid: 's' }))) === 403,
  },
  {
    what: 'sessions.admit()',
    ask: (auth, user) => auth.sessions.admit(user, { sessionId: 'admitted' }),
    stands: async (auth, user) => (await auth.sessions.list(user)).length === 1,
  },
  {
    what: 'sessions.end()',
    ask: async (auth, user, beside) => {
      await status(beside, token({ sub: user, sid: 's' }));
      return auth.sessions.end(user, 's');
    },
    stands: hasEnded,
  },
  {
    what: 'sessions.endAll()',
    ask: async (auth, user, beside) => {
      await status(beside, token({ sub: user, sid: 's' }));
      return (await auth.sessions.endAll(user)) > 0;
    },
    stands: hasEnded,
  },
  {
    what: 'tokens.login()',
    ask: (auth, user) => auth.tokens.login(user, { requestId: 'r' }),
    stands: async (auth, user) => (await auth.sessions.list(user)).length === 1,
  },
  {
    what: 'tokens.logout()',
    ask: async (auth, user, beside) => auth.tokens.logout((await loggedIn('logout', user, beside))[0]),
    stands: async (auth, user) => (await why(auth, (await priorTo('logout', user))[0])) === 'revoked',
  },
  {
    what: 'tokens.refresh()',
    ask: async (auth, user, beside) =>
      (await auth.tokens.refresh((await loggedIn('refresh', user, beside))[0])).ok,
    // The token is spent: and who brings it once more ends the session.
    stands: async (auth, user) =>
      /^(reused|revoked)$/.test(await why(auth, (await priorTo('refresh', user))[0])),
  },
  {
    what: 'tokens.refresh() with a spent token',
    ask: async (auth, user, beside) =>
      (await why(auth, (await refreshed('spent', user, beside))[0])) === 'reused',
    stands: async (auth, user) => (await why(auth, (await priorTo('spent', user))[1])) === 'revoked',
  },
  {
    what: 'apiKeys.revoke()',
    ask: async (auth, user, beside) => auth.apiKeys.revoke((await keyed('key', user, beside))[1]),
    stands: async (auth, user) => {
      const told = await auth.apiKeys.check((await priorTo('key', user))[0]);
      return !told.valid && told.code === 'revoked';
    },
  },
];

/** A turn that is not told in time is given up: so it does not stand then. @type {Act} */
const TURN = {
  what: 'locks.acquire()',
  ask: (auth, user) => auth.locks.acquire(user, { ttl: '1h', maxHold: '1h', wait: 0 }),
  stands: (auth, user) =>
    auth.locks.acquire(user, { wait: 0 }).then(
      () => false,
      (error) => {
        if (error.code !== 'ERR_LATCHGATE_BUSY') throw error;
        return true;
      },
    ),
};

/** All of it, on one new user after the other. */
class Asking {
  #isOver = false;
  /** @type {Promise<void[]>} */
  #lanes;
  /** Answered with yes. @type {Array<{ act: Act, user: string }>} */
  #done = [];
  faults = 0;

  /** @param {Auth} auth @param {Auth} beside @param {() => string} user */
  constructor(auth, beside, user) {
    this.#lanes = Promise.all([...WAITING, TURN].map((act) => this.#lane(act, auth, beside, user)));
    this.#lanes.catch(() => {});
  }

  /** @param {Act} act @param {Auth} auth @param {Auth} beside @param {() => string} next */
  async #lane(act, auth, beside, next) {
    while (!this.#isOver) {
      const user = next();
      try {
        if ((await act.ask(auth, user, beside)) !== false) this.#done.push({ act, user });
      } catch (error) {
        if (!isStoreFault(error)) throw error;
        this.faults++;
      }
      await new Promise((resolve) => void setImmediate(resolve));
    }
  }

  async stop() {
    this.#isOver = true;
    await this.#lanes;
  }

  /** Ends it. @param {Auth} judge @returns {Promise<{ done: Record<string, number>, lost: Record<string, number> }>} how often each was answered with yes, and of these what does not stand */
  async account(judge) {
    await this.stop();
    /** @type {Record<string, number>} */
    const done = Object.fromEntries([...WAITING, TURN].map(({ what }) => [what, 0]));
    /** @type {Record<string, number>} */
    const lost = {};
    for (const { act, user } of this.#done) {
      done[act.what]++;
      if (!(await act.stands(judge, user))) lost[act.what] = (lost[act.what] ?? 0) + 1;
    }
    return { done, lost };
  }
}

/**
 * Goes on until it is stopped, or the test ends.
 * @param {import('./started.js').Test} t
 * @param {Auth} auth
 * @param {Auth} beside
 * @param {() => string} [user] the next one
 */
function asking(t, auth, beside, user = () => unique()) {
  const going = new Asking(auth, beside, user);
  t.after(() => going.stop().catch(() => {}));
  return going;
}

module.exports = { OPTIONS, WAITING, asking };
