'use strict';
// The same app with latchgate.

const express = require('express');
const { createAuth } = require('latchgate');
const { name } = require('../lib/bodies.js');
const { answerFault } = require('../lib/faults.js');

/** @type {import('../lib/app.js').Build} */
module.exports = ({ redisUrl, secret }) => {
  const auth = createAuth({ store: redisUrl, jwt: { secret }, sessions: { limit: 3 } });
  const app = express();
  app.use(express.json());

  app.post('/login', name('user'), async (req, res) => {
    const { user } = req.body; // a real app checks the password here
    const admission = await auth.sessions.admit(user);
    if (!admission.admitted) return res.status(403).json({ error: admission.reason });
    const token = await auth.tokens.issue(user, { sessionId: admission.session.sessionId });
    res.status(201).json({ token });
  });

  app.use(auth.middleware());
  app.get('/me', (req, res) => {
    res.json({ user: req.auth?.userId });
  });
  app.post('/logout', async (/** @type {any} */ req, res) => {
    await auth.sessions.end(req.auth.userId, req.auth.sessionId);
    res.status(204).end();
  });
  app.use(answerFault);
  return app;
};
