'use strict';
// The same app with latchgate.

const express = require('express');
const { createAuth } = require('latchgate');
const { name } = require('../lib/bodies.js');
const { answerFault } = require('../lib/faults.js');

/** @type {import('../lib/app.js').Build} */
module.exports = ({ redisUrl, secret }) => {
  const auth = createAuth({ store: redisUrl, jwt: { secret } });
  const backOffice = auth.middleware({ credentials: ['bearer'], scope: 'back-office' });
  const app = express();
  app.use(express.json());

  // A real app checks the password here.
  app.post('/login', name('user'), async (req, res) => {
    res.status(201).json({ token: await auth.tokens.issue(req.body.user) });
  });
  app.post('/ban', backOffice, name('user'), async (req, res) => {
    await auth.tokens.revokeUser(req.body.user);
    res.json({ banned: true });
  });
  app.get('/me', auth.middleware(), (req, res) => {
    res.json({ user: req.auth?.userId });
  });
  app.use(answerFault);
  return app;
};
