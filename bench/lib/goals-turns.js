'use strict';
// What the rows of locks (J, JM), of signals (JS) and of the Cluster (L) are judged by.

const { plain, ratio } = require('./series.js');

/** @typedef {import('./series.js').Goal} Goal */

const OTHERS = ['redlock', 'redis-semaphore', 'redlock-universal'];
const TUNED = OTHERS.map((other) => `${other}, 5 ms`);
/** How many wait. */
const LINES = [4, 32];

/** Free turns; pauses play no part in them. @returns {Goal[]} */
const free = () =>
  OTHERS.flatMap((other) => [
    {
      row: 'J',
      what: `free turn: median wait, ${other} against latchgate`,
      better: /** @type {const} */ ('more'),
      goal: 1.5,
      moonshot: 2,
      unit: 'x',
      value: ratio('J', [other, 'p50'], ['latchgate', 'p50']),
    },
    {
      row: 'J',
      what: `free turns, 64 in flight: CPU per turn against ${other}`,
      better: /** @type {const} */ ('more'),
      unit: 'x less',
      value: ratio('J', [other, 'cpu 64'], ['latchgate', 'cpu 64']),
    },
    {
      row: 'J',
      what: `free turns, 64 in flight: throughput against ${other}`,
      better: /** @type {const} */ ('more'),
      unit: 'x',
      value: ratio('J', ['latchgate', 'rate 64'], [other, 'rate 64']),
    },
  ]);

/** @param {string} other @param {{ goal: number, moonshot: number }} aims @returns {Goal[]} */
const handOff = (other, aims) =>
  LINES.map((line) => ({
    row: 'J',
    what: `hand-off, ${line} wait, against ${other}`,
    better: /** @type {const} */ ('more'),
    ...aims,
    unit: 'x quicker',
    value: ratio('J', [other, `hand-off ${line}`], ['latchgate', `hand-off ${line}`]),
  }));

/** @returns {Goal[]} */
function rowJ() {
  const common = { row: 'J', better: /** @type {const} */ ('less') };
  const own = (/** @type {string} */ what, /** @type {string} */ metric, unit = '', aims = {}) => ({
    ...common,
    what: `latchgate: ${what}`,
    ...aims,
    unit,
    value: plain('J', 'latchgate', metric),
  });
  return [
    ...free(),
    ...OTHERS.flatMap((other) => handOff(other, { goal: 50, moonshot: 300 })),
    ...TUNED.flatMap((other) => handOff(other, { goal: 5, moonshot: 10 })),
    ...LINES.map((line) => own(`hand-off, ${line} wait`, `hand-off ${line}`, 'µs')),
    ...LINES.map((line) =>
      own(`longest wait over the median, ${line} ask`, `max/median ${line}`, '', { goal: 3, moonshot: 2 }),
    ),
    ...[...OTHERS, ...TUNED].map((other) => ({
      ...common,
      what: `${other}: longest wait over the median, 32 ask`,
      unit: '',
      value: plain('J', other, 'max/median 32'),
    })),
    ...[...OTHERS, ...TUNED].map((other) => ({
      ...common,
      better: /** @type {const} */ ('more'),
      what: `turns a second, 32 ask again and again, against ${other}`,
      unit: 'x',
      value: ratio('J', ['latchgate', 'turns/s 32'], [other, 'turns/s 32']),
    })),
    own('sent per free turn', 'sent'),
    ...['latchgate', ...OTHERS, ...TUNED].map((contender) => ({
      ...common,
      what: `${contender}: commands per turn, those of scripts included, 32 wait`,
      unit: '',
      value: plain('J', contender, 'commands 32'),
    })),
  ];
}

/** @returns {Goal[]} */
const rowJM = () =>
  [
    { what: 'free turn: CPU', metric: 'cpu 1' },
    { what: 'hand-off, 32 wait', metric: 'hand-off 32' },
  ].map(({ what, metric }) => ({
    row: 'JM',
    what: `${what}, against async-mutex`,
    better: /** @type {const} */ ('less'),
    unit: 'x',
    value: ratio('JM', ['latchgate', metric], ['async-mutex', metric]),
  }));

/** @returns {Goal[]} */
const rowJS = () =>
  ['4 requests', '500 requests'].flatMap((load) => [
    {
      row: 'JS',
      what: `${load} in 4 processes: until the last signal aborts, median`,
      better: /** @type {const} */ ('less'),
      goal: 50_000,
      moonshot: 5000,
      unit: 'µs',
      value: plain('JS', load, 'last p50'),
    },
    {
      row: 'JS',
      what: `${load} in 4 processes: until the last signal aborts, p99`,
      better: /** @type {const} */ ('less'),
      unit: 'µs',
      value: plain('JS', load, 'last p99'),
    },
  ]);

/** @returns {Goal[]} */
const rowL = () =>
  ['3 masters', '6 masters'].flatMap((size) => [
    {
      row: 'L',
      what: `${size}: decisions a second against one server's`,
      better: /** @type {const} */ ('more'),
      ...(size === '3 masters' ? { goal: 2.2, moonshot: 3 } : {}),
      unit: 'x',
      value: ratio('L', [size, 'best'], ['one server', 'best']),
    },
    {
      row: 'L',
      what: `${size}: decisions per processor second of the fullest master, against one server's`,
      better: /** @type {const} */ ('more'),
      unit: 'x',
      value: ratio('L', [size, 'uncapped 2'], ['one server', 'uncapped 2']),
    },
    {
      row: 'L',
      what: `${size}: the client's CPU per decision against one server's`,
      better: /** @type {const} */ ('less'),
      unit: 'x',
      value: ratio('L', [size, 'client 2'], ['one server', 'client 2']),
    },
  ]);

module.exports = { rowJ, rowJM, rowJS, rowL };
