// How each process of the crowd listens: on a port of its own, and on the shared port if it is a worker of a cluster.
'use strict';

/** Longer than nginx keeps an idle connection (60 s). A server that closes first turns a request into a 502. */
const KEEP_ALIVE_MS = 120_000;

/** @param {import('express').Express} app @param {import('node:net').ListenOptions} at @param {() => void} then */
function listenAt(app, at, then) {
  const server = app.listen(at, then);
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  return server;
}

/** @param {import('express').Express} app */
function listen(app) {
  const own = listenAt(app, { port: 0, host: '127.0.0.1', exclusive: true, backlog: 2048 }, () => {
    const { port } = /** @type {import('node:net').AddressInfo} */ (own.address());
    const report = () => console.log(JSON.stringify({ port, pid: process.pid }));
    const shared = process.env.LATCHGATE_TEST_PORT;
    if (shared === undefined) report();
    else listenAt(app, { port: Number(shared), host: '127.0.0.1', backlog: 2048 }, report);
  });
}

module.exports = { listen };
