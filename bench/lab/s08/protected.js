'use strict';
// The same app with latchgate.

const express = require('express');
const { createAuth } = require('latchgate');

/** @type {import('../lib/app.js').Build} */
module.exports = ({ redisUrl }) => {
  const auth = createAuth({ store: redisUrl, apiKeys: {} });
  const app = express();
  app.use(express.json());

  app.post('/keys', async (req, res) => {
    const { owner, calls } = req.body;
    res.status(201).json(await auth.apiKeys.create({ ownerId: owner, quota: { limit: calls } }));
  });
  app.get('/odds', auth.middleware(), (_req, res) => {
    res.json({ odds: 2.5 });
  });
  return app;
};
