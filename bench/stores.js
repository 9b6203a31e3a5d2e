// node bench/stores.js [--rounds 40] [--docs]
//
// What each way of setting up servers costs: how long a decision with a quota takes with one in flight, what it costs the server
// that decides it (INFO commandstats) and all servers together (INFO cpu), and how long revoke() takes. All set-ups stand at the
// same time and are asked in short rounds, there and back; each round compares with the plain server of the same round. Keeps
// every round in bench/results/stores.json; --docs writes the table into docs/stores.md and runs nothing.
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { parseArgs } = require('node:util');
const { startCluster } = require('../__test__/support/clusters.js');
const { startSentinels } = require('../__test__/support/sentinels.js');
const { startServer } = require('../__test__/support/servers.js');
const { throughMiddleware } = require('./contenders/latchgate.js');
const { byRound, quantile, spread } = require('./lib/stats.js');
const { sign, userOf } = require('./lib/tokens.js');
const { system } = require('./lib/system.js');

const FILE = path.join(__dirname, '..', 'docs', 'stores.md');
const RESULTS = path.join(__dirname, 'results', 'stores.json');
const MARKS = ['<!-- figures: begin -->\n', '<!-- figures: end -->'];

/** Of each set-up in each round. */
const DECISIONS = 300;
const REVOCATIONS = 60;

/** Lines of configuration. */
const MIN_REPLICAS = { 'min-replicas-to-write': 1, 'min-replicas-max-lag': 2 };
const EVERYSEC = { appendfsync: 'everysec' };

/** @typedef {import('../__test__/support/servers.js').RealServer} Server */
/** @typedef {{ nodes: Server[], deciding: Server[], url: string }} Group servers, those that decide, and where they are found */
/** @typedef {{ p50: number, script: number, cpu: number, revoke: number }} Round all in microseconds */

/** What the set-ups share is started once. @type {Record<string, (t: any) => Promise<Group>>} */
const GROUPS = {
  memory: one({}),
  everysec: one({ appendonly: true, config: EVERYSEC }),
  always: one({ appendonly: true, config: { appendfsync: 'always' } }),
  sentinel: sentinels({}),
  'sentinel, min-replicas': sentinels({ config: MIN_REPLICAS }),
  'sentinel, advised': sentinels({ appendonly: true, config: { ...MIN_REPLICAS, ...EVERYSEC } }),
  cluster: cluster({}),
  'cluster, advised': cluster({ appendonly: true, config: { ...MIN_REPLICAS, ...EVERYSEC } }),
};

const BASE = 'one server, nothing on disk';
/** @type {Array<{ what: string, group: string, acks: number }>} */
const SET_UPS = [
  { what: BASE, group: 'memory', acks: 0 },
  { what: 'one server, `appendfsync everysec`', group: 'everysec', acks: 0 },
  { what: 'one server, `appendfsync always`', group: 'always', acks: 0 },
  { what: 'Sentinel, two replicas', group: 'sentinel', acks: 0 },
  { what: 'Sentinel, two replicas, `acks: 1`', group: 'sentinel', acks: 1 },
  { what: 'Sentinel, two replicas, `acks: 2`', group: 'sentinel', acks: 2 },
  { what: 'Sentinel, two replicas, `min-replicas-to-write 1`', group: 'sentinel, min-replicas', acks: 0 },
  { what: 'Sentinel, two replicas, as advised below, `acks: 1`', group: 'sentinel, advised', acks: 1 },
  { what: 'Cluster, three masters, two replicas each', group: 'cluster', acks: 0 },
  { what: 'Cluster, `acks: 1`', group: 'cluster', acks: 1 },
  { what: 'Cluster, `acks: 2`', group: 'cluster', acks: 2 },
  { what: 'Cluster, as advised below, `acks: 1`', group: 'cluster, advised', acks: 1 },
];

/** @param {import('../__test__/support/servers.js').Options} options */
function one(options) {
  return async (/** @type {any} */ t) => {
    const server = await startServer(t, options);
    return { nodes: [server], deciding: [server], url: server.url() };
  };
}

/** @param {import('../__test__/support/sentinels.js').Options} options */
function sentinels(options) {
  return async (/** @type {any} */ t) => {
    const all = await startSentinels(t, options);
    return { nodes: all.nodes, deciding: [await all.primary()], url: all.url() };
  };
}

/** @param {import('../__test__/support/clusters.js').Options} options */
function cluster(options) {
  return async (/** @type {any} */ t) => {
    const all = await startCluster(t, { ...options, replicas: 2 });
    return { nodes: all.nodes, deciding: await all.masters(), url: all.url() };
  };
}

/** Microseconds that scripts took, each. @param {Server[]} servers */
async function scriptCost(servers) {
  const lines = await Promise.all(servers.map((server) => server.info('commandstats')));
  const of = (/** @type {RegExp} */ pattern) =>
    lines.reduce((sum, { cmdstat_evalsha: line = '' }) => sum + Number(pattern.exec(line)?.[1] ?? 0), 0);
  return of(/usec=(\d+)/) / of(/calls=(\d+)/);
}

/** Seconds of processor time of all of them so far. @param {Server[]} servers */
async function processorTime(servers) {
  const all = await Promise.all(servers.map((server) => server.info('cpu')));
  return all.reduce((sum, each) => sum + Number(each.used_cpu_user) + Number(each.used_cpu_sys), 0);
}

