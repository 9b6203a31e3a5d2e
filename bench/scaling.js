// node bench/scaling.js [--docs]
//
// The tables of docs/scaling.md: what a server's memory holds, from bench/results/memory-*.json; what follows from the costs, by
// bench/lib/capacity.js; and row L, from bench/results/node*.json. Prints them, or writes them into the document.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const capacity = require('./lib/capacity.js');
const { keptRuns, machineOf, markdown, named } = require('./lib/report.js');

const { COSTS, LOAD } = capacity;

const FILE = path.join(__dirname, '..', 'docs', 'scaling.md');
const RESULTS = path.join(__dirname, 'results');
/** What was kept of each kind of server. */
const KINDS = [
  { kind: 'redis', name: 'Redis' },
  { kind: 'valkey', name: 'Valkey' },
];

/** Who it is worked out for, in the end. */
const PLAN = { rate: 1_000_000, users: 10_000_000, handler: 200 };
/** What it takes. */
const planned = () => ({
  servers: capacity.masters(PLAN.rate),
  nodes: capacity.processes(PLAN.rate, PLAN.handler),
});
/** How many processes may listen at one node: some, and all of the plan. */
const LISTENERS = [10, 100, planned().nodes];
/** Requests a second, users, and masters where they are more than the rate needs. @type {Array<[rate: number, users: number, servers?: number]>} */
const HOT = [
  [100_000, 1_000_000],
  [300_000, 3_000_000],
  [PLAN.rate, PLAN.users],
  [PLAN.rate, PLAN.users, 40],
  [PLAN.rate, PLAN.users, 80],
];

/** @param {number} value */
const plain = (value) => Math.round(value).toLocaleString('en-US');
/** @param {number} value to two digits that count */
const short = (value) => Number(value.toPrecision(2)).toLocaleString('en-US', { maximumFractionDigits: 3 });
/** @param {number} value */
const percent = (value) => `${(value * 100).toFixed(1)} %`;
/** @param {number} value */
const gigabytes = (value) => `${short(value / 1e9)} GB`;

/** @param {string[]} head @param {string[][]} rows */
const table = (head, rows) =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

/** Decisions per second by number of masters. */
function decisionRates() {
  const sizes = [1, 3, 6, 12, 24];
  return [
    `Decisions a second, with a quota each, masters ${LOAD.master * 100} % busy:`,
    table(
      ['masters', 'calls one by one', 'calls in batches'],
      sizes.map((count) => [
        String(count),
        plain(capacity.decisions(count)),
        plain(capacity.decisions(count, COSTS.together)),
      ]),
    ),
  ];
}

/** What a rate of requests needs. */
function needsOfRates() {
  const rates = [10_000, 50_000, 100_000, 300_000, 1_000_000];
  return [
    `What a rate of requests needs, calls one by one, Node processes ${LOAD.node * 100} % busy:`,
    table(
      [
        'requests/s',
        'masters',
        'Node processes, handlers that do nothing',
        'handlers of 200 µs',
        'connections, handlers of 200 µs',
        'at one master, at most',
      ],
      rates.map((rate) => {
        const [servers, nodes] = [capacity.masters(rate), capacity.processes(rate, 200)];
        return [
          plain(rate),
          String(servers),
          String(capacity.processes(rate)),
          String(nodes),
          plain(capacity.connections(nodes, servers)),
          plain(capacity.connectionsAtOne(nodes)),
        ];
      }),
    ),
  ];
}

/** Memory by number of users. */
function memoryOfUsers() {
  return [
    'Memory of all masters together, room for copies and gaps included (half as much again):',
    table(
      ['users', 'one session and a quota', 'three sessions and a quota', 'an API key besides'],
      [1e5, 1e6, 1e7].map((users) => [
        plain(users),
        gigabytes(capacity.bytes(users)),
        gigabytes(capacity.bytes(users, { sessions: 3 })),
        gigabytes(capacity.bytes(users, { sessions: 3, keys: 1 })),
      ]),
    ),
  ];
}

/** The load of the fullest master. */
function fullestMaster() {
  return [
    'The fullest master above the mean, users equally busy, by the formula and by real ids:',
    table(
      ['masters', 'users', 'formula', 'ids'],
      [
        [3, 100_000],
        [6, 100_000],
        [6, 1_000_000],
        [24, 1_000_000],
      ].map(([servers, users]) => {
        const counts = capacity.spread(servers, users);
        return [
          String(servers),
          plain(users),
          percent(capacity.peak(servers, users) - 1),
          percent((Math.max(...counts) * servers) / users - 1),
        ];
      }),
    ),
  ];
}

