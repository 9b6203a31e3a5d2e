// Work that goes on while servers fall and slots move, and an account of it: what was asked, what was answered, and what the
// store holds afterwards of each single operation. Every charge and every addition has an idempotency key, by which it can be
// told whether it is there. One addition of each round has none, so that the store would run it twice if it were sent twice:
// those can only be counted.
'use strict';

const assert = require('node:assert/strict');
const { unique } = require('./auths.js');
const { isStoreFault, status } = require('./faulty.js');
const { token } = require('./jwt.js');

/** @typedef {import('latchgate').Auth} Auth */
/** @typedef {'done' | 'denied' | 'unknown' | 'not run'} Outcome unknown: the answer was lost; not run: it was refused before it was done */
/** @typedef {{ id: string, outcome: Outcome, isEarly: boolean }} Entry isEarly: answered before the mark */

const SESSIONS = 3;
const RACERS = 5;
/** What a key may be charged before the work takes another one. */
const UNITS = 40;
const RULE = { limit: UNITS, window: '1h' };

/** @param {Promise<boolean>} call whether it was done or denied @returns {Promise<Outcome>} */
async function outcome(call) {
  try {
    return (await call) ? 'done' : 'denied';
  } catch (error) {
    if (!isStoreFault(error)) throw error;
    return /** @type {any} */ (error).code.endsWith('TIMEOUT') ? 'unknown' : 'not run';
  }
}

/** All that is done to one user, one operation after another, again and again. */
class Lane {
  /** @type {Entry[]} */
  additions = [];
  /** Additions without an idempotency key. @type {Entry[]} */
  bare = [];
  /** @type {Map<string, Entry[]>} by the key that was charged */
  charges = new Map();
  /** @type {Map<string, Entry[]>} by user */
  sessions = new Map();
  /** @type {Entry[]} the id is the token */
  revocations = [];
  /** @type {Map<string, Entry[]>} */
  registrations = new Map();
  /** @type {Record<number, number>} */
  requests = {};
  /** Rounds without any fault since the last one. */
  smooth = 0;
  isMarked = false;

  /** @param {Auth} auth @param {string} user */
  constructor(auth, user) {
    this.auth = auth;
    this.user = user;
    this.live = token({ sub: user, sid: 'live' });
    this.key = unique('key');
  }

  async round() {
    const { auth, user } = this;
    /** @type {Entry[]} */
    const entries = [];
    const record = async (/** @type {Entry[]} */ list, /** @type {string} */ id, /** @type {any} */ call) => {
      const result = await outcome(call);
      const entry = { id, outcome: result, isEarly: !this.isMarked };
      list.push(entry);
      entries.push(entry);
      return entry;
    };
    const id = unique('i');
    const stranger = unique('stranger');
    const once = unique('once');
    /** @type {Entry[]} */
    const admissions = [];
    this.sessions.set(stranger, admissions);
    /** @type {Entry[]} */
    const takers = [];
    this.registrations.set(once, takers);
    const charges = this.charges.get(this.key) ?? [];
    this.charges.set(this.key, charges);
    const text = token({ sub: user, sid: unique('s') });
    const [got, charge] = await Promise.all([
      status(auth, this.live),
      record(
        charges,
        id,
        auth.quotas.consume(this.key, RULE, { idempotencyKey: id }).then(({ allowed }) => allowed),
      ),
      record(
        this.additions,
        id,
        auth.counters.add(user, 'c', 1, { idempotencyKey: id }).then(({ applied }) => applied),
      ),
      record(
        this.bare,
        id,
        auth.counters.add(user, 'bare', 1).then(({ applied }) => applied),
      ),
      record(this.revocations, text, auth.tokens.revoke(text)),
      ...Array.from({ length: RACERS }, (_each, n) =>
        record(
          admissions,
          `s${n}`,
          auth.sessions
            .admit(stranger, { sessionId: `s${n}`, limit: SESSIONS })
            .then(({ admitted }) => admitted),
        ),
      ),
      ...['a', 'b'].map((by) => record(takers, by, auth.once(once, { by, ttl: '1h' }))),
    ]);
    this.requests[got] = (this.requests[got] ?? 0) + 1;
    if (charge.outcome === 'denied') this.key = unique('key');
    const isSmooth =
      got === 200 && entries.every(({ outcome }) => outcome === 'done' || outcome === 'denied');
    this.smooth = isSmooth ? this.smooth + 1 : 0;
  }
}

