'use strict';
// Revocation in a blacklist in Redis, asked at every request: by jti, and as long as the token lives.

const crypto = require('node:crypto');
const express = require('express');
const { expressjwt } = require('express-jwt');
const { Redis } = require('ioredis');
const jwt = require('jsonwebtoken');

/** @type {import('../lib/app.js').Build} */
module.exports = ({ redisUrl, secret }) => {
  const redis = new Redis(redisUrl, { enableAutoPipelining: true });
  const app = express();
  app.use(express.json());

  const isRevoked = async (/** @type {any} */ _req, /** @type {any} */ token) =>
    (await redis.exists(`revoked:${token?.payload.jti}`)) === 1;

  app.post('/login', (req, res) => {
    const jwtid = crypto.randomUUID();
    res.status(201).json({ token: jwt.sign({ sub: req.body.user }, secret, { expiresIn: '12h', jwtid }) });
  });
  app.post('/revoke', async (req, res) => {
    const { jti, exp } = /** @type {any} */ (jwt.verify(req.body.token, secret, { algorithms: ['HS256'] }));
    await redis.set(`revoked:${jti}`, 1, 'EXAT', exp);
    res.json({ revoked: true });
  });
  app.post('/bets', expressjwt({ secret, algorithms: ['HS256'], isRevoked }), (_req, res) => {
    res.status(201).json({ accepted: true });
  });
  return app;
};
