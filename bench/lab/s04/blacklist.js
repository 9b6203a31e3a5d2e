'use strict';
// The same with a blacklist in Redis, whose entries live as long as the tokens.

const express = require('express');
const { expressjwt } = require('express-jwt');
const { Redis } = require('ioredis');
const jwt = require('jsonwebtoken');

const LIFE = 43_200;

/** @type {import('../lib/app.js').Build} */
module.exports = ({ redisUrl, secret }) => {
  const redis = new Redis(redisUrl, { enableAutoPipelining: true });
  const app = express();
  app.use(express.json());

  const isRevoked = async (/** @type {any} */ _req, /** @type {any} */ token) =>
    (await redis.exists(`revoked:${token?.payload.sub}`)) === 1;

  app.post('/login', (req, res) => {
    res.status(201).json({ token: jwt.sign({ sub: req.body.user }, secret, { expiresIn: LIFE }) });
  });
  app.post('/ban', async (req, res) => {
    await redis.set(`revoked:${req.body.user}`, 1, 'EX', LIFE);
    res.json({ banned: true });
  });
  app.post('/bets', expressjwt({ secret, algorithms: ['HS256'], isRevoked }), (_req, res) => {
    res.status(201).json({ accepted: true });
  });
  return app;
};
