// Step 1: latchgate looks at the same requests, and says what it would refuse. It refuses nothing.
'use strict';

const express = require('express');
const { expressjwt } = require('express-jwt');
const { createAuth } = require('latchgate');

const secret = process.env.JWT_SECRET;
const auth = createAuth({ jwt: { secret, algorithms: ['HS256'] } });

const app = express();
app.use(expressjwt({ secret, algorithms: ['HS256'] }));
app.use(
  auth.middleware({
    requestProperty: 'gate',
    onDeny: (denial, _req, _res, next) => {
      console.warn(`would be refused: ${denial.reason}`);
      next();
    },
  }),
);

app.get('/me', (req, res) => {
  res.json({ user: req.auth.sub, role: req.auth.role });
});

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
