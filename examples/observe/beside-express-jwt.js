// An app that express-jwt guards, watched: what it lets through, and latchgate would not, is counted.
'use strict';

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

const app = express();
app.get('/metrics', (_req, res) => {
  res.type('text/plain; version=0.0.4').send(auth.metrics());
});
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

const server = app.listen(process.env.PORT ?? 3000, () => {
  console.log(`listening on ${server.address().port}`);
});
