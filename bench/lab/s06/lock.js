'use strict';
// The same app with a lock for each user, as it is usually written: a lease of 100 ms, three attempts, then 429.

const express = require('express');
const { Redis } = require('ioredis');
const { createAuth } = require('latchgate');

/** @type {import('../lib/app.js').Build} */
module.exports = ({ redisUrl, secret }) => {
  const redis = new Redis(redisUrl);
  const auth = createAuth({ store: redisUrl, jwt: { secret } });
  const app = express();
  app.use(express.json());
  app.post('/login', async (req, res) => {
    res.status(201).json({ token: await auth.tokens.issue(req.body.user) });
  });
  app.use(auth.middleware());
  app.post(
    '/wager',
    auth.serialize({ fair: false, ttl: '100ms', retries: 3 }),
    async (/** @type {any} */ req, res) => {
      const key = `progress:${req.auth.userId}`;
      const before = Number((await redis.get(key)) ?? 0);
      await redis.set(key, before + req.body.stake);
      res.json({ progress: before + req.body.stake });
    },
  );
  app.get('/progress', async (/** @type {any} */ req, res) => {
    res.json({ progress: Number((await redis.get(`progress:${req.auth.userId}`)) ?? 0) });
  });
  return app;
};
