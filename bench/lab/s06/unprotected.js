'use strict';
// Wagering progress, as it is usually written: read, add, write.

const express = require('express');
const { expressjwt } = require('express-jwt');
const { Redis } = require('ioredis');
const jwt = require('jsonwebtoken');

/** @type {import('../lib/app.js').Build} */
module.exports = ({ redisUrl, secret }) => {
  const redis = new Redis(redisUrl);
  const app = express();
  app.use(express.json());
  app.post('/login', (req, res) => {
    res.status(201).json({ token: jwt.sign({ sub: req.body.user }, secret, { expiresIn: '12h' }) });
  });
  app.use(expressjwt({ secret, algorithms: ['HS256'] }));
  app.post('/wager', async (/** @type {any} */ req, res) => {
    const key = `progress:${req.auth.sub}`;
    const before = Number((await redis.get(key)) ?? 0);
    await redis.set(key, before + req.body.stake);
    res.json({ progress: before + req.body.stake });
  });
  app.get('/progress', async (/** @type {any} */ req, res) => {
    res.json({ progress: Number((await redis.get(`progress:${req.auth.sub}`)) ?? 0) });
  });
  return app;
};
