// Real Express apps of both major versions, on a free port of the loopback interface.
'use strict';

const http = require('node:http');
const express = require('express');
const express4 = require('express4');

const EXPRESS = [
  { name: 'Express 5', express },
  { name: 'Express 4', express: /** @type {typeof express} */ (/** @type {unknown} */ (express4)) },
];

/** @typedef {{ port: number, close: () => Promise<void> }} Site */

/**
 * @param {http.RequestListener} app
 * @returns {Promise<Site>}
 */
function listen(app) {
  const server = http.createServer(app);
  const close = () =>
    new Promise((/** @type {(value: void) => void} */ resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return new Promise((resolve) => {
    server.listen({ port: 0, host: '127.0.0.1', backlog: 2048 }, () => {
      const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
      resolve({ port, close });
    });
  });
}

/**
 * Serves for as long as the test runs.
 * @param {{ after: (fn: () => Promise<void>) => void }} t
 * @param {(app: import('express').Express) => void} build
 * @param {typeof express} [framework]
 * @returns {Promise<number>} the port
 */
async function serve(t, build, framework = express) {
  const app = framework();
  build(app);
  app.use(tellError);
  const { port, close } = await listen(app);
  t.after(close);
  return port;
}

/**
 * Faults as JSON, so that tests see which one came: Express's own handler tells them by environment.
 * @param {any} error
 * @param {unknown} _req
 * @param {import('express').Response} res
 * @param {unknown} _next without it Express takes this for a handler of requests
 */
function tellError(error, _req, res, _next) {
  res.status(error.status ?? 599).json({ code: error.code, message: error.message, name: error.name });
}

module.exports = { EXPRESS, listen, serve };
