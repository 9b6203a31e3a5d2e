'use strict';
// What a client is told, as it is usually written: why its token was refused.

const express = require('express');
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
  app.post('/ban', async (req, res) => {
    await redis.sadd('banned', req.body.user);
    res.json({ banned: true });
  });
  app.get('/me', async (req, res) => {
    try {
      const token = jwt.verify(req.get('authorization')?.slice(7) ?? '', secret, { algorithms: ['HS256'] });
      if (await redis.sismember('banned', String(token.sub)))
        return res.status(401).json({ error: 'token has been revoked' });
      res.json({ user: token.sub });
    } catch (/** @type {any} */ error) {
      res.status(401).json({ error: error.message });
    }
  });
  return app;
};
