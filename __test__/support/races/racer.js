// A worker thread that races: waits at a gate until all its rivals stand there, then runs its operations. One round per user.
'use strict';

const { parentPort, workerData } = require('node:worker_threads');
const { token } = require('../jwt.js');
const { all, open } = require('./crowd.js');

/** @typedef {import('latchgate').Auth} Auth */

/** Where a flag stands in the shared memory, behind one counter for each gate. */
const FLAG = 0;

/** @type {{ store: string, task: string, options: object, users: string[], threads: number, each: number, thread: number, shared: SharedArrayBuffer, tokens: string[] }} */
const { store, task, options, users, threads, each, thread, shared, tokens } = workerData;
const cells = new Int32Array(shared);
let gates = FLAG;

/** Goes on when every thread has come here. */
function gate() {
  gates++;
  if (Atomics.add(cells, gates, 1) + 1 === threads) Atomics.notify(cells, gates);
  for (let seen = Atomics.load(cells, gates); seen < threads; seen = Atomics.load(cells, gates)) {
    Atomics.wait(cells, gates, seen);
  }
}

const raise = () => Atomics.store(cells, FLAG, 1);
const lower = () => Atomics.store(cells, FLAG, 0);
const isRaised = () => Atomics.load(cells, FLAG) === 1;

/** @param {Auth} auth @param {string} user */
const sids = (auth, user) => all(each, () => auth.sessions.admit(user));

/** What a thread does in a round, and what it tells of it. @type {Record<string, (auth: Auth, user: string, round: number) => Promise<unknown>>} */
const TASKS = {
  admit: sids,
  sameSession: (auth, user) => all(each, () => auth.sessions.admit(user, { sessionId: 's' })),
  end: (auth, user) => all(each, () => auth.sessions.end(user, 's')),
  firstUse: (auth, user) =>
    all(each, async (index) => {
      const { ok } = await auth.authenticate({ token: token({ sub: user, sid: `${thread}-${index}` }) });
      return ok;
    }),
  add: (auth, user) =>
    all(each, () => auth.counters.add(user, 'c', 1, { max: 3, idempotencyKey: `${thread}` })),
  take: (auth, user) => all(each, () => auth.once(user)),
  turn: (auth, user) =>
    all(each, () =>
      auth.locks.acquire(user, { wait: 0, ttl: '30s' }).then(
        () => true,
        (error) => error.code !== 'ERR_LATCHGATE_BUSY' && error.code,
      ),
    ),
  endOrTouch: (auth, user) =>
    all(each, async (index) => {
      if (thread === 0 && index === 0) return auth.sessions.end(user, 's');
      return auth.sessions.touch(user, 's');
    }),
  logoutOrLogin: (auth, user) =>
    all(each, async (index) => {
      if (thread === 0 && index === Math.floor(each / 2)) return auth.sessions.endAll(user);
      return (await auth.sessions.admit(user)).admitted ? 'admitted' : 'refused';
    }),
  /** Whether any call begun after revoke() had resolved let the token through. */
  async revokeOrUse(auth, _user, round) {
    lower();
    gate();
    const ask = async () => {
      const late = isRaised();
      const { ok } = await auth.authenticate({ token: tokens[round] });
      return late && ok;
    };
    const revoke = async () => {
      await auth.tokens.revoke(tokens[round]);
      raise();
      return false;
    };
    const first = await all(each, (index) =>
      thread === 0 && index === Math.floor(each / 2) ? revoke() : ask(),
    );
    gate();
    const second = await all(each, ask);
    return [...first, ...second].filter(Boolean).length;
  },
};

async function race() {
  const auth = open(store, options);
  const results = [];
  for (const [round, user] of users.entries()) {
    gate();
    results.push(await TASKS[task](auth, user, round));
  }
  await auth.close();
  parentPort?.postMessage(results);
}

race();
