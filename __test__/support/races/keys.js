// Races for API keys: their quotas, their secrets, and their ends.
'use strict';

const assert = require('node:assert/strict');
const express5 = require('express');
const { unique } = require('../auths.js');
const { send } = require('../http.js');
const { all, alone, around, countOf, onSite, open } = require('./crowd.js');

const LIMIT = 3;
/** Secrets that were replaced, and of which that is remembered. */
const SPENT = 8;

/** @param {string} store @param {object} [facts] */
async function made(store, facts = {}) {
  const auth = open(store, { apiKeys: {} });
  const ownerId = unique();
  const { key, keyId } = await alone(auth, store, () => auth.apiKeys.create({ ownerId, ...facts }));
  return { auth, ownerId, key, keyId };
}

/** What is left of a key's quota. @param {import('latchgate').Auth} auth @param {string} store @param {string} keyId */
const left = async (auth, store, keyId) =>
  (await alone(auth, store, () => auth.apiKeys.get(keyId)))?.quota?.remaining;

/** @param {string} store @param {number} racers */
async function units(store, racers, express = express5) {
  const { auth, key, keyId } = await made(store, { quota: { limit: LIMIT } });
  const build = (/** @type {import('express').Express} */ app) => {
    app.use(auth.middleware({ credentials: ['api-key'] }));
    app.get('/', (_req, res) => void res.sendStatus(200));
  };
  const headers = [`x-api-key: ${key}`];
  const answers = await onSite(express, build, (port) => all(racers, () => send(port, { headers })));
  return {
    passed: countOf(answers, 200),
    refused: countOf(answers, 429),
    left: await left(auth, store, keyId),
  };
}

/** @param {string} store @param {number} racers */
async function retries(store, racers) {
  const { auth, key, keyId } = await made(store, { quota: { limit: 1000 } });
  const told = await all(racers, () => auth.apiKeys.check(key, { cost: 2, idempotencyKey: 'i' }));
  const first = told.filter(({ quota }) => quota?.replayed === undefined).length;
  return { first, left: await left(auth, store, keyId) };
}

/** @param {string} store @param {number} racers */
async function topUps(store, racers) {
  const { auth, keyId } = await made(store, { quota: { limit: 1 } });
  await all(racers, () => auth.apiKeys.addQuota(keyId, 2));
  return left(auth, store, keyId);
}

/** @param {string} store @param {number} racers */
async function creations(store, racers) {
  const auth = open(store);
  const ownerId = unique();
  const keys = await all(racers, () => auth.apiKeys.create({ ownerId }));
  const checks = await all(racers, (n) => auth.apiKeys.check(keys[n].key));
  return checks.filter(({ valid }) => valid).length;
}

/** @param {string} store @param {number} racers */
async function rotations(store, racers) {
  const { auth, keyId } = await made(store);
  const keys = await all(racers, () => auth.apiKeys.rotate(keyId));
  const checks = await all(racers, (n) => auth.apiKeys.check(keys[n].key));
  return checks.map((check) => (check.valid ? 'valid' : check.code)).sort();
}

/** @param {string} store @param {number} racers */
async function revocations(store, racers) {
  const { auth, keyId } = await made(store);
  const told = await all(racers, () => auth.apiKeys.revoke(keyId));
  return told.filter(Boolean).length;
}

/** @param {string} store @param {number} racers */
async function revokedAmidUses(store, racers) {
  const { auth, key, keyId } = await made(store, { quota: { limit: 1000 } });
  await around(
    racers,
    () => auth.apiKeys.check(key),
    () => auth.apiKeys.revoke(keyId),
  );
  return alone(auth, store, () => auth.apiKeys.check(key));
}

/** @param {string} store @param {number} racers */
async function ownersAmidUses(store, racers) {
  const { auth, ownerId, key } = await made(store, { quota: { limit: 1000 } });
  // So that nobody asks for the owner amid the race.
  await all(racers + 1, () => auth.apiKeys.check(key));
  await around(
    racers,
    () => auth.apiKeys.check(key),
    () => auth.tokens.revokeUser(ownerId, { apiKeys: true }),
  );
  return alone(auth, store, () => auth.apiKeys.check(key));
}

const crowd = (/** @type {number} */ racers) => racers;
const withOne = (/** @type {number} */ racers) => racers + 1;

const RACES = [
  {
    rule: 'a key passes as often as its quota says and no more',
    racers: 100,
    arrivals: crowd,
    run: units,
    check: (/** @type {any} */ seen, /** @type {number} */ racers) =>
      assert.deepEqual(seen, { passed: LIMIT, refused: racers - LIMIT, left: 0 }),
  },
  {
    rule: 'a check asked for many times under one idempotency key is charged once',
    racers: 100,
    arrivals: crowd,
    run: retries,
    check: (/** @type {any} */ seen) => assert.deepEqual(seen, { first: 1, left: 998 }),
  },
  {
    rule: 'every top-up of a key counts',
    racers: 100,
    arrivals: crowd,
    run: topUps,
    check: (/** @type {any} */ seen, /** @type {number} */ racers) => assert.equal(seen, 1 + 2 * racers),
  },
  {
    rule: 'every key that is created at once with others of its owner stands',
    racers: 50,
    arrivals: crowd,
    run: creations,
    check: (/** @type {any} */ seen, /** @type {number} */ racers) => assert.equal(seen, racers),
  },
  {
    rule: 'of secrets that replace each other at once one works and the others are revoked',
    racers: SPENT,
    arrivals: crowd,
    run: rotations,
    check: (/** @type {any} */ seen, /** @type {number} */ racers) =>
      assert.deepEqual(seen, [...Array(racers - 1).fill('revoked'), 'valid']),
  },
  {
    rule: 'of many who revoke a key one has done it',
    racers: 50,
    arrivals: crowd,
    run: revocations,
    check: (/** @type {any} */ seen) => assert.equal(seen, 1),
  },
  {
    rule: 'a key that is revoked amid its uses stays revoked',
    racers: 100,
    arrivals: withOne,
    run: revokedAmidUses,
    check: (/** @type {any} */ seen) => assert.deepEqual(seen, { valid: false, code: 'revoked' }),
  },
  {
    rule: 'a key that falls with its owner amid its uses stays fallen',
    racers: 100,
    arrivals: withOne,
    run: ownersAmidUses,
    check: (/** @type {any} */ seen) => assert.deepEqual(seen, { valid: false, code: 'revoked' }),
  },
];

module.exports = { RACES };
