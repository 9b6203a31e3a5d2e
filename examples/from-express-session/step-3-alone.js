// Step 3: latchgate alone.
'use strict';

const express = require('express');
const { createAuth } = require('latchgate');

const HALF_HOUR = 30 * 60 * 1000;
const COOKIE = { httpOnly: true, sameSite: 'lax', secure: process.env.NODE_ENV !== 'development' };

// A token lasts as long as its session may: whether that still lives is asked with every request.
const auth = createAuth({
  store: process.env.REDIS_URL,
  jwt: { secret: process.env.JWT_SECRET, accessTtl: '12h' },
  sessions: { idleTimeout: HALF_HOUR, absoluteTimeout: '12h', onLimit: 'evict-oldest', limit: 3 },
});

const app = express();
app.use(express.json());

app.post('/login', async (req, res) => {
  const user = req.body?.user; // after you have checked the password
  if (typeof user !== 'string' || user === '') return res.sendStatus(400);
  const login = await auth.tokens.login(user);
  if (!login.ok) return res.status(403).json({ error: login.reason });
  res.cookie('access', login.accessToken, COOKIE).sendStatus(204);
});

app.use(auth.middleware({ getToken: accessToken }));

app.get('/me', (req, res) => {
  res.json({ user: req.auth.userId });
});

app.post('/logout', async (req, res) => {
  await auth.tokens.logout(req.auth);
  res.clearCookie('access', COOKIE).sendStatus(204);
});

function accessToken(req) {
  return /(?:^|; *)access=([^;]+)/.exec(req.headers.cookie ?? '')?.[1];
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
