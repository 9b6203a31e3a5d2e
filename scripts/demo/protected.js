// The same app with latchgate. This one is to be copied.
'use strict';

const express = require('express');
const { createAuth } = require('latchgate');

/** Prepaid, with the one key that a player gets. */
const CALLS = 20;

const auth = createAuth({
  jwt: { secret: process.env.JWT_SECRET },
  sessions: { limit: 3 },
});
const app = express();
app.use(express.json());

app.post('/login', async (req, res) => {
  const user = req.body?.user; // a real app checks the password here
  if (typeof user !== 'string' || user === '') return res.status(400).json({ error: 'invalid_request' });
  const admission = await auth.sessions.admit(user);
  if (!admission.admitted) return res.status(403).json({ error: admission.reason });
  const token = await auth.tokens.issue(user, { sessionId: admission.session.sessionId });
  res.status(201).json({ token });
});

// The holder of a token may revoke it. Only the token is required, as in RFC 7009. To ban a user is another route, with
// a scope that users do not have.
app.post('/revoke', async (req, res) => {
  const token = req.body?.token;
  if (typeof token !== 'string') return res.status(400).json({ error: 'invalid_request' });
  res.json({ revoked: await auth.tokens.revoke(token) });
});

app.get('/odds', auth.middleware({ credentials: ['api-key'] }), (_req, res) => {
  res.json({ odds: 2.5 });
});

// From here on every request carries a valid token, or gets 401.
app.use(auth.middleware());

app.get('/me', (req, res) => {
  res.json({ user: req.auth?.userId, session: req.auth?.session });
});

app.post('/bets', (_req, res) => {
  res.status(201).json({ accepted: true });
});

// One key a user: each new one would bring prepaid calls of its own.
const once = { name: 'keys', limit: 1, refundOn: (/** @type {any} */ res) => res.statusCode >= 500 };
app.post('/keys', auth.middleware({ quota: once }), async (req, res) => {
  const { userId } = /** @type {import('latchgate').RequestAuth} */ (req.auth);
  const made = await auth.apiKeys.create({ ownerId: userId, quota: { limit: CALLS } });
  res.set('Cache-Control', 'no-store').status(201).json(made);
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

/** The status alone: Express itself answers with the stack. @type {import('express').ErrorRequestHandler} */
function answerFault(error, _req, res, next) {
  if (res.headersSent) return next(error);
  const { status = 500 } = error;
  if (status >= 500) console.error(error.stack);
  res.sendStatus(status);
}
app.use(answerFault);

module.exports = app;
