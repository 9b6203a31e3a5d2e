// What there is: express-jwt, as its own documentation has it.
'use strict';

const express = require('express');
const { expressjwt } = require('express-jwt');

const secret = process.env.JWT_SECRET;

const app = express();
app.use(expressjwt({ secret, algorithms: ['HS256'] }));

app.get('/me', (req, res) => {
  res.json({ user: req.auth.sub, role: req.auth.role });
});

app.use((error, _req, res, next) => {
  if (res.headersSent) return next(error);
  const { name, status = 500 } = error;
  if (name === 'UnauthorizedError') return res.status(status).json({ message: 'please log in' });
  if (status >= 500) console.error(error.stack);
  res.sendStatus(status);
});

const server = app.listen(process.env.PORT ?? 3000, () => {
  console.log(`listening on ${server.address().port}`);
});
