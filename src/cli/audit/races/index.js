'use strict';
// The races: what is sent together, and what must not come of it.

const { LOST_REFRESH, USE_AFTER_REVOCATION } = require('./credentials.js');
const { DONE_TWICE, LOST_UPDATE } = require('./effects.js');
const { OVERSPENDING, WRONG_REFUSAL } = require('./quota.js');
const { LOST_LOGIN, OVER_ADMISSION } = require('./sessions.js');

const RACES = [
  OVER_ADMISSION,
  LOST_LOGIN,
  OVERSPENDING,
  WRONG_REFUSAL,
  DONE_TWICE,
  LOST_UPDATE,
  USE_AFTER_REVOCATION,
  LOST_REFRESH,
];

module.exports = { RACES };
