// An app as one should end: at SIGTERM it takes no more requests, answers those that it has, closes its Auth, and is over.
'use strict';

const express = require('express');
const { createAuth } = require('latchgate');
const { SECRET } = require('../jwt.js');

const store = { url: String(process.env.STORE), commandTimeout: '30s' };
const auth = createAuth({ store, jwt: { secret: SECRET } });
const app = express();
let [taken, answered] = [0, 0];

app.get('/now', (_req, res) => void res.json({ pid: process.pid }));
app.use((_req, res, next) => {
  taken++;
  res.on('finish', () => void answered++);
  next();
});
app.get(
  '/charged',
  auth.middleware({ quota: { limit: 1000, window: '1h', name: 'charged' } }),
  async (req, res) => {
    // Behind the middleware there is work on the store too.
    const { value } = await auth.counters.add(String(req.auth?.userId), 'c', 1);
    res.json({ value });
  },
);

const site = app.listen({ port: 0, host: '127.0.0.1' }, () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (site.address());
  console.log(JSON.stringify({ port, pid: process.pid }));
});

process.on('SIGTERM', () => {
  console.log('ending');
  site.close(async () => {
    await auth.close();
    console.log(JSON.stringify({ taken, answered }));
  });
});
