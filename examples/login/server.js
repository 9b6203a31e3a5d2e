// Login, refresh and logout of an app of its own: three sessions a user, and the oldest makes room.
'use strict';

const crypto = require('node:crypto');
const { promisify } = require('node:util');
const express = require('express');
const { createAuth } = require('latchgate');

const auth = createAuth({
  jwt: { secret: process.env.JWT_SECRET, issuer: 'https://app.example', accessTtl: '5m' },
  sessions: { limit: 3, onLimit: 'evict-oldest', idleTimeout: '7d', absoluteTimeout: '30d' },
});
const app = express();
app.use(express.json({ limit: '10kb' }));

const scrypt = promisify(crypto.scrypt);
const ATTEMPTS = { limit: 10, window: '1m' };

/** In place of your own table of users, which holds salts and hashes and no password. */
const USERS = new Map();
if (process.env.DEMO_PASSWORD) {
  const salt = crypto.randomBytes(16);
  USERS.set('ada', { salt, hash: crypto.scryptSync(process.env.DEMO_PASSWORD, salt, 32) });
}
/** Hashed in place of an unknown user's, so that the time of an answer does not tell who exists. */
const NOBODY = { salt: crypto.randomBytes(16), hash: crypto.randomBytes(32) };

async function isPassword(name, password) {
  const { salt, hash } = USERS.get(name) ?? NOBODY;
  return crypto.timingSafeEqual(await scrypt(password, salt, 32), hash);
}

/** Counts an attempt by address and by name. Returns how long to wait, in seconds, where there were too many. */
async function waitBefore(req, name) {
  const hash = crypto.createHash('sha256').update(name).digest('base64url');
  for (const key of [`login from ${req.ip}`, `login as ${hash}`]) {
    const { allowed, retryAfterMs } = await auth.quotas.consume(key, ATTEMPTS);
    if (!allowed) return Math.ceil(retryAfterMs / 1000);
  }
  return 0;
}

/** What a login and a refresh hand out. Nobody else is to keep it: RFC 6749 section 5.1. */
function send(res, { accessToken, refreshToken, expiresAt }) {
  res.set('Cache-Control', 'no-store').json({ accessToken, refreshToken, expiresAt });
}

app.post('/login', async (req, res) => {
  const { user, password, requestId } = req.body ?? {};
  const isReadable = isText(user, 128) && isText(password, 256);
  if (!isReadable || (requestId !== undefined && !isText(requestId, 128))) {
    return res.status(400).json({ error: 'invalid_request' });
  }
  const seconds = await waitBefore(req, user);
  if (seconds > 0) return res.set('Retry-After', String(seconds)).sendStatus(429);
  if (!(await isPassword(user, password))) return res.status(401).json({ error: 'wrong_credentials' });
  // The client makes a random requestId for each attempt, and sends it again where it got no answer: that is the same login
  // then, and takes no second slot.
  const login = await auth.tokens.login(user, {
    ...(requestId !== undefined && { requestId }),
    device: { agent: String(req.get('user-agent') ?? '').slice(0, 200) },
  });
  if (!login.ok) return res.status(403).json({ error: login.reason });
  send(res, login);
});

app.post('/refresh', async (req, res) => {
  const { refreshToken } = req.body ?? {};
  const next = isText(refreshToken, 1024) ? await auth.tokens.refresh(refreshToken) : { ok: false };
  // Why is for your log: the client logs in again, whatever it was.
  if (!next.ok) return res.status(400).json({ error: 'invalid_grant' });
  send(res, next);
});

// Takes either token, an expired access token too: who wants to leave is not asked to refresh first.
app.post('/logout', async (req, res) => {
  const token = /^Bearer (\S+)$/i.exec(req.get('authorization') ?? '')?.[1] ?? req.body?.refreshToken;
  if (typeof token !== 'string') return res.status(400).json({ error: 'invalid_request' });
  await auth.tokens.logout(token);
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
  const { sessionId } = req.params;
  const ended = isText(sessionId, 128) && (await auth.sessions.end(req.auth.userId, sessionId));
  res.sendStatus(ended ? 204 : 404);
});

app.post('/logout-everywhere', user, async (req, res) => {
  res.json(await auth.tokens.revokeUser(req.auth.userId));
});

/** A string of so many UTF-16 units at most, and well-formed: JSON can hold half a character. */
function isText(value, length) {
  return typeof value === 'string' && value !== '' && value.length <= length && value.isWellFormed();
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
