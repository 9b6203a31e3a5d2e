// Login, refresh and logout of an app of its own: three sessions a user, and the oldest makes room.
'use strict';

const express = require('express');
const { createAuth } = require('latchgate');

const auth = createAuth({
  jwt: { secret: process.env.JWT_SECRET, issuer: 'https://app.example', accessTtl: '5m' },
  sessions: { limit: 3, onLimit: 'evict-oldest', idleTimeout: '7d', absoluteTimeout: '30d' },
});
const app = express();
app.use(express.json());

/** In place of your own users, and of a slow hash of their passwords. */
const PASSWORDS = new Map([
  ['ada', 'analytical'],
  ['bob', 'builder'],
]);

/** What a login and a refresh hand out. Nobody else is to keep it: RFC 6749 section 5.1. */
function send(res, { accessToken, refreshToken, expiresAt }) {
  res.set('Cache-Control', 'no-store').json({ accessToken, refreshToken, expiresAt });
}

app.post('/login', async (req, res) => {
  const { user, password, requestId } = req.body ?? {};
  if (!PASSWORDS.has(user) || PASSWORDS.get(user) !== password) {
    return res.status(401).json({ error: 'wrong_credentials' });
  }
  // The client makes a random requestId for each attempt, and sends it again where it got no answer: that is the same login
  // then, and takes no second slot.
  const login = await auth.tokens.login(user, {
    ...(typeof requestId === 'string' && { requestId }),
    device: { agent: String(req.get('user-agent') ?? '').slice(0, 200) },
  });
  if (!login.ok) return res.status(403).json({ error: login.reason });
  send(res, login);
});

app.post('/refresh', async (req, res) => {
  const next = await auth.tokens.refresh(String(req.body?.refreshToken));
  // Why is for your log: the client logs in again, whatever it was.
  if (!next.ok) return res.status(400).json({ error: 'invalid_grant' });
  send(res, next);
});

// Takes either token, an expired access token too: who wants to leave is not asked to refresh first.
app.post('/logout', async (req, res) => {
  const token = /^Bearer (\S+)$/i.exec(req.get('authorization') ?? '')?.[1] ?? req.body?.refreshToken;
  await auth.tokens.logout(String(token));
  res.sendStatus(204);
});

const user = auth.middleware();
app.get('/me', user, (req, res) => res.json({ user: req.auth.userId, active: req.auth.session.active }));

app.get('/sessions', user, async (req, res) => {
  const all = await auth.sessions.list(req.auth.userId);
  res.json(
    all.map(({ sessionId, device, lastActiveAt }) => ({
      sessionId,
      device,
      lastActiveAt,
      current: sessionId === req.auth.sessionId,
    })),
  );
});

app.delete('/sessions/:sessionId', user, async (req, res) => {
  res.sendStatus((await auth.sessions.end(req.auth.userId, req.params.sessionId)) ? 204 : 404);
});

app.post('/logout-everywhere', user, async (req, res) => {
  res.json(await auth.tokens.revokeUser(req.auth.userId));
});

const server = app.listen(process.env.PORT ?? 3000, () => {
  console.log(`listening on ${server.address().port}`);
});
