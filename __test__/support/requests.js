// Requests of every kind that a policy knows, and what each costs a store in commands: one, wherever it stands.
'use strict';

const { unique } = require('./auths.js');
const { token } = require('./jwt.js');

const ROUNDS = 200;
const QUOTA = { limit: 100_000, window: '1h', name: 'one' };

/** @typedef {import('latchgate').Policy} Policy */
/** @typedef {import('latchgate').AuthOptions} Options */

/** @type {Array<{ what: string, options?: Options, policy?: Policy, status: number, commands?: number, texts: (auth: import('latchgate').Auth, user: string) => Promise<() => string> }>} */
const REQUESTS = [
  {
    what: 'a token without a session',
    status: 200,
    texts: async (_auth, user) => () => token({ sub: user }),
  },
  {
    what: 'a live session, with a quota',
    options: { sessions: { limit: 3, admission: 'first-use' } },
    policy: { quota: QUOTA, scope: 'read' },
    status: 200,
    texts: async (_auth, user) => () => token({ sub: user, sid: 's', scope: 'read' }),
  },
  {
    what: 'a session that is admitted by first use and evicts another',
    options: { sessions: { limit: 3, onLimit: 'evict-oldest', admission: 'first-use' } },
    policy: { quota: QUOTA },
    status: 200,
    texts: async (_auth, user) => () => token({ sub: user, sid: unique('s') }),
  },
  {
    what: 'a session beyond the limit',
    options: { sessions: { limit: 1, admission: 'first-use' } },
    status: 403,
    texts: async (auth, user) => {
      await auth.sessions.admit(user);
      return () => token({ sub: user, sid: unique('s') });
    },
  },
  {
    what: 'a revoked token',
    status: 401,
    texts: async (auth, user) => {
      const text = token({ sub: user, sid: 's' });
      await auth.tokens.revoke(text);
      return () => text;
    },
  },
  {
    what: 'a quota that is spent',
    policy: { quota: { limit: 1, window: '1h', name: 'spent' } },
    status: 429,
    texts: async (auth, user) => {
      const text = token({ sub: user, sid: 's' });
      await auth.authenticate({ token: text }, { quota: { limit: 1, window: '1h', name: 'spent' } });
      return () => text;
    },
  },
  {
    what: 'a bucket, with an idempotency key each, whose charges may be given back',
    policy: {
      quota: {
        ...QUOTA,
        algorithm: 'bucket',
        name: 'bucket',
        idempotencyKey: () => unique('i'),
        refundOn: () => false,
      },
    },
    status: 200,
    texts: async (_auth, user) => () => token({ sub: user, sid: 's' }),
  },
  {
    what: 'an idempotency key that comes again and again',
    policy: { quota: { ...QUOTA, name: 'once', idempotencyKey: () => 'i' } },
    status: 200,
    texts: async (_auth, user) => () => token({ sub: user, sid: 's' }),
  },
  {
    what: 'a quota of something else than the user (two, the second only where the first allows)',
    policy: { quota: { ...QUOTA, name: 'by address', by: () => 'address' } },
    status: 200,
    commands: 2,
    texts: async (_auth, user) => () => token({ sub: user, sid: 's' }),
  },
];

module.exports = { QUOTA, REQUESTS, ROUNDS };
