'use strict';
// The same app with latchgate: the signal stops a bet that is on its way, the bet is committed in the user's turn, and a ban
// waits for the turn that is running.

const express = require('express');
const { createAuth } = require('latchgate');
const { count, name } = require('../lib/bodies.js');
const { answerFault } = require('../lib/faults.js');
const { openLedger } = require('../lib/ledger.js');

/** Each takes a question to the database. */
const MOST_LEGS = 5;

/** @type {import('../lib/app.js').Build} */
module.exports = ({ redisUrl, secret, database }) => {
  const auth = createAuth({ store: redisUrl, jwt: { secret } });
  const ledger = openLedger(database);
  const backOffice = auth.middleware({ credentials: ['bearer'], scope: 'back-office' });
  const app = express();
  app.use(express.json());

  // A real app checks the password here.
  app.post('/login', name('user'), async (req, res) => {
    res.status(201).json({ token: await auth.tokens.issue(req.body.user) });
  });
  app.post('/ban', backOffice, name('user'), async (req, res) => {
    await auth.tokens.blockUser(req.body.user, { barrier: true });
    res.json({ banned: true });
  });
  app.post('/bets', auth.middleware(), count('legs', MOST_LEGS), async (/** @type {any} */ req, res) => {
    const { signal, userId } = req.auth;
    const stopped = (/** @type {string} */ by) =>
      res.status(401).json({ error: 'invalid_token', stopped: by });
    let odds = 1;
    for (let leg = 1; leg <= req.body.legs; leg++) {
      odds *= await ledger.odds(leg);
      if (signal.aborted) return stopped('signal');
    }
    try {
      const committedAt = await req.auth.runExclusive(() => ledger.bet(userId, odds));
      res.status(201).json({ committedAt });
    } catch (/** @type {any} */ error) {
      if (error.code !== 'ERR_LATCHGATE_REVOKED') throw error;
      stopped('turn');
    }
  });
  app.use(answerFault);
  return app;
};
