'use strict';
// The same app with a counter of latchgate: no turn, one step.

const express = require('express');
const { createAuth } = require('latchgate');
const { count, name } = require('../lib/bodies.js');
const { answerFault } = require('../lib/faults.js');

/** @type {import('../lib/app.js').Build} */
module.exports = ({ redisUrl, secret }) => {
  const auth = createAuth({ store: redisUrl, jwt: { secret } });
  const app = express();
  app.use(express.json());
  // A real app checks the password here.
  app.post('/login', name('user'), async (req, res) => {
    res.status(201).json({ token: await auth.tokens.issue(req.body.user) });
  });
  app.use(auth.middleware());
  app.post('/wager', count('stake'), async (/** @type {any} */ req, res) => {
    const { value } = await auth.counters.add(req.auth.userId, 'progress', req.body.stake);
    res.json({ progress: value });
  });
  app.get('/progress', async (/** @type {any} */ req, res) => {
    res.json({ progress: await auth.counters.get(req.auth.userId, 'progress') });
  });
  app.use(answerFault);
  return app;
};
