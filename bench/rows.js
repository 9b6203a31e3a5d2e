'use strict';
// What is run for which row: the contenders, and how one of them is measured once, in a process of its own.

const fs = require('node:fs');
const path = require('node:path');
const { binaryName } = require('../scripts/lib/platform.js');
const { EMBEDDED, NETWORKED } = require('./contenders/lockers.js');
const { measureCluster } = require('./lib/cluster.js');
const { Child, startDelay, work } = require('./lib/processes.js');
const { SECRET } = require('./lib/settings.js');
const { measureSignals } = require('./lib/signals.js');
const { signed } = require('./lib/signed.js');
const { sign } = require('./lib/tokens.js');
const { measureTurns } = require('./lib/turns.js');

const DEPTHS = [1, 4, 16, 64, 256];
/** Microseconds each way: half a millisecond there and back. */
const FAR = 250;
const RATES = [500, 1000, 2000];
const CONNECTIONS = 64;
/** Of an open loop at one rate, in milliseconds: p99 of a second at 500/s would be its fifth longest wait. */
const SPELL_MS = 4000;
/** Users of row K, and of a short run of it. */
const SIZES = [1000, 10_000, 100_000, 1_000_000, 10_000_000];
const SHORT_SIZES = SIZES.slice(0, 4);
const WEIGHED = 1_000_000;
/** The young generation comes and goes by the megabyte: where bytes are weighed it is kept small. */
const SCALES = { flags: ['--expose-gc', '--max-semi-space-size=1'] };
/** Ten million users take gigabytes in a heap of JavaScript, and minutes to come. */
const ROOM = { flags: ['--max-old-space-size=14000'], patience: 900_000 };
const MASTERS = /** @type {Record<string, number>} */ ({ 'one server': 1, '3 masters': 3, '6 masters': 6 });
/** Requests of one user in each of the processes of row JS. */
const WATCHED = /** @type {Record<string, number>} */ ({ '4 requests': 1, '500 requests': 125 });
const ADDON = path.join(__dirname, '..', 'src', 'js', binaryName);

/**
 * @typedef {object} Context
 * @property {string} node binary
 * @property {{ port: number, flush: () => Promise<unknown> }} redis
 * @property {number} scale of durations and counts
 *
 * @typedef {import('./lib/series.js').Measured} Measured
 *
 * @typedef {object} Row
 * @property {string} title
 * @property {string[]} contenders
 * @property {number} [rounds] at most: counts need no more than one
 * @property {(context: Context, contender: string) => Promise<Measured>} run
 */

/**
 * @param {Context} context
 * @param {string} contender
 * @param {(load: Child, server: Child) => Promise<{ metrics: Record<string, number>, failed: number }>} measure
 * @param {boolean} [spins] the load generator keeps a processor for itself
 * @returns {Promise<Measured>}
 */
async function overHttp({ node, redis, scale }, contender, measure, spins = false) {
  const server = new Child(node, 'server');
  const load = new Child(node, 'load');
  try {
    const { listening, revokes } = await server.ask({ contender, port: redis.port });
    load.process.on('message', async (/** @type {any} */ { revoke }) => {
      if (revoke !== undefined) load.tell(await server.ask({ revoke }));
    });
    await load.ask({ connect: listening, count: CONNECTIONS, spins });
    await load.ask({ closed: 500 * scale });
    const { metrics, failed } = await measure(load, server);
    const isDone = (/** @type {any} */ answer) => answer.done !== undefined;
    const counters = revokes ? (await load.ask({ races: true }, isDone)).done : undefined;
    return { metrics, counters, failed };
  } finally {
    await Promise.all([server.end(), load.end()]);
  }
}

/** @param {boolean} spins @returns {Row['run']} */
const closedLoop = (spins) => (context, contender) =>
  overHttp(
    context,
    contender,
    async (load, server) => {
      const done = await withCpu(server, () => load.ask({ closed: 800 * context.scale }));
      const { answered, refused, seconds, cpu, p50, p99, p999 } = done;
      return { metrics: { cpu, rate: answered / seconds, p50, p99, p999 }, failed: refused };
    },
    spins,
  );

/**
 * @param {Child} server
 * @param {() => Promise<any>} measure
 */
async function withCpu(server, measure) {
  await server.ask({ start: true });
  const { done } = await measure();
  const { cpuMicros } = await server.ask({ stop: true });
  return { ...done, cpu: cpuMicros / done.answered };
}

const DECIDERS = [
  'latchgate middleware',
  'latchgate authenticate',
  'ioredis',
  'ioredis-auto',
  'node-redis',
  'ioredis-auto + fast-jwt',
  'node-redis + fast-jwt',
];

