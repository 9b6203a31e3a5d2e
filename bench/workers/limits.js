'use strict';
// Row AQ: one unit after another charged in memory. The middleware does more than the others: it takes a token (known by now),
// and asks for revocation and session in the same step.

const { throughMiddleware } = require('../contenders/latchgate.js');
const { EMBEDDED, overGrants } = require('../contenders/limiters.js');
const { correctness } = require('../lib/correctness.js');
const { mark, spent, worker } = require('../lib/measure.js');
const { USERS } = require('../lib/settings.js');
const { fresh, oneEach, userOf } = require('../lib/tokens.js');

/** @typedef {import('../contenders/limiters.js').Take} Take */

/** @typedef {{ take: Take, texts: Buffer[], counters: () => Promise<Record<string, number>> }} Contender */

/** @returns {Contender} */
function middleware() {
  const gate = throughMiddleware('memory:');
  let passed = 0;
  const next = () => {
    passed++;
  };
  return {
    take: (header, done) => {
      const before = passed;
      gate.pass(header, next);
      done(passed > before);
    },
    texts: oneEach().map((token) => Buffer.from(`Bearer ${token}`, 'latin1')),
    counters: async () => ({ ...(await correctness(gate.ask, gate.revoke)) }),
  };
}

/** @param {string} name @returns {Contender} */
function limiter(name) {
  const { take, takeSmall } = EMBEDDED[name]();
  const texts = Array.from({ length: USERS }, (_, at) => Buffer.from(userOf(at), 'latin1'));
  return { take, texts, counters: () => overGrants(takeSmall) };
}

/**
 * One at a time, whether the answer comes at once or later.
 * @param {Contender} contender
 * @param {number} count
 * @returns {Promise<{ nanos: number, refused: number }>}
 */
function run({ take, texts }, count) {
  return new Promise((resolve) => {
    const start = mark();
    let [at, refused] = [0, 0];
    let [isAnswered, isWaiting] = [false, false];
    const done = (/** @type {boolean} */ granted) => {
      if (!granted) refused++;
      isAnswered = true;
      if (isWaiting) go();
    };
    const go = () => {
      isWaiting = false;
      while (at < count) {
        isAnswered = false;
        take(fresh(texts[at++ % texts.length]), done);
        if (!isAnswered) {
          isWaiting = true;
          return;
        }
      }
      resolve({ nanos: spent(start, count).cpuMicros * 1000, refused });
    };
    go();
  });
}

worker(async ({ contender: name, scale }) => {
  const contender = name === 'latchgate middleware' ? middleware() : limiter(name);
  const count = Math.round(100_000 * scale);
  let failed = 0;
  const rounds = [];
  for (let round = 0; round < 5; round++) {
    const { nanos, refused } = await run(contender, count);
    failed += refused;
    // The first two warm up.
    if (round > 1) rounds.push(nanos);
  }
  const ns = rounds.reduce((sum, nanos) => sum + nanos, 0) / rounds.length;
  return { metrics: { ns }, counters: await contender.counters(), failed };
});