/** Waiting times at a master by its load. */
function waitingTimes() {
  return [
    'Waiting for a master, by its load, by the formula and in the simulation (3 masters, 100,000 users):',
    table(
      ['load', 'mean, formula', 'mean, simulated', 'p99, simulated'],
      [0.3, 0.6, 0.8, 0.9].map((load) => {
        const rate = capacity.decisions(3, COSTS.lone, load);
        const { mean, p99 } = capacity.simulate({ servers: 3, users: 100_000, rate, requests: 400_000 });
        return [
          `${load * 100} %`,
          `${short(capacity.wait(load))} µs`,
          `${short(mean)} µs`,
          `${short(p99)} µs`,
        ];
      }),
    ),
  ];
}

/** The load of the master of the busiest user. */
function busiestUsers() {
  return [
    `The master of the busiest user, users busy by Zipf's law, and the largest share of all requests that one user may have before that master is full (${LOAD.master * 100} % is planned for):`,
    table(
      [
        'requests/s',
        'users',
        'masters',
        'the busiest user asks',
        'of its master, for that user',
        'with its part of everyone else',
        'largest share, at 100 %',
      ],
      HOT.map(([rate, users, servers = capacity.masters(rate)]) => {
        const share = capacity.busiest(users);
        return [
          plain(rate),
          plain(users),
          String(servers),
          `${plain(rate * share)}/s (${percent(share)})`,
          percent((rate * share * COSTS.lone) / 1e6),
          percent(capacity.hottest(rate, servers, share)),
          percent(capacity.largestShare(rate, servers, 1)),
        ];
      }),
    ),
  ];
}

/** Cost of messages between the nodes of a cluster. */
function messageShares() {
  return [
    'Messages that come one by one: a share of a core, of every other node of a Cluster, and of a server at which so many processes listen:',
    table(
      ['messages/s', 'every other node of a Cluster', ...LISTENERS.map((count) => `${count} listen`)],
      [10, 100, 1000, 10_000].map((messages) => [
        plain(messages),
        percent(capacity.busShare(messages)),
        ...LISTENERS.map((count) => percent(capacity.deliveryShare(messages, count))),
      ]),
    ),
  ];
}

/** Revocations per second that fill a core. */
function revocationRates() {
  return [
    `Revocations a second that fill a core of the node at which so many processes listen, alone, and beside decisions at ${LOAD.master * 100} %:`,
    table(
      [
        'listen',
        'µs a message',
        'fill a core',
        'beside decisions',
        'many together: µs a message',
        'fill a core',
      ],
      LISTENERS.map((count) => [
        String(count),
        plain(capacity.delivery(count)),
        plain(capacity.ceiling(count)),
        plain(capacity.ceiling(count, 1 - LOAD.master)),
        short(capacity.delivery(count, true)),
        plain(capacity.ceiling(count, 1, true)),
      ]),
    ),
  ];
}

/** Connections of the plan. */
function planConnections() {
  return [
    `Connections of the plan for ${plain(PLAN.rate)} requests/s, handlers of 200 µs (${planned().nodes} processes, ${planned().servers} masters):`,
    table(
      ['', 'in all', 'at each master', 'at the one where all listen'],
      [
        { what: 'without `acks`', acks: false },
        { what: 'with `acks`', acks: true },
      ].map(({ what, acks }) => {
        const { nodes, servers } = planned();
        return [
          what,
          plain(capacity.connections(nodes, servers, acks)),
          plain(capacity.connectionsAtOne(nodes, acks) - nodes),
          plain(capacity.connectionsAtOne(nodes, acks)),
        ];
      }),
    ),
  ];
}

/** The parts of the document that follow from the measured costs. @returns {string} */
const figures = () =>
  [
    ...decisionRates(),
    ...needsOfRates(),
    ...memoryOfUsers(),
    ...fullestMaster(),
    ...waitingTimes(),
    ...busiestUsers(),
    ...messageShares(),
    ...revocationRates(),
    ...planConnections(),
  ].join('\n\n');

/** What was weighed, as it was kept. @returns {Array<{ name: string, command: string, machine: any, sizes: any[], further: any[] }>} */
const weighed = () =>
  KINDS.map(({ kind, name }) => ({
    name,
    ...JSON.parse(fs.readFileSync(path.join(RESULTS, `memory-${kind}.json`), 'utf8')),
  }));

