'use strict';
// Revocation in the database, asked at every request.

const express = require('express');
const { expressjwt } = require('express-jwt');
const jwt = require('jsonwebtoken');
const { Pool } = require('pg');

const TABLE =
  "create table if not exists revoked (id text primary key, until timestamptz not null default now() + interval '12 hours')";

/** @type {import('../lib/app.js').Build} */
module.exports = ({ secret, database }) => {
  const db = new Pool({ connectionString: database, max: 10 });
  // Several processes may be about it at once: whoever is second finds it there.
  const ready = db.query(TABLE).catch(() => db.query('select 1 from revoked'));
  const app = express();
  app.use(express.json());

  const isRevoked = async (/** @type {any} */ _req, /** @type {any} */ token) => {
    const { rowCount } = await db.query({
      name: 'revoked',
      text: 'select 1 from revoked where id = $1 and until > now()',
      values: [token?.payload.sub],
    });
    return rowCount !== 0;
  };

  app.post('/login', (req, res) => {
    res.status(201).json({ token: jwt.sign({ sub: req.body.user }, secret, { expiresIn: '12h' }) });
  });
  app.post('/ban', async (req, res) => {
    await ready;
    await db.query('insert into revoked (id) values ($1) on conflict do nothing', [req.body.user]);
    res.json({ banned: true });
  });
  app.post('/bets', expressjwt({ secret, algorithms: ['HS256'], isRevoked }), (_req, res) => {
    res.status(201).json({ accepted: true });
  });
  return app;
};
