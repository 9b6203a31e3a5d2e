// node bench/scaling.js [--docs]
//
// The tables of docs/scaling.md, from bench/lib/capacity.js: prints them, or writes them into the document.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const capacity = require('./lib/capacity.js');

const FILE = path.join(__dirname, '..', 'docs', 'scaling.md');
const MARKS = ['<!-- figures: begin -->\n', '<!-- figures: end -->'];

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

/** @returns {string} */
function figures() {
  const { COSTS, LOAD } = capacity;
  const sizes = [1, 3, 6, 12, 24];
  const rates = [10_000, 50_000, 100_000, 300_000, 1_000_000];
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
    'Messages: a share of a core, of every other node of a Cluster, and of a server at which so many processes listen:',
    table(
      ['messages/s', 'every other node of a Cluster', '10 listen', '100 listen'],
      [100, 1000, 10_000].map((messages) => [
        plain(messages),
        percent(capacity.busShare(messages)),
        percent(capacity.deliveryShare(messages, 10)),
        percent(capacity.deliveryShare(messages, 100)),
      ]),
    ),
  ].join('\n\n');
}

/** The document with its tables as they should be. @param {string} text */
function written(text) {
  const [begin, end] = MARKS;
  const from = text.indexOf(begin) + begin.length;
  return `${text.slice(0, from)}${figures()}\n${text.slice(text.indexOf(end))}`;
}

if (require.main === module) {
  if (process.argv.includes('--docs')) fs.writeFileSync(FILE, written(fs.readFileSync(FILE, 'utf8')));
  else console.log(figures());
}

module.exports = { FILE, written };
