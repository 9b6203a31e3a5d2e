'use strict';
// An Express application with one guard before one handler that does next to nothing: what a guard costs weighs most here.
// Obeys its parent: says what processor time passed between 'start' and 'stop', and revokes a token.

const express = require('express');
const { GUARDS } = require('../contenders/guards.js');

/** @type {import('node:http').RequestListener} */
const handler = (_req, res) => {
  res.setHeader('Content-Length', '2');
  res.end('ok');
};

process.once('message', async (/** @type {any} */ { contender, port }) => {
  const { main, small, revoke } = await GUARDS[contender](port);
  const app = express();
  app.disable('x-powered-by');
  app.get('/', ...(main === undefined ? [] : [main]), handler);
  app.get('/small', ...(small === undefined ? [] : [small]), handler);
  const server = app.listen(0, '127.0.0.1', () => {
    process.send?.({ listening: /** @type {any} */ (server.address()).port, revokes: revoke !== undefined });
  });
  // An open loop leaves most connections idle for longer than the default.
  server.keepAliveTimeout = 0;
  let cpu = process.cpuUsage();
  process.on('message', async (/** @type {any} */ order) => {
    if (order.start) cpu = process.cpuUsage();
    if (order.stop) {
      const { user, system } = process.cpuUsage(cpu);
      process.send?.({ cpuMicros: user + system, rss: process.memoryUsage.rss() });
    }
    if (order.revoke) process.send?.({ revoked: await revoke?.(order.revoke) });
    if (order.start) process.send?.({ started: true });
  });
});
process.on('disconnect', () => process.exit(0));