/** What was weighed on servers. @returns {string} */
function weights() {
  const kinds = weighed();
  const [first] = kinds;
  const { cpu, system, node } = first.machine;
  const versions = kinds.map(({ name, machine }) => `${name} ${machine.server}`).join(', ');
  const cells = (/** @type {(kind: any) => string} */ cell) => kinds.map(cell);
  const heads = (/** @type {string} */ what) => kinds.map(({ name }) => `${what}, ${name}`);
  return [
    `Machine: ${cpu}, ${system}; Node ${node}; ${versions}. Names of 13 characters, session ids of 22:`,
    ['```', ...kinds.map(({ command }) => command), '```'].join('\n'),
    table(
      [
        'users',
        ...heads('bytes a user with one session'),
        ...heads('a further session'),
        ...heads('µs a decision'),
      ],
      first.sizes.map(({ users }, at) => [
        plain(users),
        ...cells(({ sizes }) => plain(sizes[at].user)),
        ...cells(({ sizes }) => plain(sizes[at].session)),
        ...cells(({ sizes }) => sizes[at].decision.toFixed(1)),
      ]),
    ),
    table(
      ['further, each', ...heads('bytes')],
      first.further.map(({ what }, at) => [what, ...cells(({ further }) => plain(further[at].bytes))]),
    ),
  ].join('\n\n');
}

/** What a call costs for an account with history. @returns {string} */
function histories() {
  const { command, machine, rows } = JSON.parse(fs.readFileSync(path.join(RESULTS, 'history.json'), 'utf8'));
  const { cpu, system, node, server } = machine;
  const places = [
    { place: 'server', name: server },
    { place: 'embedded', name: 'embedded' },
  ];
  const find = (/** @type {any} */ wanted) =>
    rows.find((/** @type {any} */ row) => Object.entries(wanted).every(([key, value]) => row[key] === value));
  const kinds = rows.filter((/** @type {any} */ row) => row.place === 'server' && row.size === 10);
  const sizes = [10, 10_000, 100_000];
  const us = (/** @type {any} */ row) => (row === undefined ? '' : row.us.toFixed(row.us < 10 ? 1 : 0));
  return [
    `Machine: ${cpu}, ${system}; Node ${node}; ${server}:`,
    ['```', command, '```'].join('\n'),
    table(
      [
        'history of one account',
        'call',
        ...places.flatMap(({ name }) => sizes.map((size) => `µs, ${name}, ${plain(size)}`)),
        'longest script, ms',
      ],
      kinds.map((/** @type {any} */ { history, what }) => {
        const of = (/** @type {string} */ place, /** @type {number} */ size) =>
          find({ place, history, what, size });
        const longest = Math.max(...sizes.map((size) => of('server', size)?.longest ?? 0));
        return [
          history,
          what,
          ...places.flatMap(({ place }) => sizes.map((size) => us(of(place, size)))),
          (longest / 1000).toFixed(1),
        ];
      }),
    ),
  ].join('\n\n');
}

/** Row L of the newest Node that it was run on. @returns {string} */
function clusters() {
  const run = keptRuns().find(({ rows }) => rows.L !== undefined);
  if (run === undefined)
    return 'Row L has not been run yet: `npm run bench -- --rows L`, then `node bench/scaling.js --docs`.';
  const machine = machineOf(run, 'L');
  return `Machine: ${named(machine)}.\n\n${markdown([run], ({ row }) => row === 'L')}`;
}

/** What stands between which marks. @type {Array<[mark: string, make: () => string]>} */
const PARTS = [
  ['weights', weights],
  ['figures', figures],
  ['history', histories],
  ['row L', clusters],
];

/** The document with its tables as they should be. @param {string} text */
function written(text) {
  return PARTS.reduce((document, [mark, make]) => {
    const [begin, end] = [`<!-- ${mark}: begin -->\n`, `<!-- ${mark}: end -->`];
    const from = document.indexOf(begin) + begin.length;
    const to = document.indexOf(end);
    if (from < begin.length || to < from) throw new Error(`docs/scaling.md lacks the marks of its ${mark}`);
    return `${document.slice(0, from)}${make()}\n${document.slice(to)}`;
  }, text);
}

if (require.main === module) {
  if (process.argv.includes('--docs')) fs.writeFileSync(FILE, written(fs.readFileSync(FILE, 'utf8')));
  else console.log(PARTS.map(([, make]) => make()).join('\n\n'));
}

module.exports = { FILE, PLAN, planned, weighed, written };
