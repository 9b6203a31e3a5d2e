'use strict';
// Asks a server over HTTP: as quickly as it answers (closed loop), or at a fixed rate, whatever it answers (open loop).

const { correctness } = require('../lib/correctness.js');
const { connect, requestBytes } = require('../lib/http-client.js');
const { percentiles } = require('../lib/measure.js');
const { oneEach } = require('../lib/tokens.js');

/** @typedef {Awaited<ReturnType<typeof connect>>[number]} Connection */

const requests = oneEach().map((token) => requestBytes(token));

/**
 * @param {Connection[]} connections
 * @param {number} ms
 */
function closedLoop(connections, ms) {
  const latencies = new Float64Array(400_000);
  const start = performance.now();
  const end = start + ms;
  let [asked, answered, refused, open] = [0, 0, 0, connections.length];
  return new Promise((resolve) => {
    for (const connection of connections) {
      let sent = 0;
      const ask = () => {
        sent = performance.now();
        connection.send(requests[asked++ % requests.length]);
      };
      connection.onResponse = (ok) => {
        const now = performance.now();
        latencies[answered++ % latencies.length] = now - sent;
        if (!ok) refused++;
        if (now < end) ask();
        else if (--open === 0) {
          const samples = latencies.subarray(0, Math.min(answered, latencies.length));
          resolve({ answered, refused, seconds: (now - start) / 1000, ...percentiles(samples) });
        }
      };
      ask();
    }
  });
}

/**
 * Latency counts from the instant at which a request was due, not from when it was sent. The loop spins, because timers are
 * a millisecond coarse; that takes one processor whole.
 * @param {Connection[]} connections
 * @param {number} rate per second
 * @param {number} ms
 */
function openLoop(connections, rate, ms) {
  const count = Math.round((rate * ms) / 1000);
  const latencies = new Float64Array(count);
  const idle = [...connections];
  const gap = 1000 / rate;
  const start = performance.now() + 5;
  let [asked, answered, refused, late] = [0, 0, 0, 0];
  return new Promise((resolve) => {
    const spin = () => {
      for (
        let due = start + asked * gap;
        asked < count && performance.now() >= due;
        due = start + asked * gap
      ) {
        const connection = idle.pop();
        // All of them wait for answers: this one is sent late, and counts from when it was due all the same.
        if (connection === undefined) {
          late++;
          break;
        }
        connection.onResponse = (ok) => {
          latencies[answered++] = performance.now() - due;
          if (!ok) refused++;
          idle.push(connection);
          if (answered === count)
            resolve({ answered, refused, late, seconds: ms / 1000, ...percentiles(latencies) });
        };
        connection.send(requests[asked++ % requests.length]);
      }
      if (asked < count || answered < count) setImmediate(spin);
    };
    spin();
  });
}

/**
 * @param {Connection[]} connections
 * @returns {(token: string) => Promise<boolean>}
 */
function asker(connections) {
  const idle = [...connections];
  /** @type {Array<() => void>} */
  const queue = [];
  return (token) =>
    new Promise((resolve) => {
      const go = () => {
        const connection = /** @type {Connection} */ (idle.pop());
        connection.onResponse = (ok) => {
          idle.push(connection);
          resolve(ok);
          queue.shift()?.();
        };
        connection.send(requestBytes(token, '/small'));
      };
      if (idle.length > 0) go();
      else queue.push(go);
    });
}

/**
 * From here on this process never sleeps. On one machine whoever sends to one that sleeps also wakes it, and pays for that: a
 * server that is slower would pay more often.
 */
const spin = () => void setImmediate(spin);

/** @type {Connection[]} */
let connections = [];

/** @param {string} token */
const revoke = (token) =>
  new Promise((resolve) => {
    process.send?.({ revoke: token });
    process.once('message', resolve);
  });

/** @param {any} order */
async function obey(order) {
  if (order.connect !== undefined) {
    if (order.spins) spin();
    connections = await connect(order.connect, order.count);
    return {};
  }
  if (order.closed !== undefined) return closedLoop(connections, order.closed);
  if (order.rate !== undefined) return openLoop(connections, order.rate, order.ms);
  return correctness(asker(connections), revoke);
}

process.on('message', async (/** @type {any} */ order) => {
  if (order.revoked !== undefined) return;
  process.send?.({ done: await obey(order) });
});
process.on('disconnect', () => process.exit(0));
