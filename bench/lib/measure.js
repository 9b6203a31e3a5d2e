'use strict';
// What one process measures of itself: processor time, wall time, and percentiles.

/** @typedef {{ cpu: NodeJS.CpuUsage, at: bigint }} Mark */

/** @returns {Mark} */
const mark = () => ({ cpu: process.cpuUsage(), at: process.hrtime.bigint() });

/**
 * @param {Mark} since
 * @param {number} count of operations
 */
function spent({ cpu, at }, count) {
  const wall = Number(process.hrtime.bigint() - at) / 1e9;
  const { user, system } = process.cpuUsage(cpu);
  return { count, seconds: wall, perSecond: count / wall, cpuMicros: (user + system) / count };
}

/** @param {Float64Array} samples in milliseconds; sorted here */
function percentiles(samples) {
  samples.sort();
  const at = (/** @type {number} */ share) =>
    samples.length === 0
      ? NaN
      : samples[Math.min(samples.length - 1, Math.floor(samples.length * share))] * 1000;
  return { p50: at(0.5), p99: at(0.99), p999: at(0.999), max: at(1) };
}

/**
 * A worker answers one job and ends. What it prints goes to its parent's standard error.
 * @param {(job: any) => Promise<object>} work
 */
function worker(work) {
  process.once('message', async (job) => {
    try {
      const result = await work(job);
      process.send?.({ result }, () => process.exit(0));
    } catch (error) {
      process.send?.({ error: String(/** @type {Error} */ (error)?.stack ?? error) }, () => process.exit(1));
    }
  });
}

module.exports = { mark, percentiles, spent, worker };
