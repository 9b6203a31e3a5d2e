// The thread of onlooker.js.
'use strict';

const net = require('node:net');
const { parentPort, workerData } = require('node:worker_threads');
const { Frames, words } = require('./resp.js');

/** @type {{ port: number, shared: Int32Array }} */
const { port, shared } = workerData;
const [CALLS, CHUNKS] = [0, 1];

const server = net.createServer((client) => {
  const upstream = net.connect(port, '127.0.0.1');
  client.setNoDelay(true);
  upstream.setNoDelay(true);
  const frames = new Frames();
  client.on('data', (chunk) => {
    upstream.write(chunk);
    const calls = frames.push(chunk).filter((frame) => /^eval/i.test(words(frame)[0])).length;
    if (calls === 0) return;
    Atomics.add(shared, CHUNKS, 1);
    Atomics.add(shared, CALLS, calls);
    Atomics.notify(shared, CALLS);
  });
  upstream.on('data', (chunk) => client.write(chunk));
  for (const [one, other] of [
    [client, upstream],
    [upstream, client],
  ]) {
    one.on('error', () => {});
    one.on('close', () => other.destroy());
  }
});
server.listen(0, '127.0.0.1', () => {
  const { port: own } = /** @type {net.AddressInfo} */ (server.address());
  parentPort?.postMessage(own);
});
