'use strict';
// Row B: tokens that no one has seen before, verified one after the other; who answers by a promise has 64 of them in flight.

const { VERIFIERS } = require('../contenders/verifiers.js');
const { mark, spent, worker } = require('../lib/measure.js');

const IN_FLIGHT = 64;

/** @typedef {import('../contenders/verifiers.js').Verifier} Verifier */

/** @param {unknown} claims */
const isVerified = (claims) => typeof claims === 'object' && claims !== null;

/** @param {Verifier} verifier @param {string[]} tokens @returns {Promise<number>} how many were refused */
async function run({ verify, isAsync }, tokens) {
  let refused = 0;
  if (!isAsync) {
    for (const token of tokens) if (!isVerified(verify(token))) refused++;
    return refused;
  }
  for (let at = 0; at < tokens.length; at += IN_FLIGHT) {
    const answers = await Promise.all(tokens.slice(at, at + IN_FLIGHT).map((token) => verify(token)));
    refused += answers.filter((claims) => !isVerified(claims)).length;
  }
  return refused;
}

/** @param {Verifier} verifier @param {string} token */
async function accepts({ verify }, token) {
  try {
    return isVerified(await verify(token));
  } catch {
    return false;
  }
}

worker(async ({ contender, batches }) => {
  /** @type {Record<string, number>} */
  const metrics = {};
  let failed = 0;
  let acceptedForged = 0;
  for (const [alg, { key, tokens, bad }] of Object.entries(batches)) {
    const verifier = await VERIFIERS[contender](alg, key);
    if (verifier === undefined) continue;
    const warming = tokens.length >> 2;
    failed += await run(verifier, tokens.slice(0, warming));
    const start = mark();
    failed += await run(verifier, tokens.slice(warming));
    const { cpuMicros, perSecond } = spent(start, tokens.length - warming);
    metrics[`µs ${alg}`] = cpuMicros;
    metrics[`rate ${alg}`] = perSecond;
    for (const token of bad) if (await accepts(verifier, token)) acceptedForged++;
  }
  return { metrics, counters: { acceptedForged }, failed };
});
