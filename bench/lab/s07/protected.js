'use strict';
// The same app with latchgate.

const express = require('express');
const { createAuth } = require('latchgate');
const { name } = require('../lib/bodies.js');
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
  // A real app looks the tournament up: what is counted has no end.
  app.post('/register', name('tournament'), async (/** @type {any} */ req, res) => {
    // Player and seat in one step: no process can die between the two.
    const { applied, values } = await auth.counters.apply(req.body.tournament, [
      { name: `player ${req.auth.userId}`, delta: 1, max: 1 },
      { name: 'seats', delta: 1 },
    ]);
    if (!applied) return res.status(409).json({ error: 'already_registered' });
    res.status(201).json({ seat: values.seats });
  });
  app.use(answerFault);
  return app;
};
