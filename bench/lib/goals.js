'use strict';
// What each row is judged by: a figure of one run, and what it should be. Ratios are taken within rounds.

const { rowJ, rowJM, rowJS, rowL } = require('./goals-turns.js');
const { plain, ratio } = require('./series.js');

/** @typedef {import('./series.js').Goal} Goal */

const minus = (/** @type {number} */ a, /** @type {number} */ b) => a - b;

/** @returns {Goal[]} */
function rowA() {
  const [goal, moonshot] = [3, 5];
  const against = (
    /** @type {string} */ own,
    /** @type {string} */ other,
    /** @type {number} */ hits,
    /** @type {{ goal?: number, moonshot?: number }} */ aims = {},
  ) => ({
    row: 'A',
    what: `${own} against ${other}, ${hits} % known tokens`,
    better: /** @type {const} */ ('more'),
    ...aims,
    unit: 'x cheaper',
    value: ratio('A', [other, `ns ${hits}`], [own, `ns ${hits}`]),
  });
  return [
    against('latchgate decision', 'fast-jwt', 100, { goal, moonshot }),
    against('latchgate decision', 'fast-jwt', 95),
    against('latchgate decision', 'fast-jwt', 0),
    against('latchgate middleware', 'fast-jwt', 100),
    against('latchgate middleware', 'fast-jwt', 95),
    against('latchgate middleware', 'fast-jwt', 0),
    against('latchgate decision', 'fast-jwt, text as cache key', 100),
    against('latchgate decision', 'fast-jwt, text as cache key', 95),
    against('latchgate decision', 'fast-jwt, text as cache key', 0),
  ];
}

/** @returns {Goal[]} */
const rowAQ = () =>
  ['latchgate middleware', 'latchgate consume'].flatMap((own) =>
    ['rate-limiter-flexible', 'express-rate-limit'].map((other) => ({
      row: 'AQ',
      what: `${own} against ${other}`,
      better: /** @type {const} */ ('more'),
      unit: 'x cheaper',
      value: ratio('AQ', [other, 'ns'], [own, 'ns']),
    })),
  );

/** @returns {Goal[]} */
const rowB = () =>
  [
    { alg: 'HS256', goal: 1.3, moonshot: 2 },
    { alg: 'RS256', goal: 1, moonshot: 1.2 },
    { alg: 'ES256', goal: 1, moonshot: 1.2 },
    { alg: 'EdDSA', goal: 2, moonshot: 2.5 },
  ].flatMap(({ alg, ...aims }) =>
    ['fast-jwt', 'jose', '@node-rs/jsonwebtoken', 'jsonwebtoken']
      .filter((other) => alg !== 'EdDSA' || other !== 'jsonwebtoken')
      .map((other) => ({
        row: 'B',
        what: `${alg}, against ${other}`,
        better: /** @type {const} */ ('more'),
        ...aims,
        unit: 'x cheaper',
        value: ratio('B', [other, `µs ${alg}`], ['latchgate', `µs ${alg}`]),
      })),
  );

const OTHERS = ['ioredis', 'ioredis-auto', 'node-redis'];
const WHOLE = ['ioredis-auto + fast-jwt', 'node-redis + fast-jwt'];

/**
 * @param {'C' | 'CD'} row near, and far away, where nothing is promised
 * @returns {Goal[]}
 */
function rowC(row) {
  const goals = [];
  for (const other of [...OTHERS, ...WHOLE]) {
    const own = 'latchgate middleware';
    for (const depth of [256, 64, 16, 4]) {
      const [cpu, rate] = row === 'C' ? aimsAt(depth) : [[], []];
      const common = { row, better: /** @type {const} */ ('more') };
      goals.push(
        {
          ...common,
          what: `CPU per decision against ${other}, ${depth} in flight`,
          goal: cpu[0],
          moonshot: cpu[1],
          unit: 'x less',
          value: ratio(row, [other, `cpu ${depth}`], [own, `cpu ${depth}`]),
        },
        {
          ...common,
          what: `throughput against ${other}, ${depth} in flight`,
          goal: rate[0],
          moonshot: rate[1],
          unit: 'x',
          value: ratio(row, [own, `rate ${depth}`], [other, `rate ${depth}`]),
        },
      );
    }
  }
  return goals;
}

