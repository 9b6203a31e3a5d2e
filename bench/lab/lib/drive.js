'use strict';
// Sends what a plan says, when it says so, whatever the server answers (an open loop), and notes what came of it.

const http = require('node:http');
const { send } = require('../../../scripts/demo/client.js');

/**
 * @typedef {import('../../../scripts/demo/client.js').Call} Call
 * @typedef {object} Step what is to be sent
 * @property {number} at milliseconds from the beginning
 * @property {() => (Call & { kind: string, about?: any }) | undefined} call made when it is due; nothing: it is left out
 *
 * @typedef {object} Entry what came of it
 * @property {string} kind
 * @property {any} about what the plan noted
 * @property {number} due
 * @property {number} sent
 * @property {number} done
 * @property {number} clock the time of day when it was answered, in milliseconds
 * @property {number} status 0: the connection ended without an answer
 * @property {any} body
 * @property {string} [cookie]
 */

/** Two people at most wait for one connection: more would hide how long the server takes. */
const SOCKETS = 512;

/**
 * @param {number} port
 * @param {Step[]} steps
 * @param {(entry: Entry) => void} learn is told of every answer as it comes
 * @returns {Promise<Entry[]>} in the order in which they were answered
 */
async function drive(port, steps, learn) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: SOCKETS });
  /** @type {Entry[]} */
  const log = [];
  const ordered = steps.toSorted((a, b) => a.at - b.at);
  const open = new Set();
  const start = performance.now() + 20;
  let next = 0;

  const fire = (/** @type {Step} */ step) => {
    const call = step.call();
    if (call === undefined) return;
    const { kind, about, ...what } = call;
    const sent = performance.now();
    const note = (/** @type {import('../../../scripts/demo/client.js').Answer} */ answer) => {
      const [done, clock] = [performance.now(), Date.now()];
      const entry = { kind, about, due: start + step.at, sent, done, clock, ...answer };
      log.push(entry);
      learn(entry);
    };
    const answer = send(port, what, { agent }).then(note, () => note({ status: 0, body: undefined }));
    open.add(answer);
    answer.finally(() => open.delete(answer));
  };

  await new Promise((resolve) => {
    // Timers tick in milliseconds. To be finer, it would have to spin, on a processor that the servers need.
    const turn = () => {
      const now = performance.now() - start;
      while (next < ordered.length && ordered[next].at <= now) fire(ordered[next++]);
      if (next === ordered.length) resolve(undefined);
      else setTimeout(turn, ordered[next].at - now);
    };
    turn();
  });
  await Promise.all(open);
  agent.destroy();
  return log;
}

/** From when it was due: what came late was waited for. @param {Entry[]} log */
function latencies(log) {
  const times = Float64Array.from(log, ({ due, done }) => done - due).sort();
  const at = (/** @type {number} */ share) =>
    times.length === 0 ? 0 : times[Math.min(times.length - 1, Math.floor(share * times.length))];
  const mean = times.length === 0 ? 0 : times.reduce((sum, each) => sum + each, 0) / times.length;
  return { mean, p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}

module.exports = { drive, latencies };
