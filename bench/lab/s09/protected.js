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
    const { key, keyId } = await auth.apiKeys.create({ ownerId: owner, quota: { limit: calls } });
    res.status(201).json({ key, id: keyId });
  });
  app.post('/revoke', async (req, res) => {
    res.json({ revoked: await auth.apiKeys.revoke(req.body.id) });
  });
  app.post('/rotate', async (req, res) => {
    const { key, keyId } = await auth.apiKeys.rotate(req.body.id, { grace: '10m' });
    res.json({ key, id: keyId });
  });
  app.get('/odds', auth.middleware(), (_req, res) => {
    res.json({ odds: 2.5 });
  });
  return app;
};
