// An app with express-session and connect-redis, watched: sessions beyond a limit, and those that come back after a logout.
'use strict';

const { randomUUID } = require('node:crypto');
const http = require('node:http');
const { RedisStore } = require('connect-redis');
const express = require('express');
const session = require('express-session');
const { createAuth } = require('latchgate');
const { createClient } = require('redis');

const auth = createAuth({
  mode: 'observe',
  store: process.env.REDIS_URL,
  jwt: { secret: process.env.JWT_SECRET },
  sessions: { limit: 3, admission: 'first-use' },
});

// On a port that the collector alone reaches: how much is denied, and why, is not for everybody.
const metrics = http.createServer((_req, res) => {
  res.setHeader('Content-Type', 'text/plain; version=0.0.4').end(auth.metrics());
});
metrics.listen(process.env.METRICS_PORT ?? 9464, '127.0.0.1', () => {
  console.log(`metrics on ${metrics.address().port}`);
});

const app = express();
app.use(
  session({
    store: new RedisStore({ client: connected() }),
    secret: process.env.SESSION_SECRET,
    cookie: { httpOnly: true, sameSite: 'lax', secure: process.env.NODE_ENV !== 'development' },
    resave: false,
    saveUninitialized: false,
  }),
);
// The token that names the session to latchgate lies in the session itself: clients need not change.
app.use(auth.middleware({ getToken: (req) => req.session.gate, optional: true, requestProperty: 'gate' }));
app.use(express.json());

app.post('/login', (req, res, next) => {
  const user = req.body?.user; // after you have checked the password
  if (typeof user !== 'string' || user === '') return res.sendStatus(400);
  req.session.regenerate(async (error) => {
    if (error) return next(error);
    req.session.userId = user;
    req.session.gate = await auth.tokens.issue(user, { sessionId: randomUUID(), ttl: '12h' }).catch(tell);
    res.sendStatus(204);
  });
});

app.use((req, res, next) => {
  if (req.session.userId === undefined) return res.sendStatus(401);
  next();
});

app.get('/me', (req, res) => {
  res.json({ user: req.session.userId, observed: req.gate?.observed?.reason ?? null });
});

app.put('/cart', (req, res) => {
  req.session.cart = req.body;
  res.sendStatus(204);
});

app.post('/logout', async (req, res, next) => {
  const { gate } = req.session;
  // Sessions from before the trial have none.
  if (gate !== undefined) await auth.tokens.logout(gate).catch(tell);
  req.session.destroy((error) => (error ? next(error) : res.sendStatus(204)));
});

// Calls that one makes oneself reject where the store is away: nothing of the app may depend on them yet.
function tell(error) {
  console.warn(`not watched: ${error.message}`);
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
