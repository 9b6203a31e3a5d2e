// One of several processes: Express on latchgate, on the store that the environment names. The same routes as unguarded.js.
'use strict';

const express = require('express');
const { createAuth } = require('latchgate');
const { SECRET } = require('../jwt.js');
const { listen } = require('./listen.js');

const LIMIT = 3;
const MOST = 20;
const RULE = { limit: 100, window: '1h' };
const ONCE = { limit: 1200, window: '1h' };
/** So slow that nothing is refilled amid a race. */
const BURST = { limit: 100, window: '30d', algorithm: /** @type {const} */ ('bucket') };
const TICK = { limit: 20, window: '1s' };
const BALANCE = { limit: 1 };
const MOVES = 500;

const auth = createAuth({
  store: process.env.STORE,
  jwt: { secret: SECRET },
  sessions: { limit: LIMIT, admission: 'explicit' },
});
const firstUse = createAuth({
  store: process.env.STORE,
  jwt: { secret: SECRET },
  sessions: { limit: LIMIT, admission: 'first-use' },
});
const keys = createAuth({ store: process.env.STORE, apiKeys: {} });

const app = express();

app.get('/now', (_req, res) => void res.json({ now: Date.now(), pid: process.pid }));

app.post('/login/:user', async (req, res) => {
  const { user } = req.params;
  const admission = await auth.sessions.admit(user);
  if (!admission.admitted) return void res.status(403).json({ error: admission.reason });
  const { sessionId } = admission.session;
  return void res.status(201).json({ sessionId, token: await auth.tokens.issue(user, { sessionId }) });
});

app.post('/enter/:user', async (req, res) => {
  const answer = await auth.tokens.login(req.params.user, { requestId: 'r' });
  res.status(answer.ok ? 200 : 403).json(answer);
});

app.post('/refresh/:token', async (req, res) => {
  const answer = await auth.tokens.refresh(req.params.token);
  res.status(answer.ok ? 200 : 400).json(answer);
});

app.get('/sessions/:user', async (req, res) => {
  const list = await auth.sessions.list(req.params.user);
  res.json(list.map(({ sessionId }) => sessionId));
});

app.post('/spend/:key', async (req, res) => {
  const { allowed, remaining } = await auth.quotas.consume(req.params.key, RULE);
  res.status(allowed ? 200 : 429).json({ remaining });
});

app.post('/once/:key/:once', async (req, res) => {
  const { key, once } = req.params;
  const { allowed, remaining, replayed } = await auth.quotas.consume(key, ONCE, { idempotencyKey: once });
  res.status(allowed ? 200 : 429).json({ remaining, replayed });
});

app.get('/left/:key', async (req, res) => {
  const { remaining } = await auth.quotas.peek(req.params.key, RULE);
  res.json({ remaining });
});

app.post('/burst/:key', async (req, res) => {
  const { allowed } = await auth.quotas.consume(req.params.key, BURST);
  res.sendStatus(allowed ? 200 : 429);
});

app.post('/tick/:key', async (req, res) => {
  const { allowed, resetAt } = await auth.quotas.consume(req.params.key, TICK);
  res.status(allowed ? 200 : 429).json({ resetAt });
});

app.post('/top-up/:key/:units', async (req, res) => {
  const { limit } = await auth.quotas.add(req.params.key, BALANCE, Number(req.params.units));
  res.json({ limit });
});

app.get('/top-up/:key', async (req, res) => {
  const { limit } = await auth.quotas.peek(req.params.key, BALANCE);
  res.json({ limit });
});

app.post('/charge/:key/:cost', async (req, res) => {
  const { receipt } = await auth.quotas.consume(req.params.key, RULE, { cost: Number(req.params.cost) });
  res.json({ receipt });
});

app.post('/refund/:receipt', async (req, res) => {
  res.sendStatus((await auth.quotas.refund(req.params.receipt)) ? 200 : 409);
});

app.post('/move/:user', async (req, res) => {
  const { applied } = await auth.counters.apply(req.params.user, [
    { name: 'from', delta: -1 },
    { name: 'to', delta: 1, max: MOVES },
  ]);
  res.sendStatus(applied ? 200 : 409);
});

app.get('/moved/:user', async (req, res) => {
  const [from, to] = await Promise.all(
    ['from', 'to'].map((name) => auth.counters.get(req.params.user, name)),
  );
  res.json({ from, to });
});

app.post('/add/:user/:delta', async (req, res) => {
  const { user, delta } = req.params;
  const { applied, value } = await auth.counters.add(user, 'c', Number(delta), { min: 0, max: MOST });
  res.status(applied ? 200 : 409).json({ value });
});

app.get('/value/:user', async (req, res) => {
  res.json({ value: await auth.counters.get(req.params.user, 'c') });
});

app.post('/once/:key', async (req, res) => {
  res.sendStatus((await auth.once(req.params.key)) ? 201 : 409);
});

app.post('/revoke', async (req, res) => {
  const token = String(req.headers.authorization).replace('Bearer ', '');
  res.json({ revoked: await auth.tokens.revoke(token) });
});

app.post('/revoke-user/:user', async (req, res) => {
  await auth.tokens.revokeUser(req.params.user);
  res.json({});
});

app.get(
  '/me',
  auth.middleware(),
  (req, res) => void res.json({ pid: process.pid, session: req.auth?.session }),
);

app.get(
  '/first',
  firstUse.middleware(),
  (req, res) => void res.json({ pid: process.pid, session: req.auth?.session }),
);

app.get(
  '/bounded',
  auth.middleware({ quota: { ...RULE, name: 'bounded' } }),
  (req, res) => void res.json({ quota: req.auth?.quota }),
);

app.post('/key/:owner/:limit', async (req, res) => {
  const { owner, limit } = req.params;
  res.json(await keys.apiKeys.create({ ownerId: owner, quota: { limit: Number(limit) } }));
});

app.get('/key/:id', async (req, res) => {
  const info = await keys.apiKeys.get(req.params.id);
  res.json({ remaining: info?.quota?.remaining });
});

app.get('/use', keys.middleware(), (req, res) => void res.json({ keyId: req.auth?.apiKey?.keyId }));

app.post('/rotate/:id', async (req, res) => {
  res.json(await keys.apiKeys.rotate(req.params.id, { grace: '1h' }));
});

app.post('/revoke-key/:id', async (req, res) => {
  res.json({ revoked: await keys.apiKeys.revoke(req.params.id) });
});

app.post('/add-quota/:id/:units', async (req, res) => {
  res.json(await keys.apiKeys.addQuota(req.params.id, Number(req.params.units)));
});

app.post('/check/:once', async (req, res) => {
  const { valid, quota } = await keys.apiKeys.check(String(req.headers['x-api-key']), {
    idempotencyKey: req.params.once,
  });
  res.status(valid ? 200 : 429).json({ replayed: quota?.replayed });
});

listen(app);
