// An API sold by plan. Users keep their keys with the token that they log in with; programs call /v1 with a key. Plans and units
// belong to the user and not to a key: neither more keys nor a change of plan gives back what was used.
'use strict';

const express = require('express');
const { createAuth } = require('latchgate');

const auth = createAuth({ jwt: { secret: process.env.JWT_SECRET }, apiKeys: { prefix: 'demo' } });
const user = auth.middleware({ credentials: ['bearer'] });
// Each new key takes room in the store.
const maker = auth.middleware({
  credentials: ['bearer'],
  quota: { name: 'new keys', limit: 10, window: '24h' },
});
const billing = auth.middleware({ credentials: ['bearer'], scope: 'billing' });
const program = auth.middleware({ credentials: ['api-key'], scope: 'reports:read' });

/** How each plan charges a request. Every plan counts under its own name, so that a change of plan resets nothing. */
const PLANS = new Map([
  ['free', plan('free', { limit: 3, window: '1h' })],
  ['pro', plan('pro', { limit: 60, window: '1h', algorithm: 'bucket' })],
  ['prepaid', prepaid],
]);
/** The plans of users, in place of your own table of customers. Billing alone writes it. */
const planOf = new Map();

const app = express();
app.use(express.json());

app.get('/v1/report', program, charge, (req, res) => {
  res.json({ for: req.auth.apiKey.keyId, rows: [] });
});

app.post('/keys', maker, async (req, res) => {
  const made = await auth.apiKeys.create({ ownerId: req.auth.userId, scopes: ['reports:read'] });
  res.set('Cache-Control', 'no-store').status(201).json(made); // the only time that the key is seen
});

app.get('/keys', user, async (req, res) => {
  res.json(await auth.apiKeys.list(req.auth.userId));
});

app.post('/keys/:keyId/rotate', user, ownKey, async (req, res) => {
  res.set('Cache-Control', 'no-store').json(await auth.apiKeys.rotate(req.params.keyId, { grace: '1h' }));
});

app.delete('/keys/:keyId', user, ownKey, async (req, res) => {
  await auth.apiKeys.revoke(req.params.keyId);
  res.sendStatus(204);
});

app.put('/users/:userId/plan', billing, (req, res) => {
  const { plan: name } = req.body ?? {};
  if (!PLANS.has(name) || !isId(req.params.userId)) return res.status(400).json({ error: 'invalid_request' });
  planOf.set(req.params.userId, name);
  res.sendStatus(204);
});

// The payment service calls this until it is answered, perhaps for days. The mark of the payment and its units are one step of
// the store: no retry adds twice, and no process can die between the two.
app.post('/payments/:payment', billing, async (req, res) => {
  const { userId, units } = req.body ?? {};
  const isGood = isId(req.params.payment) && isId(userId) && Number.isSafeInteger(units);
  if (!isGood || units < 1 || units > 1_000_000) return res.status(400).json({ error: 'invalid_request' });
  const { values } = await auth.counters.apply(userId, [
    { name: `payment ${req.params.payment}`, delta: 1, max: 1 },
    { name: 'units', delta: units },
  ]);
  res.json({ units: values.units });
});

/** Charges the request by its user's plan. */
function charge(req, res, next) {
  return PLANS.get(planOf.get(req.auth.userId) ?? 'free')(req, res, next);
}

/** Returns a middleware that charges units of the user's, whichever key is used, while that key stands. */
function plan(name, rule) {
  return auth.middleware({ credentials: ['api-key'], quota: { ...rule, name, by: 'user' } });
}

/** Takes a prepaid unit of the user's, while the key stands. */
async function prepaid(req, res, next) {
  const unit = { name: 'units', delta: -1, min: 0 };
  const { applied } = await auth.counters.apply(req.auth.userId, [unit], { auth: req.auth });
  if (!applied) return res.status(429).json({ error: 'quota_exhausted' });
  next();
}

/** A key of somebody else is answered as one that does not exist. */
async function ownKey(req, res, next) {
  const info = isId(req.params.keyId) ? await auth.apiKeys.get(req.params.keyId) : null;
  if (info?.ownerId !== req.auth.userId) return res.sendStatus(404);
  next();
}

function isId(value) {
  return typeof value === 'string' && /^[\w.:@-]{1,128}$/.test(value);
}

// Tells the client the status alone. Express itself answers with the stack where NODE_ENV is not 'production'.
app.use((error, _req, res, next) => {
  if (res.headersSent) return next(error);
  const { status = 500 } = error;
  if (status >= 500) console.error(error.stack);
  res.sendStatus(status);
});

const server = app.listen(process.env.PORT ?? 3000, () => {
  console.log(`listening on ${server.address().port}`);
});
