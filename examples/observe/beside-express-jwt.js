// An app that express-jwt guards, watched: what it lets through, and latchgate would not, is counted.
'use strict';

const http = require('node:http');
const express = require('express');
const { expressjwt } = require('express-jwt');
const { createAuth } = require('latchgate');

const secret = process.env.JWT_SECRET;
const auth = createAuth({
  mode: 'observe',
  store: process.env.REDIS_URL ?? 'memory:',
  jwt: { secret },
  sessions: { limit: 3, admission: 'first-use' },
});
auth.on('denied', ({ reason, userId }) => console.warn(`would be denied: ${reason} ${userId ?? ''}`));

// On a port that the collector alone reaches: how much is denied, and why, is not for everybody.
const metrics = http.createServer((_req, res) => {
  res.setHeader('Content-Type', 'text/plain; version=0.0.4').end(auth.metrics());
});
metrics.listen(process.env.METRICS_PORT ?? 9464, '127.0.0.1', () => {
  console.log(`metrics on ${metrics.address().port}`);
});

const app = express();
app.use(expressjwt({ secret, algorithms: ['HS256'] }));
// express-jwt has req.auth: latchgate takes another name, and would leave that one alone.
app.use(auth.middleware({ requestProperty: 'gate', quota: { limit: 100, window: '1m' } }));

app.get('/me', (req, res) => {
  res.json({ user: req.auth.sub, observed: req.gate?.observed?.reason ?? null });
});

// Said to latchgate as well, so that it knows whom it would not let through any more.
app.post('/logout', async (req, res) => {
  const token = req.get('authorization').slice('Bearer '.length);
  await auth.tokens.revoke(token).catch(tell);
  res.sendStatus(204);
});

// Calls that one makes oneself reject where the store is away: nothing of the app may depend on them yet.
function tell(error) {
  console.warn(`not watched: ${error.message}`);
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
