// What there is: express-session with its sessions in Redis.
'use strict';

const { RedisStore } = require('connect-redis');
const express = require('express');
const session = require('express-session');
const { createClient } = require('redis');

const HALF_HOUR = 30 * 60 * 1000;
const COOKIE = { httpOnly: true, sameSite: 'lax', secure: process.env.NODE_ENV !== 'development' };

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
    res.sendStatus(204);
  });
});

app.use((req, res, next) => {
  if (req.session.userId === undefined) return res.sendStatus(401);
  next();
});

app.get('/me', (req, res) => {
  res.json({ user: req.session.userId });
});

app.post('/logout', (req, res, next) => {
  req.session.destroy((error) => (error ? next(error) : res.sendStatus(204)));
});

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
