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
  app.post('/spend', auth.middleware({ quota: { limit: 1_000_000 } }), (/** @type {any} */ req, res) => {
    res.json({ left: req.auth.quota.remaining });
  });
  app.use(answerFault);
  return app;
};
