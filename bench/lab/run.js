'use strict';
// npm run lab [-- --quick] [--scenarios S1,S3] [--loads 500,1100] [--processes 1,6] [--seconds 5] [--seed 1]
//             [--out DIR] [--no-setup] [--self-test]
//
// Runs every scenario as it is usually written, and with latchgate; on one process and on six behind nginx that share one Redis; at
// several loads, from an open loop. Counts what went wrong, and writes docs/lab/results.json, docs/lab/report.html and the table in
// the README. Exits with 1 where the protected app shows one violation, or a scenario could not be run. --seed fixes who sends what,
// and when; not what the machine makes of it.
//
// --quick: one load, six processes, the two forms alone. It writes nothing, nor does a run of some scenarios or of one number of
// processes: --out DIR writes the report of any run there. --no-setup: what is needed is there. --self-test: the
// unprotected app stands in for the protected one, so that it must exit with 1.

const os = require('node:os');
const { parseArgs } = require('node:util');
const { which } = require('../../scripts/lib/servers.js');
const { SetupError } = require('../../scripts/setup.js');
const { faultsOf, summary } = require('./lib/figures.js');
const { lacks, prepare, startWorld } = require('./lib/needs.js');
const { writeInto, writeReport } = require('./lib/report.js');
const { runAll } = require('./lib/runs.js');
const { SCENARIOS } = require('./scenarios.js');
const { system } = require('../lib/system.js');

const WHOLE = {
  processes: [1, 6],
  loads: [120, 420, 500, 680, 1100],
  seconds: 5,
  warm: 1,
  crowd: 1,
  further: true,
};
const QUICK = { processes: [6], loads: [500], seconds: 1, warm: 0.3, crowd: 0.3, further: false };

/** @typedef {import('./lib/runs.js').Run} Run */

function parse() {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      scenarios: { type: 'string' },
      loads: { type: 'string' },
      processes: { type: 'string' },
      seconds: { type: 'string' },
      seed: { type: 'string', default: '1' },
      out: { type: 'string' },
      'no-setup': { type: 'boolean', default: false },
      'self-test': { type: 'boolean', default: false },
    },
  });
  /** @param {string | undefined} text @param {number[]} otherwise */
  const numbers = (text, otherwise) => text?.split(',').map((each) => positive(each)) ?? otherwise;
  const base = values.quick ? QUICK : WHOLE;
  const names = values.scenarios?.toUpperCase().split(',');
  const unknown = names?.find((name) => SCENARIOS.every(({ id }) => id !== name));
  if (unknown !== undefined) throw new SetupError(`no such scenario: ${unknown}`);
  return {
    settings: {
      ...base,
      scenarios: SCENARIOS.filter(({ id }) => names === undefined || names.includes(id)),
      loads: numbers(values.loads, base.loads),
      processes: numbers(values.processes, base.processes),
      seconds: values.seconds === undefined ? base.seconds : positive(values.seconds),
      seed: Number(values.seed),
      selfTest: values['self-test'],
    },
    // Of less than this nobody is to take the figures for those of a whole run.
    whole: !values.quick && !values['self-test'] && !names && !values.processes,
    // That a whole run was shorter than it is meant to be, the report says.
    full: !values.loads && !values.seconds,
    out: values.out,
    ready: values['no-setup'],
  };
}

/** @param {string} text */
function positive(text) {
  const value = Number(text);
  if (!(value > 0)) throw new SetupError(`not a number above zero: ${text}`);
  return value;
}

/** @param {import('./lib/needs.js').World} world */
function machineOf({ redis, database }) {
  const cpus = os.cpus();
  return {
    node: process.versions.node,
    redis: redis.version,
    postgres: database?.version,
    cpu: `${cpus.length} × ${cpus[0]?.model.trim()}`,
    system: system(),
    front: which('nginx') ? 'nginx' : 'a cluster of Node',
  };
}

async function main() {
  const { settings, whole, full, out, ready } = parse();
  if (!ready) await prepare();
  const world = await startWorld(settings.scenarios);
  /** @type {Run[]} */
  let runs;
  const { lines: incomplete, left } = lacks(world, settings);
  const machine = machineOf(world);
  const scenarios = settings.scenarios.filter(({ id }) => !left.includes(id));
  for (const text of incomplete) console.error(text);
  try {
    runs = await runAll(
      world,
      { ...settings, scenarios },
      {
        began: ({ id, title, violation }) => console.log(`${id} ${title}: ${violation}`),
        ended: (run) => console.log(line(run)),
      },
    );
  } finally {
    await world.stop();
  }
  console.log(summary(runs));
  const faults = [...faultsOf(runs), ...incomplete];
  for (const fault of faults) console.error(fault);
  if (faultsOf(runs).length > 0 || left.length > 0) process.exitCode = 1;
  const { seed, seconds } = settings;
  if (!whole || !full) incomplete.unshift('a part of the lab, or shorter than it is meant to be');
  const found = { machine, seed, seconds, incomplete, runs };
  if (out !== undefined) writeInto(out, found, settings.scenarios);
  else if (whole) writeReport(found, settings.scenarios);
}

/** @param {Run} run */
function line({ form, processes, rate, hot, sent, unanswered, tried, violations, latency }) {
  const many = processes === 1 ? 'process  ' : 'processes';
  const share = tried === 0 ? '' : ` (${((100 * violations) / tried).toFixed(2)} %)`;
  const { p50, p95, p99 } = latency;
  const ms = [p50, p95, p99].map((each) => each.toFixed(1)).join(' / ');
  return [
    `  ${form.padEnd(11)} ${processes} ${many} ${String(rate).padStart(5)}/s`,
    hot === undefined ? '' : `, ${100 * hot} % for one`,
    `: ${String(violations).padStart(4)} of ${String(tried).padStart(5)}${share.padEnd(11)} p50/p95/p99 ${ms} ms`,
    unanswered === 0 ? '' : `, ${unanswered} of ${sent} not answered`,
  ].join('');
}

main().catch((error) => {
  console.error(error instanceof SetupError ? error.message : error);
  process.exitCode = 1;
});
