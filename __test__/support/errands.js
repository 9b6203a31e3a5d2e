// What apps/errands.js and the test that kills it know of each other.
'use strict';

/** @typedef {{ user: string, token: string, key: string, keyId: string, rotatedId: string, receipts: string[] }} Things */

/** Of each kind of errand. */
const EACH = 12;
/** At a time. */
const LANES = 6;
const COST = 3;

const WINDOW = { limit: 1000, window: '1h' };
/** So slow that nothing is refilled meanwhile. */
const BUCKET = { limit: 1000, window: '300d', algorithm: /** @type {const} */ ('bucket') };
const BALANCE = { limit: 1 };
const POLICY = { limit: 1000, window: '1h', name: 'errands' };
const MOVE = [
  { name: 'from', delta: -1 },
  { name: 'to', delta: 1 },
];

module.exports = { BALANCE, BUCKET, COST, EACH, LANES, MOVE, POLICY, WINDOW };
