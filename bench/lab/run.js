'use strict';
// npm run lab [-- --quick] [--scenarios S1,S3] [--loads 500,1100] [--seconds 5] [--seed 1]
//
// Runs every scenario twice: as it is usually written, and with latchgate; on one process and on six behind nginx that share one
// Redis; at several loads, from an open loop. Counts what went wrong, and writes docs/lab/results.json, docs/lab/report.html and
// the table in the README. Exits with 1 where the protected app shows one violation. --quick: one load, six processes, nothing is
// written.

const os = require('node:os');
const { parseArgs } = require('node:util');
const { which } = require('../../scripts/lib/servers.js');
const { installContenders } = require('../lib/nodes.js');
const { startRedis } = require('../lib/processes.js');
const { linkLatchgate, startArena } = require('./lib/arena.js');
const { drive, latencies } = require('./lib/drive.js');
const { startPostgres } = require('./lib/postgres.js');
const { randomOf, seedFor } = require('./lib/random.js');
const { summary, writeReport } = require('./lib/report.js');
const { SCENARIOS } = require('./scenarios.js');

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    scenarios: { type: 'string' },
    loads: { type: 'string' },
    seconds: { type: 'string' },
    seed: { type: 'string', default: '1' },
  },
});

const FORMS = /** @type {const} */ (['unprotected', 'protected']);
const LOADS = [120, 500, 680, 1100];
const QUICK_LOADS = [680];
const WARM = { rate: 400, seconds: 1 };

/**
 * @typedef {import('./scenarios.js').Entry} Entry
 * @typedef {object} Run
 * @property {string} scenario
 * @property {string} form
 * @property {number} processes
 * @property {number} rate
 * @property {number} sent
 * @property {number} unanswered
 * @property {number} tried
 * @property {number} violations
 * @property {{ p50: number, p95: number, p99: number }} latency milliseconds
 * @property {import('./lib/app.js').Caught} [caught]
 */

/**
 * @param {Entry} scenario
 * @param {{ form: string, processes: number, rate: number, seconds: number, seed: number, database?: string, redis: { port: number, flush: () => Promise<unknown> } }} how
 * @returns {Promise<Run>}
 */
async function once(scenario, { form, processes, rate, seconds, seed, redis, database }) {
  await redis.flush();
  const arena = await startArena(scenario, { form, processes, redisPort: redis.port, database });
  try {
    await warmUp(scenario, arena);
    await redis.flush();
    // The same for all forms.
    const random = randomOf(seedFor(seed, `${scenario.id} ${processes} ${rate}`));
    const { steps, learn = () => {}, judge } = await scenario.plan({ rate, seconds, random, ask: arena.ask });
    const log = await drive(arena.port, steps, learn);
    const judged = await judge(log);
    const unanswered = log.filter(({ status }) => status === 0 || status >= 500).length;
    return {
      scenario: scenario.id,
      form,
      processes,
      rate,
      sent: log.length,
      unanswered,
      latency: latencies(log),
      ...judged,
    };
  } finally {
    await arena.stop();
  }
}

/**
 * Connections are made and code is compiled before anything is measured.
 * @param {Entry} scenario
 * @param {Awaited<ReturnType<typeof startArena>>} arena
 */
async function warmUp(scenario, { port, ask }) {
  const random = randomOf(0);
  const { steps, learn = () => {} } = await scenario.plan({ ...WARM, random, ask });
  await drive(port, steps, learn);
}

async function main() {
  const { quick } = options;
  const loads = options.loads?.split(',').map(Number) ?? (quick ? QUICK_LOADS : LOADS);
  const wanted = options.scenarios?.toUpperCase().split(',');
  const scenarios = SCENARIOS.filter(({ id }) => wanted === undefined || wanted.includes(id));
  const seconds = Number(options.seconds ?? (quick ? 1.5 : 5));
  const seed = Number(options.seed);
  await installContenders();
  linkLatchgate();
  const redis = await startRedis();
  const database = await startPostgres();
  /** @type {Run[]} */
  const runs = [];
  try {
    for (const scenario of scenarios) {
      if (scenario.needs === 'database' && database === undefined) {
        console.log(`${scenario.id} left out: install PostgreSQL (apt-get install postgresql)`);
        continue;
      }
      console.log(`${scenario.id} ${scenario.title}: ${scenario.violation}`);
      for (const processes of quick ? [6] : [1, 6]) {
        for (const rate of loads) {
          for (const form of scenario.forms ?? FORMS) {
            const run = await once(scenario, {
              form,
              processes,
              rate,
              seconds,
              seed,
              redis,
              database: database?.url,
            });
            runs.push(run);
            console.log(line(run));
          }
        }
      }
    }
  } finally {
    await database?.stop();
    await redis.stop();
  }
  console.log(summary(runs));
  const whole = !quick && wanted === undefined;
  if (whole) {
    const cpus = os.cpus();
    const machine = {
      node: process.versions.node,
      redis: redis.version,
      cpu: `${cpus.length} x ${cpus[0]?.model.trim()}`,
      system: `${os.type()} ${os.release()}`,
      front: which('nginx') ? 'nginx' : 'cluster',
    };
    writeReport({ machine, seed, seconds, scenarios, runs });
  }
  const broken = runs.filter(({ form, violations }) => form === 'protected' && violations > 0);
  // An app that serves nobody shows no violation either.
  const useless = runs.filter(
    ({ form, sent, unanswered }) => form === 'protected' && unanswered > sent / 100,
  );
  for (const { scenario, processes, rate } of [...broken, ...useless])
    console.error(`the protected app failed: ${scenario}, ${processes} processes, ${rate}/s`);
  if (broken.length + useless.length > 0) process.exitCode = 1;
}

/** @param {Run} run */
function line({ form, processes, rate, sent, unanswered, tried, violations, latency }) {
  const name = `${form.padEnd(11)} ${processes} ${processes === 1 ? 'process  ' : 'processes'} ${String(rate).padStart(5)}/s`;
  const share = tried === 0 ? '' : ` (${((100 * violations) / tried).toFixed(2)} %)`;
  const { p50, p95, p99 } = latency;
  const ms = [p50, p95, p99].map((each) => each.toFixed(1)).join(' / ');
  const failed = unanswered === 0 ? '' : `, ${unanswered} of ${sent} not answered`;
  return `  ${name}: ${String(violations).padStart(4)} of ${String(tried).padStart(5)}${share.padEnd(11)} p50/p95/p99 ${ms} ms${failed}`;
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
