'use strict';
// Row A: one synchronous decision after another, on token texts that no one has seen before, though most of the tokens are
// known: as they come out of an HTTP parser. No I/O: wall time and processor time are the same, and the latter is reported.

const { bare, throughMiddleware } = require('../contenders/latchgate.js');
const { correctness } = require('../lib/correctness.js');
const { mark, spent, worker } = require('../lib/measure.js');
const { SECRET } = require('../lib/settings.js');
const { fresh, oneEach, sign, userOf } = require('../lib/tokens.js');

/**
 * @typedef {object} Contender
 * @property {boolean} header takes the header, not the token
 * @property {(text: string) => boolean} pass
 * @property {() => Promise<object> | undefined} counters
 */

/** @param {boolean} byText */
function fastJwt(byText) {
  const { createVerifier } = require('fast-jwt');
  const options = /** @type {const} */ ({ key: SECRET, cache: 10_000 });
  const byKey = { ...options, cacheKeyBuilder: (/** @type {string} */ token) => token };
  const verify = createVerifier(byText ? byKey : options);
  return { header: false, pass: (text) => verify(text).sub !== undefined, counters: () => undefined };
}

/** @type {Record<string, () => Contender>} */
const CONTENDERS = {
  'latchgate decision': () => {
    const gate = bare();
    return {
      header: true,
      pass: (text) => gate.decide(text) === 0,
      counters: () => correctness(gate.ask, gate.revoke),
    };
  },
  'latchgate middleware': () => {
    const gate = throughMiddleware('memory:');
    let passed = 0;
    const next = () => {
      passed++;
    };
    return {
      header: true,
      pass: (text) => {
        const before = passed;
        gate.pass(text, next);
        return passed > before;
      },
      counters: () => correctness(gate.ask, gate.revoke),
    };
  },
  'fast-jwt': () => fastJwt(false),
  'fast-jwt, text as cache key': () => fastJwt(true),
};

/**
 * @param {Contender} contender
 * @param {{ known: string[], hits: number, count: number }} load
 */
function pool({ header }, { known, hits, count }) {
  const prefix = header ? 'Bearer ' : '';
  const bytes = known.map((token) => Buffer.from(prefix + token, 'latin1'));
  return Array.from({ length: count }, (_, at) =>
    at % 100 < hits
      ? fresh(bytes[at % bytes.length])
      : fresh(Buffer.from(prefix + sign(userOf(at)), 'latin1')),
  );
}

worker(async ({ contender: name, scale }) => {
  const contender = CONTENDERS[name]();
  const known = oneEach();
  /** @type {Record<string, number>} */
  const metrics = {};
  let failed = 0;
  const run = (/** @type {string[]} */ texts) => {
    const start = mark();
    for (const text of texts) if (!contender.pass(text)) failed++;
    return spent(start, texts.length).cpuMicros * 1000;
  };
  for (let round = 0; round < 3; round++) run(pool(contender, { known, hits: 100, count: 20_000 }));
  for (const [hits, count, rounds] of [
    [100, 50_000, 3],
    [95, 50_000, 3],
    [0, 20_000, 2],
  ]) {
    const times = [];
    for (let round = 0; round < rounds; round++) {
      const texts = pool(contender, { known, hits, count: Math.round(count * scale) });
      times.push(run(texts));
    }
    metrics[`ns ${hits}`] = times.reduce((sum, time) => sum + time, 0) / rounds;
  }
  return { metrics, counters: await contender.counters(), failed };
});
