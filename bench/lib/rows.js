'use strict';
// What is run for which row: the contenders, and how one of them is measured once, in a process of its own.

const { Child, work } = require('./processes.js');

const DEPTHS = [1, 4, 16, 64, 256];
const RATES = [500, 1000, 2000];
const CONNECTIONS = 64;

/**
 * @typedef {object} Context
 * @property {string} node binary
 * @property {{ port: number, flush: () => Promise<unknown> }} redis
 * @property {number} scale of durations and counts
 *
 * @typedef {object} Measured
 * @property {Record<string, number>} metrics
 * @property {Record<string, number>} [counters] of what must not happen; undefined where nothing of it can be told
 * @property {number} failed requests that were refused though they should have passed
 *
 * @typedef {object} Row
 * @property {string} title
 * @property {string[]} contenders
 * @property {boolean} [once] counts need no rounds
 * @property {(context: Context, contender: string) => Promise<Measured>} run
 */

/**
 * @param {Context} context
 * @param {string} contender
 * @param {(load: Child, server: Child) => Promise<{ metrics: Record<string, number>, failed: number }>} measure
 * @returns {Promise<Measured>}
 */
async function overHttp({ node, redis, scale }, contender, measure) {
  const server = new Child(node, 'server');
  const load = new Child(node, 'load');
  try {
    const { listening, revokes } = await server.ask({ contender, port: redis.port });
    load.process.on('message', async (/** @type {any} */ { revoke }) => {
      if (revoke !== undefined) load.tell(await server.ask({ revoke }));
    });
    await load.ask({ connect: listening, count: CONNECTIONS });
    await load.ask({ closed: 500 * scale });
    const { metrics, failed } = await measure(load, server);
    const isDone = (/** @type {any} */ answer) => answer.done !== undefined;
    const counters = revokes ? (await load.ask({ races: true }, isDone)).done : undefined;
    return { metrics, counters, failed };
  } finally {
    await Promise.all([server.end(), load.end()]);
  }
}

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

/** @type {Record<string, Row>} */
const ROWS = {
  A: {
    title: 'Embedded decision, synchronous, HS256: nanoseconds by share of tokens seen before',
    contenders: ['latchgate decision', 'latchgate middleware', 'fast-jwt', 'fast-jwt, text as cache key'],
    run: ({ node, scale }, contender) => work(node, 'embedded', { contender, scale }),
  },
  C: {
    title: 'Whole decision on Redis, closed loop (C), and one in flight (D)',
    contenders: [
      'latchgate middleware',
      'latchgate authenticate',
      'ioredis',
      'ioredis-auto',
      'node-redis',
      'ioredis-auto + fast-jwt',
      'node-redis + fast-jwt',
    ],
    run: ({ node, redis, scale }, contender) =>
      work(node, 'redis', { contender, port: redis.port, depths: DEPTHS, ms: 250 * scale }),
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
    once: true,
    run: ({ node, redis }) => work(node, 'counts', { port: redis.port }),
  },
  G: {
    title: 'Express 5, embedded (G) and Redis (H): closed loop, 64 connections',
    contenders: [
      'bare',
      'bare, a turn later',
      'latchgate embedded',
      'latchgate embedded, quota',
      'fast-jwt',
      'fast-jwt, text as cache key',
      'latchgate redis',
      'latchgate redis, quota',
      'ioredis',
      'ioredis-auto',
      'node-redis',
    ],
    run: (context, contender) =>
      overHttp(context, contender, async (load, server) => {
        const done = await withCpu(server, () => load.ask({ closed: 800 * context.scale }));
        const { answered, refused, seconds, cpu, p50, p99, p999 } = done;
        return { metrics: { cpu, rate: answered / seconds, p50, p99, p999 }, failed: refused };
      }),
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
          const done = await withCpu(server, () => load.ask({ rate, ms: 1000 * context.scale }));
          failed += done.refused;
          for (const name of ['p50', 'p99', 'p999', 'cpu']) metrics[`${name} ${rate}`] = done[name];
        }
        return { metrics, failed };
      }),
  },
};

module.exports = { DEPTHS, RATES, ROWS };
