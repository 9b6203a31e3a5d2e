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

const server = app.listen(process.env.PORT ?? 3000, () => {
  console.log(`listening on ${server.address().port}`);
});

process.once('SIGTERM', () => server.close(() => gate.auth.close()));
