'use strict';
// Row E: what a decision costs the server, by its own account (INFO commandstats), and what the plain commands would cost
// that do the same one after another, with races between them.

const { throughMiddleware } = require('../contenders/latchgate.js');
const { correctness } = require('../lib/correctness.js');
const { worker } = require('../lib/measure.js');
const { Connection } = require('../lib/resp.js');
const { oneEach, userOf } = require('../lib/tokens.js');

const DEPTH = 16;

/**
 * @param {number} count
 * @param {(at: number) => Promise<unknown>} ask
 */
async function inParallel(count, ask) {
  let at = 0;
  const lane = async () => {
    while (at < count) await ask(at++);
  };
  await Promise.all(Array.from({ length: DEPTH }, lane));
}

/** User blocked or revoked? Token revoked? Session live? Touch it; charge the quota. @param {Connection} connection */
function fivePlain(connection) {
  return async (/** @type {number} */ at) => {
    const user = userOf(at);
    const answers = await Promise.all([
      connection.ask('GET', `plain:{${user}}:epoch`),
      connection.ask('EXISTS', `plain:{${user}}:revoked:jti-${user}-0123456789`),
      connection.ask('HGET', `plain:{${user}}:sessions`, `session-of-${user}`),
      connection.ask('HSET', `plain:{${user}}:sessions`, `session-of-${user}`, String(Date.now())),
      connection.ask('INCR', `plain:{${user}}:quota`),
    ]);
    if (answers[0] !== '$-1\r\n') throw new Error('a plain command did not answer');
  };
}

worker(async ({ contender, port, count }) => {
  const connection = new Connection(port);
  const gate = throughMiddleware(`redis://127.0.0.1:${port}`, contender === 'decision with quota');
  await gate.ready();
  const tokens = oneEach();
  const decide = (/** @type {number} */ at) =>
    new Promise((resolve) => gate.pass(`Bearer ${tokens[at % tokens.length]}`, () => resolve(undefined)));
  const plain = contender === 'five plain commands';
  const ask = plain ? fivePlain(connection) : decide;

  await inParallel(count / 2, ask);
  await connection.ask('CONFIG', 'RESETSTAT');
  const before = await connection.cpu();
  await inParallel(count, ask);
  const cpu = (await connection.cpu()) - before;
  const stats = await connection.commandStats();
  const outer = plain ? ['get', 'exists', 'hget', 'hset', 'incr'] : ['evalsha'];
  const usec = outer.reduce((sum, name) => sum + stats[name].usec, 0);
  const calls = outer.reduce((sum, name) => sum + stats[name].calls, 0);
  const metrics = { usec: usec / count, commands: calls / count, serverCpu: (cpu * 1e6) / count };
  const counters = plain ? undefined : await correctness(gate.ask, gate.revoke);
  return { metrics, counters, failed: 0 };
});
