'use strict';
// Row K: what a user weighs (needs --expose-gc), or whether a decision takes longer where there are more of them.

const { throughMiddleware } = require('../contenders/latchgate.js');
const { EMBEDDED, overGrants } = require('../contenders/limiters.js');
const { correctness } = require('../lib/correctness.js');
const { mark, spent, worker } = require('../lib/measure.js');
const { HOUR } = require('../lib/settings.js');
const { fresh, sign } = require('../lib/tokens.js');

/** Tokens that are known when they come again; as many for every size, and in all fewer than the cache of tokens holds. */
const KNOWN = 1000;

const nameOf = (/** @type {number} */ at) => `user-${String(at).padStart(8, '0')}`;
const sessionOf = (/** @type {number} */ at) => String(at).padStart(22, '0');

/**
 * @typedef {object} Subject
 * @property {(name: string, at: number) => unknown} add
 * @property {(name: string, at: number) => unknown} touch a user that is there; answers with anything true, or a promise of it
 * @property {(header: string) => boolean} [decide] the whole decision, of a token that is known
 * @property {() => Promise<Record<string, number>>} [counters]
 */

/** @returns {Subject} */
function sessions() {
  const { auth, ask, pass, revoke } = throughMiddleware('memory:', false);
  let passed = 0;
  const next = () => {
    passed++;
  };
  return {
    add: (name, at) => auth.sessions.admit(name, { sessionId: sessionOf(at) }),
    touch: (name, at) => auth.sessions.touch(name, sessionOf(at)),
    decide: (header) => {
      const before = passed;
      pass(header, next);
      return passed > before;
    },
    counters: async () => ({ ...(await correctness(ask, revoke)) }),
  };
}

/** One counter a user. @param {string} name @returns {Subject} */
function limiter(name) {
  const { take, takeSmall } = EMBEDDED[name]();
  const charge = (/** @type {string} */ user) => new Promise((resolve) => take(user, resolve));
  return { add: charge, touch: charge, counters: () => overGrants(takeSmall) };
}

/** What one would write oneself: nothing ever goes. @returns {Subject} */
function map() {
  /** @type {Map<string, { sessionId: string, createdAt: number, lastActiveAt: number, expiresAt: number }>} */
  const users = new Map();
  return {
    add: (name, at) => {
      const now = Date.now();
      users.set(name, { sessionId: sessionOf(at), createdAt: now, lastActiveAt: now, expiresAt: now + HOUR });
    },
    touch: (name) => {
      const session = users.get(name);
      const now = Date.now();
      if (session === undefined || session.expiresAt <= now) return false;
      session.lastActiveAt = now;
      return true;
    },
  };
}

/** @type {Record<string, () => Subject>} */
const SUBJECTS = {
  'latchgate sessions': sessions,
  'latchgate quotas': () => limiter('latchgate consume'),
  'rate-limiter-flexible': () => limiter('rate-limiter-flexible'),
  'JS Map': map,
};

/** Bytes that this process holds: what the engine has set aside for its heap and does not use is not counted. */
function held() {
  globalThis.gc?.();
  globalThis.gc?.();
  const { rss, heapTotal, heapUsed } = process.memoryUsage();
  return rss - heapTotal + heapUsed;
}

/** @param {Subject} subject @param {number} from @param {number} to */
async function fill({ add }, from, to) {
  for (let at = from; at < to; at++) {
    const added = add(nameOf(at), at);
    if (added instanceof Promise) await added;
  }
}

/** Users from everywhere, in no order. @param {number} count @param {number} size */
const scattered = (count, size) => Array.from({ length: count }, (_, at) => (at * 2_654_435_761) % size);

/** @param {Subject} subject @param {number} size @param {number} count */
async function touches({ touch }, size, count) {
  const users = scattered(count, size);
  const names = users.map((at) => fresh(Buffer.from(nameOf(at), 'latin1')));
  let failed = 0;
  const start = mark();
  for (let at = 0; at < count; at++) {
    let answer = touch(names[at], users[at]);
    if (answer instanceof Promise) answer = await answer;
    if (!answer) failed++;
  }
  return { nanos: spent(start, count).cpuMicros * 1000, failed };
}

/** @param {(header: string) => boolean} decide @param {number} size @param {number} count */
function decisions(decide, size, count) {
  const users = scattered(KNOWN, size);
  const headers = users.map((at) => Buffer.from(`Bearer ${sign(nameOf(at), sessionOf(at))}`, 'latin1'));
  let failed = 0;
  for (const header of headers) if (!decide(fresh(header))) failed++;
  const texts = Array.from({ length: count }, (_, at) => fresh(headers[at % headers.length]));
  const start = mark();
  for (const text of texts) if (!decide(text)) failed++;
  return { nanos: spent(start, count).cpuMicros * 1000, failed };
}

/**
 * What a user weighs: the process with so many users against the same with a few, when code is compiled and tables are made.
 * @param {Subject} subject
 * @param {number} size
 */
async function weigh(subject, size) {
  const few = 1000;
  await fill(subject, 0, few);
  const warmed = await touches(subject, few, 100 * few);
  const before = held();
  await fill(subject, few, size);
  return { metrics: { bytes: (held() - before) / (size - few) }, failed: warmed.failed };
}

/**
 * How long one takes, where there are ever more.
 * @param {Subject} subject
 * @param {number[]} sizes
 * @param {number} count
 */
async function time(subject, sizes, count) {
  const { decide } = subject;
  /** @type {Record<string, number>} */
  const metrics = {};
  let failed = 0;
  let size = 0;
  for (const next of sizes) {
    await fill(subject, size, next);
    // The first time compiles.
    if (size === 0) failed += (await touches(subject, next, count)).failed;
    if (size === 0 && decide !== undefined) failed += decisions(decide, next, count).failed;
    size = next;
    const touched = await touches(subject, size, count);
    metrics[`touch ${size}`] = touched.nanos;
    failed += touched.failed;
    if (decide === undefined) continue;
    const decided = decisions(decide, size, count);
    metrics[`decide ${size}`] = decided.nanos;
    failed += decided.failed;
  }
  for (const what of decide === undefined ? ['touch'] : ['touch', 'decide'])
    metrics[`${what}, last to first`] = metrics[`${what} ${size}`] / metrics[`${what} ${sizes[0]}`];
  return { metrics, failed };
}

worker(async ({ contender, weighed, sizes, count }) => {
  const subject = SUBJECTS[contender]();
  const result = await (weighed === undefined ? time(subject, sizes, count) : weigh(subject, weighed));
  return { ...result, counters: await subject.counters?.() };
});
