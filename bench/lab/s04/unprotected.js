'use strict';
// Revocation in the database, asked at every request: by jti, and as long as the token lives.

const crypto = require('node:crypto');
const express = require('express');
const { expressjwt } = require('express-jwt');
const jwt = require('jsonwebtoken');
const { Pool } = require('pg');

const TABLE = 'create table if not exists revoked (jti text primary key, until timestamptz not null)';

/** @type {import('../lib/app.js').Build} */
module.exports = ({ secret, database }) => {
  const db = new Pool({ connectionString: database, max: 10 });
  // Several processes may be about it at once: whoever is second finds it there.
  const ready = db.query(TABLE).catch(() => db.query('select 1 from revoked'));
  const app = express();
  app.use(express.json());

  const isRevoked = async (/** @type {any} */ _req, /** @type {any} */ token) => {
    await ready;
    const { rowCount } = await db.query({
      name: 'revoked',
      text: 'select 1 from revoked where jti = $1 and until > now()',
      values: [token?.payload.jti],
    });
    return rowCount !== 0;
  };

  app.post('/login', (req, res) => {
    const jwtid = crypto.randomUUID();
    res.status(201).json({ token: jwt.sign({ sub: req.body.user }, secret, { expiresIn: '12h', jwtid }) });
  });
  app.post('/revoke', async (req, res) => {
    const { jti, exp } = /** @type {any} */ (jwt.verify(req.body.token, secret, { algorithms: ['HS256'] }));
    await ready;
    await db.query('insert into revoked values ($1, to_timestamp($2)) on conflict do nothing', [jti, exp]);
    res.json({ revoked: true });
  });
  app.post('/bets', expressjwt({ secret, algorithms: ['HS256'], isRevoked }), (_req, res) => {
    res.status(201).json({ accepted: true });
  });
  return app;
};