/**
 * @typedef {object} Account
 * @property {number} done answered with yes, of all kinds
 * @property {number} unknown
 * @property {number} notRun
 * @property {number} lost answered with yes, and not there
 * @property {number} lostRevocations of these, revocations
 * @property {number} lostAdmissions
 * @property {number} lostEarly of these, answered before the mark
 * @property {number} twice changes that are there more often than they were asked for
 * @property {number} phantom refused as not run, and there all the same
 * @property {number} over answered with yes beyond a limit, less those of the same limit that are lost
 * @property {Record<number, number>} requests by status
 */

class Work {
  #going = true;
  /** @type {Promise<void[]>} */
  #lanes;

  /** @param {Auth} auth @param {string[]} users one lane each */
  constructor(auth, users) {
    this.lanes = users.map((user) => new Lane(auth, user));
    this.#lanes = Promise.all(
      this.lanes.map(async (lane) => {
        while (this.#going) {
          await lane.round();
          // Where the store is away each round is over at once: the rest of the test must have its turn.
          await new Promise((resolve) => void setImmediate(resolve));
        }
      }),
    );
    // Told by stop().
    this.#lanes.catch(() => {});
  }

  /** Waits until each lane has had so many rounds without a fault, from now on. @param {number} [rounds] */
  async smooth(rounds = 5) {
    for (const lane of this.lanes) lane.smooth = 0;
    await Promise.race([
      this.#lanes,
      (async () => {
        const latest = performance.now() + 60_000;
        while (this.lanes.some((lane) => lane.smooth < rounds)) {
          if (performance.now() > latest) throw new Error('the work does not go on without faults');
          await new Promise((resolve) => void setTimeout(resolve, 5));
        }
      })(),
    ]);
  }

  /** What was answered so far is early. */
  mark() {
    for (const lane of this.lanes) lane.isMarked = true;
  }

  async stop() {
    this.#going = false;
    await this.#lanes;
  }

  /** Ends the work, and asks the store for every operation. @param {Auth} judge @returns {Promise<Account>} */
  async account(judge) {
    await this.stop();
    /** @type {Account} */
    const sum = {
      done: 0,
      unknown: 0,
      notRun: 0,
      lost: 0,
      lostRevocations: 0,
      lostAdmissions: 0,
      lostEarly: 0,
      twice: 0,
      phantom: 0,
      over: 0,
      requests: {},
    };
    /** @param {Entry[]} entries @param {(entry: Entry) => boolean} isThere @returns {number} how many are lost */
    const count = (entries, isThere) => {
      const of = (/** @type {Outcome} */ wanted) => entries.filter(({ outcome }) => outcome === wanted);
      sum.done += of('done').length;
      sum.unknown += of('unknown').length;
      sum.notRun += of('not run').length;
      sum.phantom += of('not run').filter(isThere).length;
      const lost = of('done').filter((entry) => !isThere(entry));
      sum.lost += lost.length;
      sum.lostEarly += lost.filter(({ isEarly }) => isEarly).length;
      return lost.length;
    };
    const yes = (/** @type {Entry[]} */ entries) =>
      entries.filter(({ outcome }) => outcome === 'done').length;
    for (const lane of this.lanes) {
      for (const [code, times] of Object.entries(lane.requests))
        sum.requests[Number(code)] = (sum.requests[Number(code)] ?? 0) + times;

      const value = await judge.counters.get(lane.user, 'c');
      const added = await there(lane.additions, ({ id }) =>
        judge.counters
          .add(lane.user, 'c', 1, { idempotencyKey: id })
          .then(({ replayed }) => replayed === true),
      );
      count(lane.additions, (entry) => added.has(entry));
      sum.twice += Math.abs(value - added.size);

      countBare(sum, lane.bare, await judge.counters.get(lane.user, 'bare'));

      for (const [key, charges] of lane.charges) {
        const used = UNITS - (await judge.quotas.peek(key, RULE)).remaining;
        const charged = await there(charges, ({ id }) =>
          judge.quotas.consume(key, RULE, { idempotencyKey: id }).then(({ replayed }) => replayed === true),
        );
        sum.twice += Math.abs(used - charged.size);
        const lost = count(charges, (entry) => charged.has(entry));
        sum.over += Math.max(0, yes(charges) - UNITS - lost);
      }

      for (const [user, admissions] of lane.sessions) {
        const live = new Set((await judge.sessions.list(user)).map(({ sessionId }) => sessionId));
        const lost = count(admissions, ({ id }) => live.has(id));
        sum.lostAdmissions += lost;
        sum.over += Math.max(0, yes(admissions) - SESSIONS - lost) + Math.max(0, live.size - SESSIONS);
      }

      const revoked = await there(lane.revocations, ({ id }) => judge.tokens.isRevoked(id));
      sum.lostRevocations += count(lane.revocations, (entry) => revoked.has(entry));

      for (const [key, takers] of lane.registrations) {
        const isFree = await judge.once(key, { by: 'judge', ttl: '1h' });
        const [held] = isFree ? [] : await there(takers, ({ id }) => judge.once(key, { by: id, ttl: '1h' }));
        const lost = count(takers, (entry) => entry === held);
        sum.over += Math.max(0, yes(takers) - 1 - lost);
      }
    }
    return sum;
  }
}

