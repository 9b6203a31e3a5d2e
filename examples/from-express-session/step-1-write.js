// Step 1: express-session decides as before. Beside it, whoever is logged in gets a session of latchgate, in a cookie of its own.
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
app.use(
  session({
    store: new RedisStore({ client: connected() }),
    secret: process.env.SESSION_SECRET,
    cookie: { ...COOKIE, maxAge: HALF_HOUR },
    rolling: true,
    resave: false,
    saveUninitialized: false,
  }),
);

app.post('/login', (req, res, next) => {
  const user = req.body?.user; // after you have checked the password
  if (typeof user !== 'string' || user === '') return res.sendStatus(400);
  req.session.regenerate((error) => {
    if (error) return next(error);
    req.session.userId = user;
    carryOver(req, res).then(() => res.sendStatus(204), next);
  });
});

app.use(async (req, res, next) => {
  if (req.session.userId === undefined) return res.sendStatus(401);
  if (accessToken(req) === undefined) await carryOver(req, res);
  next();
});

// Keeps the session of latchgate awake. It refuses nothing yet.
app.use(
  auth.middleware({ getToken: accessToken, optional: true, onDeny: (_denial, _req, _res, next) => next() }),
);

app.get('/me', (req, res) => {
  res.json({ user: req.session.userId });
});

app.post('/logout', async (req, res, next) => {
  const token = accessToken(req);
  if (token !== undefined) await auth.tokens.logout(token);
  res.clearCookie('access', COOKIE);
  req.session.destroy((error) => (error ? next(error) : res.sendStatus(204)));
});

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
