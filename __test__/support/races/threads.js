// Races across worker threads that share one store.
'use strict';

const assert = require('node:assert/strict');
const path = require('node:path');
const { Worker } = require('node:worker_threads');
const { unique } = require('../auths.js');
const { token } = require('../jwt.js');
const { alone, open } = require('./crowd.js');

const THREADS = 4;
const LIMIT = 3;
/** Stores that wait for a crowd are slow, and decide the race in the first round. */
const ROUNDS = { memory: 40, server: 10, gated: 2 };

/** @param {string} store */
function roundsOn(store) {
  if (store.includes('?gate=')) return ROUNDS.gated;
  return store.startsWith('redis') ? ROUNDS.server : ROUNDS.memory;
}

/**
 * @param {string} store
 * @param {string} task
 * @param {number} racers in a round, all threads together
 * @param {{ options?: import('latchgate').AuthOptions, prepare?: (auth: import('latchgate').Auth, user: string) => Promise<unknown> }} [settings] a
 *   text that `prepare` resolves is the user's token
 * @returns {Promise<{ results: any[][], live: number[] }>} by round: what the threads told, and the live sessions afterwards
 */
async function race(store, task, racers, { options = {}, prepare } = {}) {
  const auth = open(store, options);
  const rounds = roundsOn(store);
  const users = Array.from({ length: rounds }, () => unique());
  const tokens = users.map((sub) => token({ sub }));
  for (const [round, user] of prepare === undefined ? [] : users.entries()) {
    const prepared = await alone(auth, store, async () => prepare?.(auth, user));
    if (typeof prepared === 'string') tokens[round] = prepared;
  }
  const shared = new SharedArrayBuffer(4 * (1 + 3 * rounds));
  const each = racers / THREADS;
  const reports = await Promise.all(
    Array.from({ length: THREADS }, (_, thread) =>
      told(
        new Worker(path.join(__dirname, 'racer.js'), {
          workerData: { store, task, options, users, tokens, threads: THREADS, each, thread, shared },
        }),
      ),
    ),
  );
  const live = [];
  for (const user of users) live.push((await alone(auth, store, () => auth.sessions.list(user))).length);
  return { results: users.map((_, round) => reports.flatMap((results) => results[round])), live };
}

/** @param {Worker} worker @returns {Promise<any[]>} */
function told(worker) {
  return new Promise((resolve, reject) => {
    worker.on('message', resolve);
    worker.on('error', reject);
    worker.on('exit', (status) => reject(new Error(`the racer ended with ${status} before it had finished`)));
  });
}

const admitted = (/** @type {any[]} */ results) => results.filter((result) => result.admitted).length;

/**
 * One answer a round.
 * @template T
 * @param {{ results: any[][], live: number[] }} seen
 * @param {(results: any[], live: number) => T} tell
 */
const byRound = ({ results, live }, tell) => results.map((result, round) => tell(result, live[round]));

/** @param {unknown[]} rounds @param {unknown} expected */
const everyRound = (rounds, expected) =>
  assert.deepEqual(
    rounds,
    rounds.map(() => expected),
  );

const crowd = (/** @type {number} */ racers) => racers;

