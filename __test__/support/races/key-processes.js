// Races of API keys across processes; see processes.js.
'use strict';

const assert = require('node:assert/strict');
const { unique } = require('../auths.js');
const { request, requests, statuses } = require('../processes.js');
const { acceptedAfter } = require('./amid.js');

/** @typedef {import('./processes.js').Crowd} Crowd */

/** @param {Crowd} crowd @param {number} limit @returns {Promise<{ key: string, keyId: string }>} */
const made = async ({ port }, limit) =>
  (await request({ port, method: 'POST', path: `/key/${unique()}/${limit}` })).body;

/** What is left of a key's quota. @param {Crowd} crowd @param {string} keyId @returns {Promise<number>} */
const left = async ({ port }, keyId) => (await request({ port, path: `/key/${keyId}` })).body.remaining;

/** @param {Crowd} crowd */
async function charges(crowd) {
  const { key, keyId } = await made(crowd, 100);
  const questions = Array.from({ length: 10_000 }, () => ({ port: crowd.port, path: '/use', key }));
  return { statuses: statuses(await requests(questions)), left: await left(crowd, keyId) };
}

/** @param {Crowd} crowd */
async function rotatedAmidUses(crowd) {
  const { port } = crowd;
  const { key, keyId } = await made(crowd, 1000);
  const ask = (/** @type {string} */ secret) =>
    requests(Array.from({ length: 1500 }, () => ({ port, path: '/use', key: secret })));
  const old = ask(key);
  const { body } = await request({ port, method: 'POST', path: `/rotate/${keyId}` });
  const answers = [...(await old), ...(await ask(body.key)), ...(await ask(key))];
  return { statuses: statuses(answers), left: await left(crowd, keyId) };
}

/** @param {Crowd} crowd */
async function revokedAmidUses(crowd) {
  const { workers } = crowd;
  const { key, keyId } = await made(crowd, 1_000_000);
  return acceptedAfter(
    workers,
    (port) => request({ port, path: '/use', key }),
    async () => {
      const path = `/revoke-key/${keyId}`;
      const { body } = await request({ port: workers[0].port, method: 'POST', path });
      assert.equal(body.revoked, true);
    },
  );
}

/** @param {Crowd} crowd */
async function topUps(crowd) {
  const { keyId } = await made(crowd, 1);
  const path = `/add-quota/${keyId}/2`;
  await requests(Array.from({ length: 1000 }, () => ({ port: crowd.port, method: 'POST', path })));
  return { left: await left(crowd, keyId) };
}

/** Each of ten checks is asked for by a hundred at once. @param {Crowd} crowd */
async function retriedChecks(crowd) {
  const { key, keyId } = await made(crowd, 100);
  const questions = Array.from({ length: 1000 }, (_each, n) => ({
    port: crowd.port,
    method: 'POST',
    path: `/check/i${Math.floor(n / 100)}`,
    key,
  }));
  const answers = await requests(questions);
  const charged = answers.filter(({ status, body }) => status === 200 && body.replayed !== true).length;
  return { statuses: statuses(answers), charged, left: await left(crowd, keyId) };
}

/** @type {import('./processes.js').Race[]} */
const KEYS = [
  {
    rule: '10,000 requests with one key on a quota of 100 pass exactly 100',
    run: charges,
    check: (seen) => assert.deepEqual(seen, { statuses: { 200: 100, 429: 9900 }, left: 0 }),
  },
  {
    rule: 'the old secret and the new, rotated under load, share one quota of 1,000',
    run: rotatedAmidUses,
    check: (seen) => assert.deepEqual(seen, { statuses: { 200: 1000, 429: 3500 }, left: 0 }),
  },
  {
    rule: 'a key revoked through one process is refused by all for every request begun after revoke() resolved',
    run: revokedAmidUses,
    check: (seen) => assert.deepEqual(seen, { accepted: 0 }),
  },
  {
    rule: 'each of 1,000 parallel top-ups of a key counts',
    run: topUps,
    check: (seen) => assert.deepEqual(seen, { left: 2001 }),
  },
  {
    rule: 'ten checks, each asked for by a hundred at once under its idempotency key, are charged ten times',
    run: retriedChecks,
    check: (seen) => assert.deepEqual(seen, { statuses: { 200: 1000 }, charged: 10, left: 90 }),
  },
];

module.exports = { KEYS };
