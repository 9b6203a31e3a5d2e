'use strict';
// Checked at the door, committed later: what happens between the two is nobody's business.

const express = require('express');
const { expressjwt } = require('express-jwt');
const { Redis } = require('ioredis');
const jwt = require('jsonwebtoken');
const { openLedger } = require('../lib/ledger.js');

/** @type {import('../lib/app.js').Build} */
module.exports = ({ redisUrl, secret, database }) => {
  const redis = new Redis(redisUrl);
  const ledger = openLedger(database);
  const app = express();
  app.use(express.json());

  const isRevoked = async (/** @type {any} */ _req, /** @type {any} */ token) =>
    (await redis.exists(`banned:${token?.payload.sub}`)) === 1;

  app.post('/login', (req, res) => {
    res.status(201).json({ token: jwt.sign({ sub: req.body.user }, secret, { expiresIn: '12h' }) });
  });
  app.post('/ban', async (req, res) => {
    await redis.set(`banned:${req.body.user}`, 1);
    res.json({ banned: true });
  });
  const door = expressjwt({ secret, algorithms: ['HS256'], isRevoked });
  app.post('/bets', door, async (/** @type {any} */ req, res) => {
    let odds = 1;
    for (let leg = 1; leg <= req.body.legs; leg++) odds *= await ledger.odds(leg);
    const committedAt = await ledger.bet(req.auth.sub, odds);
    res.status(201).json({ committedAt });
  });
  return app;
};
