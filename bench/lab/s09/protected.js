'use strict';
// The same app with latchgate.

const express = require('express');
const { createAuth } = require('latchgate');
const { count, name } = require('../lib/bodies.js');
const { answerFault } = require('../lib/faults.js');

/** @type {import('../lib/app.js').Build} */
module.exports = ({ redisUrl, secret }) => {
  const auth = createAuth({ store: redisUrl, jwt: { secret }, apiKeys: {} });
  const backOffice = auth.middleware({ credentials: ['bearer'], scope: 'back-office' });
  const app = express();
  app.use(express.json());

  app.post('/keys', backOffice, name('owner'), count('calls'), async (req, res) => {
    const { owner, calls } = req.body;
    const { key, keyId } = await auth.apiKeys.create({ ownerId: owner, quota: { limit: calls } });
    res.status(201).json({ key, id: keyId });
  });
  app.post('/revoke', backOffice, name('id'), async (req, res) => {
    res.json({ revoked: await auth.apiKeys.revoke(req.body.id) });
  });
  app.post('/rotate', backOffice, name('id'), async (req, res) => {
    const { key, keyId } = await auth.apiKeys.rotate(req.body.id, { grace: '10m' });
    res.json({ key, id: keyId });
  });
  app.get('/odds', auth.middleware({ credentials: ['api-key'] }), (_req, res) => {
    res.json({ odds: 2.5 });
  });
  app.use(answerFault);
  return app;
};
