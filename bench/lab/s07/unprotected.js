'use strict';
// One seat a player, as it is usually written: is he registered already? Then register him.

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
  app.post('/register', async (/** @type {any} */ req, res) => {
    const players = `players:${req.body.tournament}`;
    if (await redis.sismember(players, req.auth.sub))
      return res.status(409).json({ error: 'already_registered' });
    await redis.sadd(players, req.auth.sub);
    const seat = await redis.incr(`seats:${req.body.tournament}`);
    res.status(201).json({ seat });
  });
  return app;
};
