// The same app with latchgate. This one is to be copied.
'use strict';

const express = require('express');
const { createAuth } = require('latchgate');

const auth = createAuth({
  jwt: { secret: process.env.JWT_SECRET },
  sessions: { limit: 3 },
});
const app = express();
app.use(express.json());

app.post('/login', async (req, res) => {
  const { user } = req.body; // a real app checks the password here
  const admission = await auth.sessions.admit(user);
  if (!admission.admitted) return res.status(403).json({ error: admission.reason });
  const token = await auth.tokens.issue(user, { sessionId: admission.session.sessionId });
  res.status(201).json({ token });
});

// Stands for the back office: it takes a token out of use. A real app guards it.
app.post('/revoke', async (req, res) => {
  res.json({ revoked: await auth.tokens.revoke(req.body.token) });
});

// The back office again: it sells calls to partners, each with a key of its own.
app.post('/keys', async (req, res) => {
  const { owner, calls } = req.body;
  res.status(201).json(await auth.apiKeys.create({ ownerId: owner, quota: { limit: calls } }));
});

app.get('/odds', auth.middleware({ credentials: ['api-key'] }), (_req, res) => {
  res.json({ odds: 2.5 });
});

// From here on every request carries a token that stands, or is answered 401.
app.use(auth.middleware());

app.get('/me', (req, res) => {
  res.json({ user: req.auth?.userId, session: req.auth?.session });
});

app.post('/bets', (_req, res) => {
  res.status(201).json({ accepted: true });
});

app.post('/register', async (req, res) => {
  const { userId } = /** @type {import('latchgate').RequestAuth} */ (req.auth);
  if (!(await auth.once(`registered:${userId}`)))
    return res.status(409).json({ error: 'already_registered' });
  res.status(201).json({ registered: true });
});

app.post('/logout', async (req, res) => {
  if (req.auth?.sessionId) await auth.sessions.end(req.auth.userId, req.auth.sessionId);
  res.status(204).end();
});

module.exports = app;
