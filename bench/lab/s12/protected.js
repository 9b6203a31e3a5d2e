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
    res.status(201).json({ token: await auth.tokens.issue(req.body.user) });
  });
  app.post('/ban', async (req, res) => {
    await auth.tokens.revokeUser(req.body.user);
    res.json({ banned: true });
  });
  app.get('/me', auth.middleware(), (req, res) => {
    res.json({ user: req.auth?.userId });
  });
  return app;
};
