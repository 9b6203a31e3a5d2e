'use strict';
// Row CQ: units charged on Redis, so many in flight at a time. The middleware does more than the others: see limits.js.

const { throughMiddleware } = require('../contenders/latchgate.js');
const { NETWORKED, overGrants } = require('../contenders/limiters.js');
const { correctness } = require('../lib/correctness.js');
const { atDepths } = require('../lib/loop.js');
const { worker } = require('../lib/measure.js');
const { USERS } = require('../lib/settings.js');
const { fresh, oneEach, userOf } = require('../lib/tokens.js');

/** @param {number} port */
async function middleware(port) {
  const gate = throughMiddleware(`redis://127.0.0.1:${port}`);
  await gate.ready();
  const texts = oneEach().map((token) => Buffer.from(`Bearer ${token}`, 'latin1'));
  return {
    ask: (/** @type {number} */ at, /** @type {(granted: boolean) => void} */ done) =>
      gate.pass(fresh(texts[at % texts.length]), () => done(true)),
    counters: () => correctness(gate.ask, gate.revoke),
  };
}

/** @param {string} name @param {number} port */
async function limiter(name, port) {
  const { take, takeSmall, ready } = await NETWORKED[name](port);
  await ready?.();
  const texts = Array.from({ length: USERS }, (_, at) => Buffer.from(userOf(at), 'latin1'));
  return {
    ask: (/** @type {number} */ at, /** @type {(granted: boolean) => void} */ done) =>
      take(fresh(texts[at % texts.length]), done),
    counters: () => overGrants(takeSmall),
  };
}

worker(async ({ contender, port, depths, ms }) => {
  const isWhole = contender === 'latchgate middleware';
  const { ask, counters } = isWhole ? await middleware(port) : await limiter(contender, port);
  const { metrics, failed } = await atDepths(ask, { depths, ms });
  return { metrics, counters: await counters(), failed };
});
