// A wallet in SQL behind Express. A turn of the user keeps withdrawals apart; the fence in the row keeps out whoever was stopped
// in the middle of one, beyond its lease, and writes when the turn is another's already.
'use strict';

const express = require('express');

const SCHEMA = `CREATE TABLE wallets (
  owner_id TEXT PRIMARY KEY,
  balance INTEGER NOT NULL CHECK (balance >= 0),
  fence INTEGER NOT NULL DEFAULT 0
)`;

const READ = 'SELECT balance FROM wallets WHERE owner_id = ?';
/** Refuses every turn but the latest that has written: no row changes. */
const WRITE = 'UPDATE wallets SET balance = ?, fence = ? WHERE owner_id = ? AND fence <= ?';
/** After a revocation: nothing that was authorised before it writes any more. */
const SEAL = 'UPDATE wallets SET fence = ? WHERE owner_id = ? AND fence < ?';

/**
 * @typedef {(sql: string, parameters: Array<string | number>) => Promise<{ rows: any[], changes: number }>} Query
 */

/**
 * Returns an amount in the smallest unit, such as cents; undefined unless it is a positive safe integer in plain decimal. Number()
 * alone takes '-5', which would pay in, '1e3', '0x10' and ' 7 '.
 * @param {string} text
 */
function parseAmount(text) {
  const amount = /^[1-9][0-9]*$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(amount) ? amount : undefined;
}

/**
 * @param {import('latchgate').Auth} auth
 * @param {Query} query
 * @param {() => Promise<unknown>} approve what takes its time between reading and writing: a payment provider, say
 */
function walletApp(auth, query, approve) {
  const app = express();
  app.use(auth.middleware());

  app.post('/withdraw/:amount', async (/** @type {any} */ req, res) => {
    const { userId } = req.auth;
    const amount = parseAmount(req.params.amount);
    if (amount === undefined) return res.sendStatus(400);
    const status = await req.auth.runExclusive(
      async (/** @type {import('latchgate').Lease} */ { fence }) => {
        const { rows } = await query(READ, [userId]);
        if (rows.length === 0) return 404;
        const balance = rows[0].balance - amount;
        if (balance < 0) return 402;
        await approve();
        const { changes } = await query(WRITE, [balance, fence, userId, fence]);
        return changes === 1 ? 200 : 409;
      },
      { ttl: '1s' },
    );
    res.sendStatus(status);
  });

  app.post('/logout-everywhere', async (/** @type {any} */ req, res) => {
    const { userId } = req.auth;
    const { fence } = await auth.tokens.revokeUser(userId, { barrier: true });
    await query(SEAL, [fence, userId, fence]);
    res.sendStatus(204);
  });

  app.use(answerFault);
  return app;
}

/**
 * Tells the client the status alone. Express itself answers with the stack where NODE_ENV is not 'production'.
 * @type {import('express').ErrorRequestHandler}
 */
function answerFault(error, _req, res, next) {
  if (res.headersSent) return next(error);
  const { status = 500 } = error;
  if (status >= 500) console.error(error.stack);
  res.sendStatus(status);
}

module.exports = { READ, SCHEMA, SEAL, WRITE, walletApp };
