// Races for units: buckets, idempotency keys, top-ups, refunds.
'use strict';

const assert = require('node:assert/strict');
const express5 = require('express');
const { unique } = require('../auths.js');
const { get } = require('../http.js');
const { token } = require('../jwt.js');
const { all, alone, around, countOf, onSite, open } = require('./crowd.js');

const LIMIT = 3;
const BUCKET = { limit: LIMIT, window: '1h', algorithm: /** @type {const} */ ('bucket') };

/** @param {string} store @param {number} racers */
async function bursts(store, racers, express = express5) {
  const auth = open(store);
  const text = token({ sub: unique() });
  const build = (/** @type {import('express').Express} */ app) => {
    app.use(auth.middleware({ quota: BUCKET }));
    app.get('/', (_req, res) => void res.sendStatus(200));
  };
  const answers = await onSite(express, build, (port) => all(racers, () => get(port, '/', text)));
  return { passed: countOf(answers, 200), refused: countOf(answers, 429) };
}

/** @param {string} store @param {number} racers */
async function retries(store, racers) {
  const { quotas } = open(store);
  const [key, rule] = [unique('key'), { limit: 1000 }];
  const told = await all(racers, () => quotas.consume(key, rule, { cost: 2, idempotencyKey: 'i' }));
  return {
    made: told.filter(({ replayed }) => replayed === undefined).length,
    receipts: new Set(told.map(({ receipt }) => receipt)).size,
  };
}

/** @param {string} store @param {number} racers */
async function topUps(store, racers) {
  const auth = open(store);
  const [key, rule] = [unique('key'), { limit: 1 }];
  await all(racers, () => auth.quotas.add(key, rule, 2));
  return (await alone(auth, store, () => auth.quotas.peek(key, rule))).limit;
}

/** Units left, and those that were granted, while some are added. @param {string} store @param {number} racers */
async function toppedUpAmidCharges(store, racers) {
  const auth = open(store);
  const [key, rule] = [unique('key'), { limit: LIMIT }];
  const { results } = await around(
    racers,
    () => auth.quotas.consume(key, rule),
    () => auth.quotas.add(key, rule, LIMIT),
  );
  const { remaining } = await alone(auth, store, () => auth.quotas.peek(key, rule));
  return { units: remaining + results.filter(({ allowed }) => allowed).length };
}

/** @param {string} store @param {number} racers */
async function refunds(store, racers) {
  const auth = open(store);
  const [key, rule] = [unique('key'), { limit: 1000, window: '1h' }];
  const { receipt = '' } = await alone(auth, store, () => auth.quotas.consume(key, rule, { cost: 2 }));
  const back = await all(racers, () => auth.quotas.refund(receipt));
  return back.filter(Boolean).length;
}

const RACES = [
  {
    rule: 'a bucket lets its burst through and no more',
    racers: 100,
    arrivals: (/** @type {number} */ racers) => racers,
    run: bursts,
    check: (/** @type {any} */ seen, /** @type {number} */ racers) =>
      assert.deepEqual(seen, { passed: LIMIT, refused: racers - LIMIT }),
  },
  {
    rule: 'one charge asked for many times under one idempotency key is made once, and all get its receipt',
    racers: 100,
    arrivals: (/** @type {number} */ racers) => racers,
    run: retries,
    check: (/** @type {any} */ seen) => assert.deepEqual(seen, { made: 1, receipts: 1 }),
  },
  {
    rule: 'every top-up counts',
    racers: 100,
    arrivals: (/** @type {number} */ racers) => racers,
    run: topUps,
    check: (/** @type {any} */ seen, /** @type {number} */ racers) => assert.equal(seen, 1 + 2 * racers),
  },
  {
    rule: 'what is granted amid a top-up, and what is left, are the limit and the top-up',
    racers: 100,
    arrivals: (/** @type {number} */ racers) => racers + 1,
    run: toppedUpAmidCharges,
    check: (/** @type {any} */ seen) => assert.deepEqual(seen, { units: 2 * LIMIT }),
  },
  {
    rule: 'a charge given back many times at once is given back once',
    racers: 100,
    arrivals: (/** @type {number} */ racers) => racers,
    run: refunds,
    check: (/** @type {any} */ seen) => assert.equal(seen, 1),
  },
];

module.exports = { RACES };
