'use strict';
// The runs of a plan: each scenario, in each of its forms, on so many processes, at each load; and what each came to.

const { startArena } = require('./arena.js');
const { drive, latencies } = require('./drive.js');
const { unanswered } = require('./judge.js');
const { randomOf, seedFor } = require('./random.js');

const FORMS = ['unprotected', 'protected'];
/** Of all users, to warm up with. */
const FEW = 0.1;

/**
 * @typedef {import('../scenarios.js').Entry} Entry
 * @typedef {import('./needs.js').World} World
 *
 * @typedef {object} Run
 * @property {string} scenario
 * @property {string} form
 * @property {number} processes
 * @property {number} rate
 * @property {number} [hot] of a sweep
 * @property {number} sent
 * @property {number} unanswered
 * @property {number} tried
 * @property {number} violations
 * @property {{ tried: number, wrong: number }} [decisions]
 * @property {Record<string, number>} [notes]
 * @property {Record<string, number>} [most]
 * @property {{ mean: number, p50: number, p95: number, p99: number }} latency milliseconds
 * @property {import('./app.js').Caught} [caught]
 *
 * @typedef {object} Settings
 * @property {Entry[]} scenarios
 * @property {number[]} processes
 * @property {number[]} loads
 * @property {number} seconds of a run
 * @property {number} seed
 * @property {number} warm seconds, before the first run of a form
 * @property {number} crowd the part of all users that is there
 * @property {boolean} further forms beside the two, and sweeps
 * @property {boolean} selfTest the unprotected app stands in for the protected one, and must be found out
 */

/** What is run of a scenario, one after the other. @param {Entry} scenario @param {Settings} settings */
function points({ sweep }, { loads, further }) {
  const swept = further && sweep ? sweep.values.map((hot) => ({ rate: sweep.rate, hot })) : [];
  return [...loads.map((rate) => ({ rate, hot: undefined })), ...swept];
}

/**
 * @param {World} world
 * @param {Settings} settings
 * @param {{ began: (scenario: Entry) => void, ended: (run: Run) => void }} told
 * @returns {Promise<Run[]>}
 */
async function runAll(world, settings, { began, ended }) {
  /** @type {Run[]} */
  const runs = [];
  for (const scenario of settings.scenarios) {
    began(scenario);
    const forms = (settings.further && scenario.forms) || FORMS;
    for (const processes of settings.processes) {
      for (const form of forms) {
        for await (const run of runsOf(scenario, { form, processes, world, settings })) {
          runs.push(run);
          ended(run);
        }
      }
    }
  }
  return runs;
}

/**
 * All that is run on the same processes: nobody in one run is met again in another.
 * @param {Entry} scenario
 * @param {{ form: string, processes: number, world: World, settings: Settings }} how
 * @returns {AsyncGenerator<Run>}
 */
async function* runsOf(scenario, { form, processes, world, settings }) {
  const { seconds, seed, warm, crowd, selfTest } = settings;
  await world.empty();
  const arena = await startArena(scenario, {
    form: selfTest && form === 'protected' ? 'unprotected' : form,
    processes,
    redisPort: world.redis.port,
    database: world.database?.url,
  });
  const { ask, backOffice, secret } = arena;
  const base = { ask, backOffice, secret, keys: world.keys };
  try {
    // Connections are made and code is compiled before anything is measured.
    const rehearsal = { ...base, rate: 400, seconds: warm, random: randomOf(0), tag: 'warm', crowd: FEW };
    const { steps, learn = () => {} } = await scenario.plan(rehearsal);
    await drive(arena.port, steps, learn);
    for (const { rate, hot } of points(scenario, settings)) {
      await world.empty();
      // The same for all forms.
      const random = randomOf(seedFor(seed, `${scenario.id} ${processes} ${rate} ${hot ?? ''}`));
      const tag = `at-${rate}${hot === undefined ? '' : `-${100 * hot}`}`;
      const plan = await scenario.plan({ ...base, rate, seconds, random, tag, crowd, hot });
      const log = await drive(arena.port, plan.steps, plan.learn ?? (() => {}));
      yield {
        scenario: scenario.id,
        form,
        processes,
        rate,
        ...(hot === undefined ? {} : { hot }),
        sent: log.length,
        unanswered: log.filter(unanswered).length,
        latency: latencies(log),
        ...(await plan.judge(log)),
      };
    }
  } finally {
    await arena.stop();
  }
}

module.exports = { runAll };
