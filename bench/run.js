'use strict';
// npm run bench [-- --node 24] [--rows A,C] [--rounds 10] [--quick] [--docs]
//
// Runs the contenders side by side, round by round, there and back (A B C C B A …), a fresh process each. Prints tables, and
// keeps every round in bench/results/node<major>.json, where rows that are run again replace themselves; not so with --quick.
// --docs writes the tables into docs/performance.md and runs nothing.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { parseArgs } = require('node:util');
const { measuredIn } = require('./lib/goals.js');
const { BENCH, findNode, installContenders } = require('./lib/nodes.js');
const { startRedis } = require('./lib/processes.js');
const { printRow, verdicts, writeDocs } = require('./lib/report.js');
const { ROWS } = require('./rows.js');
const { system } = require('./lib/system.js');

const { values: options } = parseArgs({
  options: {
    node: { type: 'string' },
    rows: { type: 'string', default: Object.keys(ROWS).join(',') },
    rounds: { type: 'string', default: '10' },
    quick: { type: 'boolean', default: false },
    docs: { type: 'boolean', default: false },
  },
});

/** @param {string} version of Node @param {string | undefined} redis */
function machine(version, redis) {
  const { dependencies } = JSON.parse(fs.readFileSync(path.join(BENCH, 'package.json'), 'utf8'));
  const cpus = os.cpus();
  return {
    node: version,
    redis,
    cpu: `${cpus.length} x ${cpus[0]?.model.trim()}`,
    system: system(),
    contenders: dependencies,
  };
}

/** More digits would say nothing. @param {string} _name @param {unknown} value */
const rounded = (_name, value) => (typeof value === 'number' ? Number(value.toPrecision(6)) : value);

/**
 * @param {import('./rows.js').Row} row
 * @param {import('./rows.js').Context} context
 * @param {number} rounds
 */
async function measure(row, context, rounds) {
  /** @type {Record<string, import('./rows.js').Measured[]>} */
  const results = Object.fromEntries(row.contenders.map((contender) => [contender, []]));
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? row.contenders : row.contenders.toReversed();
    for (const contender of order) {
      await context.redis.flush();
      results[contender][round] = await row.run(context, contender);
      process.stderr.write('.');
    }
  }
  process.stderr.write('\n');
  return results;
}

async function main() {
  if (options.docs) {
    writeDocs();
    return;
  }
  await installContenders();
  const { binary, version } = await findNode(options.node);
  const file = path.join(BENCH, 'results', `node${version.split('.')[0]}.json`);
  const redis = await startRedis();
  const rounds = options.quick ? 3 : Math.max(1, Number(options.rounds));
  const context = { node: binary, redis, scale: options.quick ? 0.5 : 1 };
  const before = fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : { rows: {} };
  const kept = before.rows;
  const here = machine(version, redis.version);
  // Rows that are not run again stay those of the machine that they were run on.
  const of = { machine: before.machine ?? here, machines: before.machines ?? {} };
  try {
    for (const id of options.rows.toUpperCase().split(',')) {
      const name = measuredIn(id);
      const row = ROWS[name];
      if (row === undefined) throw new Error(`no such row: ${id}`);
      const results = await measure(row, context, Math.min(rounds, row.rounds ?? rounds));
      kept[name] = results;
      of.machines[name] = here;
      console.log(printRow(row.title, results));
      if (options.quick) continue;
      const text = JSON.stringify({ ...of, rows: kept }, rounded);
      fs.mkdirSync(path.dirname(file), { recursive: true });
      fs.writeFileSync(file, `${text}\n`);
    }
  } finally {
    await redis.stop();
  }
  console.log(verdicts(kept));
  if (Object.values(kept).some(isVoid)) process.exitCode = 1;
}

/** @param {Record<string, import('./rows.js').Measured[]>} row */
function isVoid(row) {
  return Object.values(row)
    .flat()
    .some(({ counters = {}, failed }) => failed > 0 || Object.values(counters).some((count) => count !== 0));
}

main().catch((error) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