/** @type {Record<string, Row>} */
const ROWS = {
  A: {
    title: 'Embedded decision, synchronous, HS256: nanoseconds by share of tokens seen before',
    contenders: ['latchgate decision', 'latchgate middleware', 'fast-jwt', 'fast-jwt, text as cache key'],
    run: ({ node, scale }, contender) => work(node, 'embedded', { contender, scale }),
  },
  AQ: {
    title: 'A unit charged in memory, one after another: nanoseconds',
    contenders: ['latchgate middleware', 'latchgate consume', 'rate-limiter-flexible', 'express-rate-limit'],
    run: ({ node, scale }, contender) => work(node, 'limits', { contender, scale }),
  },
  B: {
    title: 'Verification of tokens never seen before: microseconds of processor time, and tokens per second',
    contenders: [
      'latchgate',
      'latchgate, claims unread',
      'fast-jwt',
      'jose',
      '@node-rs/jsonwebtoken',
      'jsonwebtoken',
    ],
    run: ({ node, scale }, contender) => work(node, 'verify', { contender, batches: signed(scale) }),
  },
  C: {
    title: 'Whole decision on Redis, closed loop (C), and one in flight (D)',
    contenders: DECIDERS,
    run: ({ node, redis, scale }, contender) =>
      work(node, 'redis', { contender, port: redis.port, depths: DEPTHS, ms: 250 * scale }),
  },
  CD: {
    title: 'Whole decision on a Redis that is half a millisecond away, closed loop, and one in flight',
    contenders: DECIDERS,
    run: async ({ node, redis, scale }, contender) => {
      const line = await startDelay(redis.port, FAR);
      try {
        return await work(node, 'redis', { contender, port: line.port, depths: DEPTHS, ms: 250 * scale });
      } finally {
        await line.stop();
      }
    },
  },
  CQ: {
    title: 'A unit charged on Redis, closed loop, and one in flight',
    contenders: [
      'latchgate middleware',
      'latchgate consume',
      'rate-limiter-flexible, ioredis',
      'rate-limiter-flexible, ioredis-auto',
      'rate-limiter-flexible, node-redis',
      'express-rate-limit, ioredis',
      'express-rate-limit, ioredis-auto',
      'express-rate-limit, node-redis',
    ],
    run: ({ node, redis, scale }, contender) =>
      work(node, 'redis-limits', { contender, port: redis.port, depths: DEPTHS, ms: 250 * scale }),
  },
  E: {
    title: "Cost to the server: its own account of the script's time, and its processor time in all",
    contenders: ['decision with quota', 'decision without quota', 'five plain commands'],
    run: ({ node, redis, scale }, contender) =>
      work(node, 'server-cost', { contender, port: redis.port, count: Math.round(20_000 * scale) }),
  },
  F: {
    title: 'Counts per authenticated request on Redis',
    contenders: ['latchgate middleware'],
    rounds: 1,
    run: ({ node, redis }) => work(node, 'counts', { port: redis.port }),
  },
  G: {
    title: 'Express 5, embedded: closed loop, 64 connections',
    contenders: [
      'bare',
      'bare, an empty middleware',
      'latchgate embedded',
      'latchgate embedded, quota',
      'fast-jwt',
      'fast-jwt, text as cache key',
    ],
    run: closedLoop(true),
  },
  H: {
    title: 'Express 5, Redis: closed loop, 64 connections',
    contenders: [
      'bare',
      'bare, a turn later',
      'latchgate redis',
      'latchgate redis, quota',
      'ioredis',
      'ioredis-auto',
      'node-redis',
    ],
    // Redis needs a processor too.
    run: closedLoop(false),
  },
  I: {
    title: 'Express 5, open loop: latency in microseconds from when a request was due',
    contenders: ['bare', 'latchgate embedded, quota', 'latchgate redis, quota'],
    run: (context, contender) =>
      overHttp(context, contender, async (load, server) => {
        /** @type {Record<string, number>} */
        const metrics = {};
        let failed = 0;
        for (const rate of RATES) {
          const done = await withCpu(server, () => load.ask({ rate, ms: SPELL_MS * context.scale }));
          failed += done.refused;
          for (const name of ['p50', 'p99', 'p999', 'cpu']) metrics[`${name} ${rate}`] = done[name];
        }
        return { metrics, failed };
      }),
  },
  J: {
    title: 'Locks on Redis: a free turn, and one key for 4 and 32 who wait in 4 processes; microseconds',
    contenders: Object.keys(NETWORKED),
    run: ({ node, redis, scale }, contender) =>
      measureTurns(node, contender, { port: redis.port, processes: 4, each: [1, 8], ms: 500 * scale }),
  },
  JM: {
    title: 'Locks within one process: a free turn, and one key for 32 who wait; microseconds',
    contenders: Object.keys(EMBEDDED),
    run: ({ node, scale }, contender) =>
      measureTurns(node, contender, { processes: 1, each: [32], ms: 500 * scale }),
  },
  JS: {
    title: 'From the call that revokes a user until signals abort in 4 processes; microseconds',
    contenders: Object.keys(WATCHED),
    run: ({ node, redis, scale }, contender) =>
      measureSignals(node, {
        port: redis.port,
        processes: 4,
        each: WATCHED[contender],
        users: Math.round(200 * scale),
      }),
  },
  K: {
    title: 'Users: bytes that one weighs, and nanoseconds for one of so many',
    contenders: ['latchgate sessions', 'latchgate quotas', 'rate-limiter-flexible', 'JS Map'],
    rounds: 3,
    run: async ({ node, scale }, contender) => {
      const weight = await work(node, 'memory', { contender, weighed: WEIGHED }, SCALES);
      const sizes = scale < 1 ? SHORT_SIZES : SIZES;
      const count = Math.round(200_000 * scale);
      const times = await work(node, 'memory', { contender, sizes, count }, ROOM);
      return {
        ...times,
        metrics: { ...weight.metrics, ...times.metrics },
        failed: weight.failed + times.failed,
      };
    },
  },
  L: {
    title: 'Decisions a second of one server and of Clusters, by one client process and by two',
    contenders: Object.keys(MASTERS),
    run: ({ node, scale }, contender) =>
      measureCluster(node, { masters: MASTERS[contender], ms: 1000 * scale }),
  },
  M: {
    title: 'Cold start: from require() to the first verdict, and what is loaded',
    contenders: ['latchgate', 'fast-jwt', 'jose'],
    run: ({ node }, contender) => {
      const bytes = contender === 'latchgate' ? { 'addon MB': fs.statSync(ADDON).size / 1e6 } : {};
      const secret = SECRET.toString('base64');
      return work(node, 'cold-start', { contender, secret, token: sign('user-first'), bytes });
    },
  },
};

module.exports = { ROWS };
