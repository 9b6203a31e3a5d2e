'use strict';
// The same bets and bans as for S3, against what asks at every request: here it is the wait that is compared.

const bets = require('../s03/load.js');

/** @type {import('../lib/app.js').Scenario} */
module.exports = {
  ...bets,
  id: 'S4',
  title: 'Revocation asked at every request',
  unprotected: 'a row in PostgreSQL (express-jwt, pg); and a key in Redis (express-jwt, ioredis)',
  forms: ['unprotected', 'blacklist', 'protected'],
  needs: 'database',
};
