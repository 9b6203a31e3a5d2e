'use strict';
// The same app with latchgate.

const express = require('express');
const { createAuth } = require('latchgate');

/** @type {import('../lib/app.js').Build} */
module.exports = ({ redisUrl, secret }) => {
  const auth = createAuth({ store: redisUrl, jwt: { secret } });
  const app = express();
  app.use(express.json());

  app.post('/login', async (req, res) => {
    res.status(201).json({ token: await auth.tokens.issue(req.body.user, { ttl: '12h' }) });
  });
  app.post('/revoke', async (req, res) => {
    res.json({ revoked: await auth.tokens.revoke(req.body.token) });
  });
  app.post('/bets', auth.middleware(), (_req, res) => {
    res.status(201).json({ accepted: true });
  });
  return app;
};
