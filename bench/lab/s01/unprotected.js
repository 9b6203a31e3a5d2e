'use strict';
// At most three sessions a user, as it is usually written: look, count, add.

const crypto = require('node:crypto');
const express = require('express');
const { expressjwt } = require('express-jwt');
const { Redis } = require('ioredis');
const jwt = require('jsonwebtoken');

const LIMIT = 3;
const DAY = 86_400;

/** @type {import('../lib/app.js').Build} */
module.exports = ({ redisUrl, secret }) => {
  const redis = new Redis(redisUrl);
  const app = express();
  app.use(express.json());

  app.post('/login', async (req, res) => {
    const key = `sessions:${req.body.user}`; // a real app checks the password here
    const sessions = await redis.lrange(key, 0, -1);
    if (sessions.length >= LIMIT) return res.status(403).json({ error: 'session_limit' });
    const sid = crypto.randomUUID();
    await redis.lpush(key, sid);
    await redis.expire(key, DAY);
    res.status(201).json({ token: jwt.sign({ sub: req.body.user, sid }, secret, { expiresIn: '12h' }) });
  });

  app.use(expressjwt({ secret, algorithms: ['HS256'] }));
  app.use(async (/** @type {any} */ req, res, next) => {
    const sessions = await redis.lrange(`sessions:${req.auth.sub}`, 0, -1);
    if (!sessions.includes(req.auth.sid)) return res.status(401).json({ error: 'invalid_token' });
    next();
  });
  app.get('/me', (/** @type {any} */ req, res) => {
    res.json({ user: req.auth.sub });
  });
  app.post('/logout', async (/** @type {any} */ req, res) => {
    await redis.lrem(`sessions:${req.auth.sub}`, 1, req.auth.sid);
    res.status(204).end();
  });
  return app;
};
