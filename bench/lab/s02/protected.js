'use strict';
// The same app with latchgate.

const express = require('express');
const { createAuth } = require('latchgate');
const { name } = require('../lib/bodies.js');
const { answerFault } = require('../lib/faults.js');

/** @type {import('../lib/app.js').Build} */
module.exports = ({ redisUrl, secret }) => {
  // A clock that is off must not refuse tokens: those are judged by the clock of the process, sessions by the store's.
  const auth = createAuth({
    store: redisUrl,
    jwt: { secret, clockTolerance: '30s' },
    sessions: { idleTimeout: '30m' },
  });
  const app = express();
  app.use(express.json());

  app.post('/login', name('user'), async (req, res) => {
    const { user } = req.body; // a real app checks the password here
    const admission = await auth.sessions.admit(user);
    if (!admission.admitted) return res.status(403).json({ error: admission.reason });
    const token = await auth.tokens.issue(user, { sessionId: admission.session.sessionId });
    res.status(201).json({ token });
  });
  app.get('/me', auth.middleware(), (/** @type {any} */ req, res) => {
    res.json({ lastActive: req.auth.session.lastActiveAt });
  });
  app.use(answerFault);
  return app;
};
