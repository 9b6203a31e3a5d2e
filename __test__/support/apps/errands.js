// Does everything that changes units, a few things at a time, each under an idempotency key where there may be one, in an order
// that a seed gives. Started again after it was killed it does all of it again.
'use strict';

const http = require('node:http');
const express = require('express');
const { createAuth } = require('latchgate');
const { SECRET } = require('../jwt.js');
const { BALANCE, BUCKET, COST, EACH, LANES, MOVE, POLICY, WINDOW } = require('../errands.js');

/** @type {import('../errands.js').Things} */
const things = JSON.parse(String(process.env.THINGS));
const { user, key, keyId, rotatedId, receipts, token } = things;
const store = { url: String(process.env.STORE), commandTimeout: '30s' };
const auth = createAuth({ store, jwt: { secret: SECRET }, apiKeys: {} });
const { apiKeys, counters, quotas } = auth;

let replayed = 0;
/** @param {Promise<{ replayed?: boolean, quota?: { replayed?: boolean } }>} asked */
const note = async (asked) => {
  const { quota, replayed: again = quota?.replayed } = await asked;
  if (again) replayed++;
};

const app = express();
app.use(
  auth.middleware({
    quota: {
      ...POLICY,
      idempotencyKey: (/** @type {any} */ req) => req.headers['idempotency-key'],
      refundOn: (/** @type {any} */ res) => res.statusCode === 500,
    },
  }),
);
app.get('/:status', (req, res) => void res.sendStatus(Number(req.params.status)));
const site = http.createServer(app);

/** Of two requests one fails, and gets its charge back. @param {number} n @returns {Promise<void>} */
async function request(n) {
  const { port } = /** @type {import('node:net').AddressInfo} */ (site.address());
  const answer = await fetch(`http://127.0.0.1:${port}/${n % 2 === 0 ? 200 : 500}`, {
    headers: { authorization: `Bearer ${token}`, 'idempotency-key': `i${n}` },
  });
  await answer.arrayBuffer();
}

/** One that broke off is known, or its name is taken for a while. @param {number} n */
async function importKey(n) {
  try {
    await apiKeys.create({ ownerId: user, key: `imported-${user}-${n}`, quota: { limit: 7 } });
  } catch (error) {
    if (/** @type {any} */ (error).code !== 'ERR_LATCHGATE_INPUT') throw error;
  }
}

/** @type {Array<(n: number) => Promise<unknown>>} */
const ERRANDS = [
  (n) => note(quotas.consume(`${user} window`, WINDOW, { cost: COST, idempotencyKey: `i${n}` })),
  (n) => note(quotas.consume(`${user} bucket`, BUCKET, { cost: COST, idempotencyKey: `i${n}` })),
  (n) => note(quotas.add(`${user} balance`, BALANCE, COST, { idempotencyKey: `i${n}` })),
  (n) => quotas.refund(receipts[n]),
  (n) => note(counters.add(user, 'c', COST, { idempotencyKey: `i${n}` })),
  (n) => note(counters.apply(user, MOVE, { idempotencyKey: `m${n}` })),
  (n) => note(apiKeys.check(key, { cost: COST, idempotencyKey: `i${n}` })),
  (n) => note(apiKeys.addQuota(keyId, 1, { idempotencyKey: `a${n}` })),
  () => apiKeys.rotate(rotatedId),
  (n) => auth.once(`${user} ${n}`, { by: 'errands' }),
  importKey,
  request,
];

async function main() {
  await new Promise((/** @type {(value: void) => void} */ resolve) => site.listen(0, '127.0.0.1', resolve));
  await auth.ready();
  const all = ERRANDS.flatMap((errand) => Array.from({ length: EACH }, (_each, n) => () => errand(n)));
  let state = Number(process.env.SEED);
  for (let at = all.length - 1; at > 0; at--) {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    const other = state % (at + 1);
    const kept = all[at];
    all[at] = all[other];
    all[other] = kept;
  }
  await Promise.all(
    Array.from({ length: LANES }, async () => {
      for (let next = all.pop(); next !== undefined; next = all.pop()) await next();
    }),
  );
  await new Promise((resolve) => site.close(resolve));
  await auth.close();
  console.log(JSON.stringify({ replayed }));
}

main();
