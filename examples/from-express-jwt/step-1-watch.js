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
  if (error.name !== 'UnauthorizedError') return next(error);
  res.status(error.status).json({ message: 'please log in' });
});

const server = app.listen(process.env.PORT ?? 3000, () => {
  console.log(`listening on ${server.address().port}`);
});