/**
 * @param {number} depth
 * @returns {[cpu: number[], rate: number[]]} goal and moonshot
 */
function aimsAt(depth) {
  if (depth === 256)
    return [
      [3, 5],
      [1.5, 2],
    ];
  return depth === 64
    ? [[], []]
    : [
        [1, 1],
        [1, 1],
      ];
}

const LIMITERS = ['rate-limiter-flexible', 'express-rate-limit'].flatMap((limiter) =>
  OTHERS.map((client) => `${limiter}, ${client}`),
);

/** @returns {Goal[]} */
function rowCQ() {
  const common = { row: 'CQ', better: /** @type {const} */ ('more') };
  const cpu = (/** @type {string} */ own, /** @type {string} */ other) => ({
    ...common,
    what: `${own}: CPU per decision against ${other}, 256 in flight`,
    unit: 'x less',
    value: ratio('CQ', [other, 'cpu 256'], [own, 'cpu 256']),
  });
  const rate = (/** @type {string} */ own, /** @type {string} */ other, /** @type {number} */ depth) => ({
    ...common,
    what: `${own}: throughput against ${other}, ${depth} in flight`,
    unit: 'x',
    value: ratio('CQ', [own, `rate ${depth}`], [other, `rate ${depth}`]),
  });
  const own = 'latchgate consume';
  return LIMITERS.flatMap((other) => [
    cpu(own, other),
    rate(own, other, 256),
    rate(own, other, 16),
    {
      ...common,
      what: `${own}: median wait against ${other}, 1 in flight`,
      better: /** @type {const} */ ('less'),
      unit: 'x',
      value: ratio('CQ', [own, 'p50'], [other, 'p50']),
    },
    cpu('latchgate middleware', other),
    rate('latchgate middleware', other, 256),
  ]);
}

/**
 * One in flight.
 * @param {'C' | 'CD'} row near, and far away, where nothing is promised
 * @param {{ goal?: number, moonshot?: number }} aims
 * @returns {Goal[]}
 */
const rowD = (row, aims) =>
  [...OTHERS, ...WHOLE].map((other) => ({
    row: row === 'C' ? 'D' : row,
    what: `median wait against ${other}, 1 in flight`,
    better: 'less',
    ...aims,
    unit: 'x',
    value: ratio(row, ['latchgate middleware', 'p50'], [other, 'p50']),
  }));

/** @returns {Goal[]} */
const rowE = () => [
  ...[
    { contender: 'decision with quota', goal: 6, moonshot: 4 },
    { contender: 'decision without quota', goal: 4, moonshot: 2.5 },
    { contender: 'five plain commands' },
  ].map(({ contender, ...aims }) => ({
    row: 'E',
    what: `${contender}: time in commands`,
    better: /** @type {const} */ ('less'),
    ...aims,
    unit: 'µs',
    value: plain('E', contender, 'usec'),
  })),
  ...['decision with quota', 'decision without quota'].map((contender) => ({
    row: 'E',
    what: `${contender}: the server's processor time against five plain commands`,
    better: /** @type {const} */ ('more'),
    unit: 'x less',
    value: ratio('E', ['five plain commands', 'serverCpu'], [contender, 'serverCpu']),
  })),
];

/** @returns {Goal[]} */
const rowF = () =>
  [
    { metric: 'commands per request', goal: 1 },
    { metric: 'scripts per request', goal: 1 },
    { metric: 'promises per request', goal: 0 },
    { metric: 'clients that send the same', goal: 3 },
  ].map(({ metric, goal }) => ({
    row: 'F',
    what: metric,
    better: 'exactly',
    goal,
    moonshot: goal,
    unit: '',
    value: plain('F', 'latchgate middleware', metric),
  }));

/**
 * @param {string} row
 * @param {string} contender
 * @param {{ share?: [number, number], cpu?: [number, number] }} [aims]
 * @returns {Goal[]}
 */
function overBare(row, contender, { share = [NaN, NaN], cpu = [NaN, NaN] } = {}) {
  const aim = (/** @type {number} */ value) => (Number.isNaN(value) ? undefined : value);
  return [
    {
      row,
      what: `${contender}: added CPU per request`,
      better: 'less',
      goal: aim(cpu[0]),
      moonshot: aim(cpu[1]),
      unit: 'µs',
      value: ratio(row, [contender, 'cpu'], ['bare', 'cpu'], minus),
    },
    {
      row,
      what: `${contender}: share of bare throughput`,
      better: 'more',
      goal: aim(share[0]),
      moonshot: aim(share[1]),
      unit: '%',
      value: ratio(row, [contender, 'rate'], ['bare', 'rate'], (a, b) => (100 * a) / b),
    },
  ];
}

