'use strict';
// The same app with latchgate.

const express = require('express');
const { createAuth } = require('latchgate');
const { name, text } = require('../lib/bodies.js');
const { answerFault } = require('../lib/faults.js');

/** @type {import('../lib/app.js').Build} */
module.exports = ({ redisUrl, secret }) => {
  const auth = createAuth({ store: redisUrl, jwt: { secret } });
  const app = express();
  app.use(express.json());

  // A real app checks the password here.
  app.post('/login', name('user'), async (req, res) => {
    res.status(201).json({ token: await auth.tokens.issue(req.body.user, { ttl: '12h' }) });
  });
  // Whoever has a token may take it out of use, as in RFC 7009.
  app.post('/revoke', text('token', 8192), async (req, res) => {
    res.json({ revoked: await auth.tokens.revoke(req.body.token) });
  });
  app.post('/bets', auth.middleware(), (_req, res) => {
    res.status(201).json({ accepted: true });
  });
  app.use(answerFault);
  return app;
};
