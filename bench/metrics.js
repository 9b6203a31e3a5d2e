// node bench/metrics.js [rounds]
//
// What metrics cost: decisions with what is counted and with functions in its place that do nothing, in fresh processes one after
// the other, there and back; then each part alone, a reading of metrics(), and one by OpenTelemetry. By processor time.
'use strict';

const { fork } = require('node:child_process');
const { throughMiddleware } = require('./contenders/latchgate.js');
const { mark, spent } = require('./lib/measure.js');
const { byRound, spread } = require('./lib/stats.js');
const { oneEach } = require('./lib/tokens.js');

const ROUNDS = Number(process.argv[2] ?? 20);
const DECISIONS = 200_000;
const CALLS = 5_000_000;
const READINGS = 2000;

/** Nanoseconds of processor time for each of so many. @param {number} count @param {(at: number) => void} act */
function each(count, act) {
  const start = mark();
  for (let at = 0; at < count; at++) act(at);
  return spent(start, count).cpuMicros * 1000;
}

/** A second time, when it is compiled. @param {number} count @param {(at: number) => void} act */
function warm(count, act) {
  each(count, act);
  return each(count, act);
}

/** Nothing is counted any more. */
function stub() {
  const { Metrics } = require('../src/js/telemetry/metrics.js');
  for (const name of /** @type {const} */ (['decided', 'sessionAdmitted', 'faulted']))
    Metrics.prototype[name] = () => {};
}

/** On the embedded store, which adds least of its own. @param {{ isCounted: boolean }} job */
function decisions({ isCounted }) {
  if (!isCounted) stub();
  const headers = oneEach().map((token) => `Bearer ${token}`);
  const embedded = throughMiddleware('memory:', false);
  const ignore = () => {};
  const pass = (/** @type {number} */ at) => embedded.pass(headers[at % headers.length], ignore);
  const denied = (/** @type {number} */ at) => embedded.pass(`Basic ${at}`, ignore);
  return {
    allowed: warm(DECISIONS, pass),
    denied: warm(DECISIONS, denied),
  };
}

/** Each alone; what has been measured is of no use to anybody. */
async function parts() {
  const otel = require('@opentelemetry/api');
  const { MeterProvider, MetricReader } = require('@opentelemetry/sdk-metrics');
  class Reader extends MetricReader {
    async onShutdown() {}
    async onForceFlush() {}
  }
  const reader = new Reader();
  otel.metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
  const { Metrics } = require('../src/js/telemetry/metrics.js');
  const { telemetry } = require('../src/js/telemetry/telemetry.js');
  const { auth } = throughMiddleware('memory:', false);
  const metrics = new Metrics(['allowed', 'denied']);
  const told = telemetry();
  const collect = async () => {
    const start = mark();
    for (let at = 0; at < READINGS; at++) await reader.collect();
    return spent(start, READINGS).cpuMicros * 1000;
  };
  await collect();
  return {
    'a decision counted': warm(CALLS, (at) => metrics.decided(at & 1)),
    'an answer of a server placed': warm(CALLS, (at) => metrics.storeAnswered((at & 15) / 10)),
    'two readings of the clock': warm(CALLS, () => void (performance.now() - performance.now())),
    'a denial told to OpenTelemetry, without a span': warm(CALLS, () => told?.denied()),
    'metrics()': warm(READINGS, () => void auth.metrics()),
    'a reading by OpenTelemetry': await collect(),
  };
}

/** @param {object} job @returns {Promise<any>} */
function inProcess(job) {
  const child = fork(__filename, [], { env: { ...process.env, NODE_NO_WARNINGS: '1' } });
  return new Promise((resolve, reject) => {
    child.once('message', resolve);
    child.once('exit', (code) => reject(new Error(`a process ended with ${code}`)));
    child.send(job);
  });
}

/** @param {import('./lib/stats.js').Spread} spread of nanoseconds */
const told = ({ median, low, high }) => [median, low, high].map((ns) => ns.toFixed(ns < 10 ? 1 : 0));

async function main() {
  /** @type {Record<'counted' | 'stubbed', any[]>} */
  const rounds = { counted: [], stubbed: [] };
  const alone = [];
  for (let round = 0; round < ROUNDS; round++) {
    const order = /** @type {const} */ (['counted', 'stubbed']);
    for (const which of round % 2 === 0 ? order : order.toReversed())
      rounds[which].push(await inProcess({ isCounted: which === 'counted' }));
    alone.push(await inProcess({ parts: true }));
  }
  console.log(
    `nanoseconds of processor time: medians of ${ROUNDS} rounds (quartiles); Node ${process.versions.node}\n`,
  );
  for (const [what, name] of [
    ['a decision that lets through', 'allowed'],
    ['a decision that denies', 'denied'],
  ]) {
    const [counted, stubbed] = [rounds.counted, rounds.stubbed].map((all) => all.map((one) => one[name]));
    const [median] = told(spread(counted));
    const [more, low, high] = told(byRound(counted, stubbed, (a, b) => a - b));
    console.log(`${what}: ${median}, of which counting ${more} (${low} to ${high})`);
  }
  for (const name of Object.keys(alone[0])) {
    const [median, low, high] = told(spread(alone.map((one) => one[name])));
    console.log(`${name}: ${median} (${low} to ${high})`);
  }
}

if (process.send === undefined) {
  main();
} else {
  process.once('message', async (/** @type {any} */ job) => {
    process.send?.(await (job.parts ? parts() : decisions(job)), () => process.exit());
  });
}
