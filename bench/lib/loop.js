'use strict';
// A closed loop: so many questions in flight at a time; whoever has an answer asks the next question at once.

const { mark, percentiles, spent } = require('./measure.js');

/** What one question is; `done` is called with the answer, later. @typedef {(at: number, done: (allowed: boolean) => void) => void} Ask */

/**
 * @param {Ask} ask
 * @param {{ depth: number, ms: number, timed?: boolean }} load
 */
function closedLoop(ask, { depth, ms, timed = false }) {
  const latencies = new Float64Array(timed ? 100_000 : 0);
  const start = mark();
  const end = performance.now() + ms;
  let [asked, answered, refused, open] = [0, 0, 0, depth];
  return new Promise((resolve) => {
    const lane = () => {
      let sent = 0;
      const done = (/** @type {boolean} */ allowed) => {
        if (timed) latencies[answered % latencies.length] = performance.now() - sent;
        answered++;
        if (!allowed) refused++;
        next();
      };
      const next = () => {
        // Looking at the clock costs: it is looked at every sixteenth time.
        if ((asked & 15) === 0 && performance.now() > end) asked = Infinity;
        if (asked === Infinity) {
          if (--open === 0)
            resolve({ ...spent(start, answered), refused, latencies: latencies.subarray(0, answered) });
          return;
        }
        if (timed) sent = performance.now();
        ask(asked++, done);
      };
      next();
    };
    for (let at = 0; at < depth; at++) lane();
  });
}

/**
 * Warms up, and measures at each depth: processor time, throughput, and with one in flight the wait.
 * @param {Ask} ask
 * @param {{ depths: number[], ms: number }} load
 */
async function atDepths(ask, { depths, ms }) {
  await closedLoop(ask, { depth: 64, ms: ms * 1.5 });
  /** @type {Record<string, number>} */
  const metrics = {};
  let failed = 0;
  for (const depth of depths) {
    const result = await closedLoop(ask, { depth, ms, timed: depth === 1 });
    failed += result.refused;
    metrics[`cpu ${depth}`] = result.cpuMicros;
    metrics[`rate ${depth}`] = result.perSecond;
    if (depth === 1) {
      const { p50, p99, p999 } = percentiles(result.latencies);
      Object.assign(metrics, { p50, p99, p999 });
    }
  }
  return { metrics, failed };
}

module.exports = { atDepths, closedLoop };
