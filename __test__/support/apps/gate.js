// One of several processes: Express on latchgate, on the store that the environment names. The same routes as unguarded.js.
'use strict';

const express = require('express');
const { createAuth } = require('latchgate');
const { SECRET } = require('../jwt.js');
const { listen } = require('./listen.js');

const LIMIT = 3;
const MOST = 20;
const RULE = { limit: 100, window: '1h' };
const ONCE = { limit: 4000, window: '1h' };

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

listen(app);
