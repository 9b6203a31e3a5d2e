'use strict';
// Credits of a user, as it is written by those who know of races: WATCH and MULTI, and from the beginning where another was
// quicker. Right, and slower the more want the same.

const express = require('express');
const { expressjwt } = require('express-jwt');
const { Redis } = require('ioredis');
const jwt = require('jsonwebtoken');

const CREDITS = 1_000_000;
const ATTEMPTS = 10;
const CONNECTIONS = 32;

/** @type {import('../lib/app.js').Build} */
module.exports = ({ redisUrl, secret }) => {
  // What is watched belongs to a connection: nobody else may use it meanwhile.
  const idle = Array.from({ length: CONNECTIONS }, () => new Redis(redisUrl));
  /** @type {Array<(redis: Redis) => void>} */
  const waiting = [];
  /** @returns {Promise<Redis>} */
  const borrow = async () => idle.pop() ?? new Promise((resolve) => waiting.push(resolve));
  const giveBack = (/** @type {Redis} */ redis) => {
    const next = waiting.shift();
    if (next) next(redis);
    else idle.push(redis);
  };

  const app = express();
  app.use(express.json());
  app.post('/login', (req, res) => {
    res.status(201).json({ token: jwt.sign({ sub: req.body.user }, secret, { expiresIn: '12h' }) });
  });
  app.post('/spend', expressjwt({ secret, algorithms: ['HS256'] }), async (/** @type {any} */ req, res) => {
    const key = `credits:${req.auth.sub}`;
    const redis = await borrow();
    try {
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        await redis.watch(key);
        const left = Number((await redis.get(key)) ?? CREDITS);
        if (left <= 0) {
          await redis.unwatch();
          return res.status(429).json({ error: 'quota_exhausted' });
        }
        if (
          await redis
            .multi()
            .set(key, left - 1)
            .exec()
        )
          return res.json({ left: left - 1 });
      }
      res.status(503).json({ error: 'busy' });
    } finally {
      giveBack(redis);
    }
  });
  return app;
};
