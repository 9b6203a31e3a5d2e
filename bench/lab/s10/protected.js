'use strict';
// The same app with latchgate: the route asks for the scope and for the claim, and the row for its owner and for
// a turn that is not an old one.

const express = require('express');
const { createAuth } = require('latchgate');
const { name, text } = require('../lib/bodies.js');
const { answerFault } = require('../lib/faults.js');
const { openLedger } = require('../lib/ledger.js');

/** Refuses every turn but the latest that has written: no row changes. */
const CHANGE = 'update accounts set note = $3, fence = $4 where id = $1 and owner = $2 and fence <= $4';

/** @type {import('../lib/app.js').Build} */
module.exports = ({ redisUrl, secret, database }) => {
  const auth = createAuth({ store: redisUrl, jwt: { secret } });
  const { db, ready } = openLedger(database);
  const app = express();
  app.use(express.json());

  // A real app checks the password here.
  app.post('/login', name('user'), async (req, res) => {
    const { user } = req.body;
    await ready;
    await db.query('insert into accounts values ($1, $2) on conflict do nothing', [
      `account-of-${user}`,
      user,
    ]);
    const claims = { account: `account-of-${user}` };
    res.status(201).json({ token: await auth.tokens.issue(user, { claims, scope: 'accounts:write' }) });
  });
  app.use(auth.middleware());
  app.put(
    '/accounts/:id',
    auth.requireScope('accounts:write'),
    auth.requireClaims({
      account: (/** @type {string} */ id, /** @type {any} */ req) => id === req.params.id,
    }),
    text('note', 1000),
    async (/** @type {any} */ req, res) => {
      const rowCount = await req.auth.runExclusive(async (/** @type {import('latchgate').Lease} */ turn) => {
        const values = [req.params.id, req.auth.userId, req.body.note, turn.fence];
        return (await db.query({ name: 'change', text: CHANGE, values })).rowCount;
      });
      res.status(rowCount === 1 ? 200 : 404).json({ changed: rowCount === 1 });
    },
  );
  app.use(answerFault);
  return app;
};
