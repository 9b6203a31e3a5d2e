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
  app.use(auth.middleware());
  app.post('/register', async (/** @type {any} */ req, res) => {
    const { tournament } = req.body;
    if (!(await auth.once(`${tournament} ${req.auth.userId}`)))
      return res.status(409).json({ error: 'already_registered' });
    const { value } = await auth.counters.add(tournament, 'seats', 1);
    res.status(201).json({ seat: value });
  });
  return app;
};
