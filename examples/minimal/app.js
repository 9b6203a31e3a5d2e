// The least there is: one middleware, told everything by the environment.
'use strict';

const express = require('express');
const { authMiddleware } = require('latchgate');

const gate = authMiddleware();
const app = express();
app.use(gate);

app.get('/me', (req, res) => {
  const { userId, sessionId, session } = req.auth;
  res.json({ userId, sessionId, active: session?.active });
});

app.post('/logout', async (req, res) => {
  await gate.auth.tokens.logout(req.auth);
  res.sendStatus(204);
});

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

process.once('SIGTERM', () => server.close(() => gate.auth.close()));
