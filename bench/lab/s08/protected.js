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
  app.get('/keys/:id', backOffice, async (req, res) => {
    res.json({ left: (await auth.apiKeys.get(req.params.id))?.quota?.remaining });
  });
  app.post('/purchases', backOffice, name('id'), count('calls'), async (req, res) => {
    const { remaining } = await auth.apiKeys.addQuota(req.body.id, req.body.calls);
    res.status(201).json({ left: remaining });
  });
  app.get('/odds', auth.middleware({ credentials: ['api-key'] }), (_req, res) => {
    const [, left] = /r=(\d+)/.exec(String(res.get('RateLimit'))) ?? [];
    res.json({ odds: 2.5, left: Number(left) });
  });
  app.use(answerFault);
  return app;
};
