// One of several processes: Express on API keys, on the store that the environment names.
'use strict';

const express = require('express');
const { createAuth } = require('latchgate');
const { listen } = require('./listen.js');

const auth = createAuth({ store: process.env.STORE, apiKeys: {} });
const app = express();

app.get('/now', (_req, res) => void res.json({ pid: process.pid }));

app.get('/use', auth.middleware(), (req, res) => void res.json({ keyId: req.auth?.apiKey?.keyId }));

app.post('/revoke/:id', async (req, res) => {
  res.json({ revoked: await auth.apiKeys.revoke(req.params.id) });
});

app.post('/rotate/:id', async (req, res) => {
  res.json(await auth.apiKeys.rotate(req.params.id, { grace: '1h' }));
});

listen(app);