const RACES = [
  {
    rule: 'threads that admit at once take exactly as many slots as the limit allows',
    racers: 48,
    arrivals: crowd,
    run: async (/** @type {string} */ store, /** @type {number} */ racers) => {
      const seen = await race(store, 'admit', racers, { options: { sessions: { limit: LIMIT } } });
      return byRound(seen, (results, live) => ({ admitted: admitted(results), live }));
    },
    check: (/** @type {any} */ seen) => everyRound(seen, { admitted: LIMIT, live: LIMIT }),
  },
  {
    rule: 'threads that use new sessions at once get exactly as many in as the limit allows',
    racers: 48,
    arrivals: crowd,
    run: async (/** @type {string} */ store, /** @type {number} */ racers) => {
      const sessions = { limit: LIMIT, admission: /** @type {const} */ ('first-use') };
      const seen = await race(store, 'firstUse', racers, { options: { sessions } });
      return byRound(seen, (results, live) => ({ passed: results.filter(Boolean).length, live }));
    },
    check: (/** @type {any} */ seen) => everyRound(seen, { passed: LIMIT, live: LIMIT }),
  },
  {
    rule: 'threads that evict at once keep exactly the limit, and evict each session once',
    racers: 48,
    arrivals: crowd,
    run: async (/** @type {string} */ store, /** @type {number} */ racers) => {
      const sessions = { limit: LIMIT, onLimit: /** @type {const} */ ('evict-oldest') };
      const seen = await race(store, 'admit', racers, { options: { sessions } });
      return byRound(seen, (results, live) => {
        const evicted = results.flatMap((result) =>
          result.evicted.map((/** @type {any} */ gone) => gone.sessionId),
        );
        const most = Math.max(...results.map(({ active }) => active));
        return { live, most, evicted: evicted.length, different: new Set(evicted).size };
      });
    },
    check: (/** @type {any} */ seen, /** @type {number} */ racers) =>
      everyRound(seen, { live: LIMIT, most: LIMIT, evicted: racers - LIMIT, different: racers - LIMIT }),
  },
  {
    rule: 'threads that admit one session id at once share one slot',
    racers: 48,
    arrivals: crowd,
    run: async (/** @type {string} */ store, /** @type {number} */ racers) => {
      const seen = await race(store, 'sameSession', racers, { options: { sessions: { limit: 1 } } });
      return byRound(seen, (results, live) => ({
        admitted: admitted(results),
        fresh: results.filter(({ existing }) => existing === false).length,
        live,
      }));
    },
    check: (/** @type {any} */ seen, /** @type {number} */ racers) =>
      everyRound(seen, { admitted: racers, fresh: 1, live: 1 }),
  },
  {
    rule: 'of threads that end one session at once one has ended it',
    racers: 16,
    arrivals: crowd,
    run: async (/** @type {string} */ store, /** @type {number} */ racers) => {
      const seen = await race(store, 'end', racers, {
        prepare: (auth, user) => auth.sessions.admit(user, { sessionId: 's' }),
      });
      return byRound(seen, (results) => results.filter(Boolean).length);
    },
    check: (/** @type {any} */ seen) => everyRound(seen, 1),
  },
  {
    rule: 'a session that one thread ends while others touch it does not come back',
    racers: 48,
    arrivals: crowd,
    run: async (/** @type {string} */ store, /** @type {number} */ racers) => {
      const seen = await race(store, 'endOrTouch', racers, {
        prepare: (auth, user) => auth.sessions.admit(user, { sessionId: 's' }),
      });
      return byRound(seen, (results, live) => ({
        ended: results.filter((result) => result === true).length,
        live,
      }));
    },
    check: (/** @type {any} */ seen) => everyRound(seen, { ended: 1, live: 0 }),
  },
  {
    rule: 'a logout in one thread among logins in others ends what came before it and nothing else',
    racers: 48,
    arrivals: crowd,
    run: async (/** @type {string} */ store, /** @type {number} */ racers) => {
      const seen = await race(store, 'logoutOrLogin', racers);
      return byRound(seen, (results, live) => {
        const ended = results.filter((result) => typeof result === 'number');
        return {
          admitted: results.filter((result) => result === 'admitted').length,
          accounted: ended[0] + live,
        };
      });
    },
    check: (/** @type {any} */ seen, /** @type {number} */ racers) =>
      everyRound(seen, { admitted: racers - 1, accounted: racers - 1 }),
  },
  {
    rule: 'of threads that change a counter at once, each under a key of its own, each does it once, up to the bound',
    racers: 48,
    arrivals: crowd,
    run: async (/** @type {string} */ store, /** @type {number} */ racers) => {
      const seen = await race(store, 'add', racers);
      return byRound(
        seen,
        (results) => results.filter(({ applied, replayed }) => applied && !replayed).length,
      );
    },
    check: (/** @type {any} */ seen) => everyRound(seen, 3),
  },
  {
    rule: 'of threads that ask for one key of once() at once one gets it',
    racers: 48,
    arrivals: crowd,
    run: async (/** @type {string} */ store, /** @type {number} */ racers) => {
      const seen = await race(store, 'take', racers);
      return byRound(seen, (results) => results.filter(Boolean).length);
    },
    check: (/** @type {any} */ seen) => everyRound(seen, 1),
  },
  {
    rule: 'of threads that ask at once for a turn that is free one gets it',
    racers: 48,
    arrivals: crowd,
    run: async (/** @type {string} */ store, /** @type {number} */ racers) => {
      const seen = await race(store, 'turn', racers);
      return byRound(seen, (results) => results.filter(Boolean));
    },
    check: (/** @type {any} */ seen) => everyRound(seen, [true]),
  },
  {
    rule: 'threads that use one refresh token at once are given the same successor',
    racers: 48,
    arrivals: crowd,
    run: async (/** @type {string} */ store, /** @type {number} */ racers) => {
      const seen = await race(store, 'refresh', racers, {
        prepare: async (auth, user) => {
          const answer = await auth.tokens.login(user);
          return answer.ok && answer.refreshToken;
        },
      });
      return byRound(seen, (results, live) => ({ followed: new Set(results).size, live }));
    },
    check: (/** @type {any} */ seen) => everyRound(seen, { followed: 1, live: 1 }),
  },
  {
    rule: 'no call in any thread begun after revoke() has resolved in another lets the token through',
    racers: 48,
    arrivals: crowd,
    run: async (/** @type {string} */ store, /** @type {number} */ racers) => {
      const seen = await race(store, 'revokeOrUse', racers);
      return byRound(seen, (results) => results.reduce((sum, late) => sum + late, 0));
    },
    check: (/** @type {any} */ seen) => everyRound(seen, 0),
  },
];

module.exports = { RACES };
