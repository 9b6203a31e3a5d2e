'use strict';
// Banned users behind a cache, as it is usually written: the list is read at most every two seconds, to spare the server.

const express = require('express');
const { expressjwt } = require('express-jwt');
const { Redis } = require('ioredis');
const jwt = require('jsonwebtoken');

const CACHED_FOR = 2000;

/** @type {import('../lib/app.js').Build} */
module.exports = ({ redisUrl, secret }) => {
  const redis = new Redis(redisUrl);
  const app = express();
  app.use(express.json());

  let banned = new Set();
  let readAt = 0;
  const isRevoked = async (/** @type {any} */ _req, /** @type {any} */ token) => {
    if (Date.now() - readAt > CACHED_FOR) {
      readAt = Date.now();
      banned = new Set(await redis.smembers('banned'));
    }
    return banned.has(token?.payload.sub);
  };

  app.post('/login', (req, res) => {
    res.status(201).json({ token: jwt.sign({ sub: req.body.user }, secret, { expiresIn: '12h' }) });
  });
  app.post('/ban', async (req, res) => {
    await redis.sadd('banned', req.body.user);
    res.json({ banned: true });
  });
  app.post('/bets', expressjwt({ secret, algorithms: ['HS256'], isRevoked }), (_req, res) => {
    res.status(201).json({ accepted: true });
  });
  return app;
};