/** The median time of an operation, one after the other. @param {number} count @param {(at: number) => Promise<unknown>} ask */
async function median(count, ask) {
  const times = [];
  for (let at = 0; at < count; at++) {
    const start = performance.now();
    await ask(at);
    times.push((performance.now() - start) * 1000);
  }
  return quantile(times, 0.5);
}

/** @param {Group} group @param {ReturnType<typeof throughMiddleware>} gate @param {number} from the first user @returns {Promise<Round>} */
async function measure({ nodes, deciding }, gate, from) {
  const tokens = Array.from({ length: DECISIONS }, (_, at) => sign(userOf(from + at)));
  const decide = (/** @type {number} */ at) =>
    new Promise((resolve) => gate.pass(`Bearer ${tokens[at]}`, () => resolve(0)));
  // Each is known by its text, and its user's session admitted.
  for (let at = 0; at < DECISIONS; at++) await decide(at);
  for (const server of deciding) await server.resetStats();
  const before = await processorTime(nodes);
  const p50 = await median(DECISIONS, decide);
  const cpu = (((await processorTime(nodes)) - before) * 1e6) / DECISIONS;
  const script = await scriptCost(deciding);
  const revoke = await median(REVOCATIONS, async (at) => {
    if (!(await gate.revoke(tokens[at]))) throw new Error('a revocation was refused');
  });
  return { p50, script, cpu, revoke };
}

/** @param {number} rounds @param {any} t */
async function run(rounds, t) {
  /** @type {Record<string, Group>} */
  const groups = {};
  for (const [name, start] of Object.entries(GROUPS)) groups[name] = await start(t);
  const all = SET_UPS.map(({ what, group, acks }) => {
    const gate = throughMiddleware(/** @type {any} */ ({ url: groups[group].url, acks }));
    t.after(() => gate.close());
    return { what, group: groups[group], gate };
  });
  for (const { gate } of all) await gate.ready();
  /** @type {Record<string, Round[]>} */
  const kept = Object.fromEntries(all.map(({ what }) => [what, []]));
  // The first one warms up.
  for (let round = -1; round < rounds; round++) {
    for (const { what, group, gate } of round % 2 === 0 ? all : all.toReversed()) {
      const figures = await measure(group, gate, (round + 1) * DECISIONS);
      if (round >= 0) kept[what].push(figures);
    }
    process.stderr.write('.');
  }
  process.stderr.write('\n');
  const { redis_version: redis } = await groups.memory.nodes[0].info('server');
  return { redis, rounds: kept };
}

/** More digits would say nothing. @param {string} _name @param {unknown} value */
const rounded = (_name, value) => (typeof value === 'number' ? Number(value.toPrecision(4)) : value);

/** @param {number} value to two digits after the point, or fewer */
const short = (value) =>
  value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);

/** @param {any} results */
function table({ machine, command, rounds }) {
  const series = (/** @type {string} */ what, /** @type {string} */ name) =>
    rounds[what].map((/** @type {any} */ round) => round[name]);
  const cells = (/** @type {string} */ what, /** @type {string} */ name) => {
    const { median: value } = spread(series(what, name));
    const { median: ratio, low, high } = byRound(series(what, name), series(BASE, name));
    return what === BASE
      ? [`${short(value)} µs`, '1']
      : [`${short(value)} µs`, `${short(ratio)} (${short(low)} – ${short(high)})`];
  };
  const head = [
    '',
    'decision, p50',
    'x',
    'script, µs',
    'x',
    'all servers’ CPU, a decision',
    'x',
    '`revoke()`, p50',
    'x',
  ];
  const names = ['p50', 'script', 'cpu', 'revoke'];
  const lines = SET_UPS.map(({ what }) => [what, ...names.flatMap((name) => cells(what, name))]);
  const count = rounds[BASE].length;
  return [
    `\`${command}\`: ${machine.cpu}, ${machine.system}; Node ${machine.node}; Redis ${machine.redis}; medians of ${count} rounds.`,
    [head, head.map(() => '---'), ...lines].map((line) => `| ${line.join(' | ')} |`).join('\n'),
  ].join('\n\n');
}

/** The document with its table as the results have it. @param {string} text */
function written(text) {
  const [from, to] = [text.indexOf(MARKS[0]) + MARKS[0].length, text.indexOf(MARKS[1])];
  if (from < MARKS[0].length || to < from) throw new Error('docs/stores.md lacks its marks');
  return `${text.slice(0, from)}${table(JSON.parse(fs.readFileSync(RESULTS, 'utf8')))}\n${text.slice(to)}`;
}

async function main() {
  const { values: options } = parseArgs({
    options: { rounds: { type: 'string', default: '40' }, docs: { type: 'boolean', default: false } },
  });
  if (options.docs) {
    fs.writeFileSync(FILE, written(fs.readFileSync(FILE, 'utf8')));
    return;
  }
  /** @type {Array<() => unknown>} */
  const cleanups = [];
  try {
    const { redis, rounds } = await run(Number(options.rounds), {
      after: (/** @type {() => unknown} */ clean) => cleanups.unshift(clean),
    });
    const machine = {
      node: process.versions.node,
      redis,
      cpu: `${os.cpus().length} x ${os.cpus()[0]?.model.trim()}`,
      system: system(),
    };
    const results = { command: `node bench/stores.js --rounds ${options.rounds}`, machine, rounds };
    fs.writeFileSync(RESULTS, `${JSON.stringify(results, rounded)}\n`);
    console.log(table(results));
  } finally {
    for (const clean of cleanups) await clean();
  }
}

if (require.main === module)
  main().catch((error) => {
    console.error(error);
    process.exitCode = 1;
  });

module.exports = { FILE, written };