/**
 * Of additions of one that nobody can tell apart. Those beyond what was answered are among the unknown ones, or were done twice,
 * or were told not to have run.
 * @param {Account} sum
 * @param {Entry[]} entries
 * @param {number} value what they come to
 */
function countBare(sum, entries, value) {
  const of = (/** @type {Outcome} */ wanted) => entries.filter(({ outcome }) => outcome === wanted);
  const [done, unknown] = [of('done'), of('unknown').length];
  const early = done.filter(({ isEarly }) => isEarly).length;
  sum.done += done.length;
  sum.unknown += unknown;
  sum.notRun += of('not run').length;
  sum.lost += Math.max(0, done.length - value);
  sum.lostEarly += Math.max(0, early - value);
  sum.twice += Math.max(0, value - done.length - unknown);
}

/** @param {Entry[]} entries @param {(entry: Entry) => Promise<boolean>} ask one after the other @returns {Promise<Set<Entry>>} */
async function there(entries, ask) {
  /** @type {Set<Entry>} */
  const found = new Set();
  for (const entry of entries) if (await ask(entry)) found.add(entry);
  return found;
}

/** What holds whatever fails: nothing beyond a limit but what is lost, nothing twice, and nobody is told 401. @param {Account} account */
function sound({ over, twice, phantom, requests }) {
  assert.deepEqual({ over, twice, phantom }, { over: 0, twice: 0, phantom: 0 });
  assert.deepEqual(
    Object.keys(requests).filter((code) => code !== '200' && code !== '503'),
    [],
    JSON.stringify(requests),
  );
}

/**
 * Goes on until it is stopped, or the test ends.
 * @param {import('./started.js').Test} t
 * @param {Auth} auth
 * @param {string[]} [users] one lane each; default: eight of them
 */
function work(t, auth, users = Array.from({ length: 8 }, () => unique())) {
  const going = new Work(auth, users);
  t.after(() => going.stop().catch(() => {}));
  return going;
}

module.exports = { sound, work };
