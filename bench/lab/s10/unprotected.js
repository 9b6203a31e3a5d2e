'use strict';
// The token is checked in one layer, the row is changed in another, which believes the id in the address.

const express = require('express');
const { expressjwt } = require('express-jwt');
const jwt = require('jsonwebtoken');
const { openLedger } = require('../lib/ledger.js');

/** @type {import('../lib/app.js').Build} */
module.exports = ({ secret, database }) => {
  const { db, ready } = openLedger(database);
  const app = express();
  app.use(express.json());

  app.post('/login', async (req, res) => {
    const { user } = req.body;
    await ready;
    await db.query('insert into accounts values ($1, $2) on conflict do nothing', [
      `account-of-${user}`,
      user,
    ]);
    const claims = { sub: user, account: `account-of-${user}`, scope: 'accounts:write' };
    res.status(201).json({ token: jwt.sign(claims, secret, { expiresIn: '12h' }) });
  });
  app.use(expressjwt({ secret, algorithms: ['HS256'] }));
  app.put('/accounts/:id', async (req, res) => {
    const { rowCount } = await db.query('update accounts set note = $2 where id = $1', [
      req.params.id,
      req.body.note,
    ]);
    res.status(rowCount === 1 ? 200 : 404).json({ changed: rowCount === 1 });
  });
  return app;
};
