'use strict';
// The same app with latchgate.

const express = require('express');
const { createAuth } = require('latchgate');
const { name, text } = require('../lib/bodies.js');
const { answerFault } = require('../lib/faults.js');

/** @type {import('../lib/app.js').Build} */
module.exports = ({ redisUrl, secret }) => {
  const auth = createAuth({ store: redisUrl, jwt: { secret }, refresh: { graceWindow: '3s' } });
  const app = express();
  app.use(express.json());

  // A real app checks the password here.
  app.post('/login', name('user'), async (req, res) => {
    const login = await auth.tokens.login(req.body.user);
    if (!login.ok) return res.status(403).json({ error: login.reason });
    res.status(201).json({ accessToken: login.accessToken, refreshToken: login.refreshToken });
  });
  app.post('/refresh', text('refreshToken', 1024), async (req, res) => {
    const next = await auth.tokens.refresh(req.body.refreshToken);
    if (!next.ok) return res.status(401).json({ error: 'invalid_grant' });
    res.json({ accessToken: next.accessToken, refreshToken: next.refreshToken });
  });
  app.use(answerFault);
  return app;
};