/** @returns {Goal[]} */
const rowsGH = () => [
  ...['latchgate embedded', 'latchgate embedded, quota'].flatMap((contender) =>
    overBare('G', contender, { share: [95, 98], cpu: [2, 1] }),
  ),
  ...['fast-jwt', 'fast-jwt, text as cache key'].flatMap((contender) => overBare('G', contender)),
  ...['latchgate redis', 'latchgate redis, quota'].flatMap((contender) =>
    overBare('H', contender, { share: [80, 90], cpu: [3, 2] }),
  ),
  ...OTHERS.flatMap((contender) => overBare('H', contender)),
  ...overBare('G', 'bare, an empty middleware'),
  ...overBare('H', 'bare, a turn later'),
];

/** @returns {Goal[]} */
const rowI = () =>
  ['latchgate embedded, quota', 'latchgate redis, quota'].flatMap((contender) =>
    [500, 1000, 2000].map((rate) => ({
      row: 'I',
      what: `${contender}: added p99 at ${rate}/s`,
      better: /** @type {const} */ ('less'),
      goal: 1000,
      moonshot: 300,
      unit: 'µs',
      value: ratio('I', [contender, `p99 ${rate}`], ['bare', `p99 ${rate}`], minus),
    })),
  );

/** @returns {Goal[]} */
function rowK() {
  const common = { row: 'K', better: /** @type {const} */ ('less') };
  const flat = (/** @type {string} */ contender, /** @type {string} */ what, aims = {}) => ({
    ...common,
    what: `${contender}: ${what} of the largest number of users against 1,000`,
    ...aims,
    unit: 'x',
    value: plain('K', contender, `${what}, last to first`),
  });
  const aims = { goal: 1.5, moonshot: 1.2 };
  const weight = (/** @type {string} */ contender, weightAims = {}) => ({
    ...common,
    what: `${contender}: weight of one of a million users`,
    ...weightAims,
    unit: 'B',
    value: plain('K', contender, 'bytes'),
  });
  return [
    weight('latchgate sessions', { goal: 400, moonshot: 250 }),
    ...['latchgate quotas', 'rate-limiter-flexible', 'JS Map'].map((contender) => weight(contender)),
    flat('latchgate sessions', 'decide', aims),
    flat('latchgate sessions', 'touch', aims),
    flat('latchgate quotas', 'touch', aims),
    ...['rate-limiter-flexible', 'JS Map'].map((contender) => flat(contender, 'touch')),
  ];
}

/** @returns {Goal[]} */
const rowM = () => [
  {
    row: 'M',
    what: 'from require() to the first verdict',
    better: 'less',
    goal: 30,
    moonshot: 15,
    unit: 'ms',
    value: plain('M', 'latchgate', 'ms'),
  },
  {
    row: 'M',
    what: 'the addon',
    better: 'less',
    goal: 6,
    moonshot: 4,
    unit: 'MB',
    value: plain('M', 'latchgate', 'addon MB'),
  },
  ...['fast-jwt', 'jose'].map((contender) => ({
    row: 'M',
    what: `${contender}: from require() to the first verdict`,
    better: /** @type {const} */ ('less'),
    unit: 'ms',
    value: plain('M', contender, 'ms'),
  })),
];

/** The rows that a goal's figures stand in. @param {string} row */
const measuredIn = (row) => ({ D: 'C' })[row] ?? row;

const GOALS = [
  ...rowA(),
  ...rowAQ(),
  ...rowB(),
  ...rowC('C'),
  ...rowC('CD'),
  ...rowD('CD', {}),
  ...rowCQ(),
  ...rowD('C', { goal: 1, moonshot: 0.9 }),
  ...rowE(),
  ...rowF(),
  ...rowsGH(),
  ...rowI(),
  ...rowJ(),
  ...rowJM(),
  ...rowJS(),
  ...rowK(),
  ...rowL(),
  ...rowM(),
];

module.exports = { GOALS, measuredIn };
