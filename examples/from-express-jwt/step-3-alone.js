// Step 3: express-jwt has gone. What was req.auth.sub is req.auth.claims.sub; and sessions are limited.
'use strict';

const express = require('express');
const { createAuth } = require('latchgate');

const secret = process.env.JWT_SECRET;
const auth = createAuth({
  jwt: { secret, algorithms: ['HS256'] },
  sessions: { limit: 2, admission: 'first-use' },
});

const app = express();
app.use(auth.middleware({ onDeny: unauthorized }));

app.get('/me', (req, res) => {
  res.json({ user: req.auth.claims.sub, role: req.auth.claims.role });
});

app.post('/logout-everywhere', async (req, res) => {
  await auth.tokens.revokeUser(req.auth.userId);
  res.sendStatus(204);
});

/** Hands a denial to the error handler below, as express-jwt does. */
function unauthorized({ code, status, headers }, _req, res, next) {
  res.set(headers);
  next(Object.assign(new Error(code), { name: 'UnauthorizedError', status }));
}

app.use((error, _req, res, next) => {
  if (res.headersSent) return next(error);
  const { name, status = 500 } = error;
  if (name === 'UnauthorizedError') return res.status(status).json({ message: 'please log in' });
  // The status alone: Express itself answers with the stack where NODE_ENV is not 'production'.
  if (status >= 500) console.error(error.stack);
  res.sendStatus(status);
});

const server = app.listen(process.env.PORT ?? 3000, () => {
  console.log(`listening on ${server.address().port}`);
});
