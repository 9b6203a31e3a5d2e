// Step 2: latchgate decides. Sessions of express-session are only read, to carry over whoever has no other; they run out.
'use strict';

const crypto = require('node:crypto');
const { RedisStore } = require('connect-redis');
const express = require('express');
const session = require('express-session');
const { createAuth } = require('latchgate');
const { createClient } = require('redis');

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
  res.clearCookie('connect.sid', COOKIE);
  res.cookie('access', login.accessToken, COOKIE).sendStatus(204);
});

// Only where there is no token: one that is there and is refused, stays refused.
app.use((req, res, next) => (accessToken(req) === undefined ? fromBefore(req, res, next) : next()));
app.use(auth.middleware({ getToken: (req) => req.carried ?? accessToken(req) }));

app.get('/me', (req, res) => {
  res.json({ user: req.auth.userId });
});

app.post('/logout', async (req, res) => {
  await auth.tokens.logout(req.auth);
  res.clearCookie('access', COOKIE).clearCookie('connect.sid', COOKIE).sendStatus(204);
});

const before = session({
  store: new RedisStore({ client: connected(), disableTouch: true }),
  secret: process.env.SESSION_SECRET,
  resave: false,
  saveUninitialized: false,
});

function fromBefore(req, res, next) {
  before(req, res, (error) => {
    if (error || req.session.userId === undefined) return next(error);
    carryOver(req, res).then((token) => {
      req.carried = token;
      next();
    }, next);
  });
}

/**
 * One session of latchgate for each of express-session, however many requests of a browser come at once, and never a second one
 * when that has ended: its id follows from the old one, and does not tell it.
 */
async function carryOver(req, res) {
  const sessionId = crypto.createHash('sha256').update(req.sessionID).digest('base64url');
  const login = await auth.tokens
    .login(req.session.userId, { sessionId, requestId: sessionId })
    .catch(endedBefore);
  if (!login.ok) return undefined;
  res.cookie('access', login.accessToken, COOKIE);
  return login.accessToken;
}

/** A session id that is known, and lives no more, is refused as bad input. */
function endedBefore(error) {
  if (error.code !== 'ERR_LATCHGATE_INPUT') throw error;
  return { ok: false };
}

function accessToken(req) {
  return /(?:^|; *)access=([^;]+)/.exec(req.headers.cookie ?? '')?.[1];
}

function connected() {
  const client = createClient({ url: process.env.REDIS_URL });
  client.on('error', (error) => console.error(error.message));
  client.connect();
  return client;
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
