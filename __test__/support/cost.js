// Requests over kept connections, and a count of what comes into being while they run.
'use strict';

const { createHook } = require('node:async_hooks');
const net = require('node:net');

/**
 * Sends requests one after the other over one connection.
 * @param {number} port
 * @param {string} path
 * @param {string} text
 * @param {number} count
 * @returns {Promise<void>}
 */
function ask(port, path, text, count) {
  const request = `GET ${path} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer ${text}\r\n\r\n`;
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1');
    let left = count;
    socket.on('data', (chunk) => {
      if (!chunk.toString('latin1').startsWith('HTTP/1.1 200')) reject(new Error(chunk.toString('latin1')));
      else if (--left > 0) socket.write(request);
      else socket.end();
    });
    socket.on('close', () => resolve());
    socket.on('error', reject);
    socket.write(request);
  });
}

/** Counts what comes into being while something runs. @param {() => Promise<unknown>} run */
async function count(run) {
  /** @type {Record<string, number>} */
  const made = {};
  const hook = createHook({
    init(_id, type) {
      made[type] = (made[type] ?? 0) + 1;
    },
  });
  hook.enable();
  await run();
  hook.disable();
  return {
    promises: made.PROMISE ?? 0,
    timers: made.Timeout ?? 0,
    ticks: made.TickObject ?? 0,
    immediates: made.Immediate ?? 0,
  };
}

module.exports = { ask, count };
