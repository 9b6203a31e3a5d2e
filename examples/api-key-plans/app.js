// An API sold by plan. Users keep their keys with the token that they log in with; programs call /v1 with a key, which is
// charged in the step that lets the request through.
'use strict';

const express = require('express');
const { createAuth } = require('latchgate');

const PLANS = new Map([
  ['free', { limit: 3, window: '1h' }],
  ['pro', { limit: 60, window: '1h', algorithm: 'bucket' }],
  ['prepaid', { limit: 5 }],
]);

const auth = createAuth({ jwt: { secret: process.env.JWT_SECRET }, apiKeys: { prefix: 'demo' } });
const user = auth.middleware({ credentials: ['bearer'] });
const billing = auth.middleware({ credentials: ['bearer'], scope: 'billing' });
const program = auth.middleware({ credentials: ['api-key'], scope: 'reports:read' });

const app = express();
app.use(express.json());

app.get('/v1/report', program, (req, res) => {
  res.json({ for: req.auth.apiKey.keyId, rows: [] });
});

app.post('/keys', user, async (req, res) => {
  const made = await auth.apiKeys.create({
    ownerId: req.auth.userId,
    scopes: ['reports:read'],
    quota: PLANS.get('free'),
    metadata: { plan: 'free' },
  });
  res.status(201).json(made); // the only time that the key is seen
});

app.get('/keys', user, async (req, res) => {
  res.json(await auth.apiKeys.list(req.auth.userId));
});

app.put('/keys/:keyId/plan', user, ownKey, async (req, res) => {
  const { plan } = req.body;
  const quota = PLANS.get(plan);
  if (quota === undefined) return res.status(400).json({ error: 'unknown_plan' });
  res.json(await auth.apiKeys.update(req.params.keyId, { quota, metadata: { plan } }));
});

app.post('/keys/:keyId/rotate', user, ownKey, async (req, res) => {
  res.json(await auth.apiKeys.rotate(req.params.keyId, { grace: '1h' }));
});

app.delete('/keys/:keyId', user, ownKey, async (req, res) => {
  await auth.apiKeys.revoke(req.params.keyId);
  res.sendStatus(204);
});

// Called by the payment service, perhaps twice for one payment: the second call is answered as the first and adds nothing.
app.post('/payments/:payment', billing, async (req, res) => {
  const { keyId, units } = req.body;
  res.json(await auth.apiKeys.addQuota(keyId, units, { idempotencyKey: req.params.payment }));
});

/** A key of somebody else is answered as one that does not exist. */
async function ownKey(req, res, next) {
  const info = await auth.apiKeys.get(req.params.keyId);
  if (info?.ownerId !== req.auth.userId) return res.sendStatus(404);
  next();
}

const server = app.listen(process.env.PORT ?? 3000, () => {
  console.log(`listening on ${server.address().port}`);
});
