// A process that runs every operation on units is killed repeatedly, each time at a point that a seed selects. After
// each kill, only whole units are stored. After an undisturbed run, every operation was done once.
'use strict';

const assert = require('node:assert/strict');
const path = require('node:path');
const { describe, it } = require('node:test');
const { fault, open, unique } = require('../support/auths.js');
const { ROOT, runNode } = require('../support/child.js');
const { BALANCE, BUCKET, COST, EACH, LANES, POLICY, WINDOW } = require('../support/errands.js');
const { SECRET, token } = require('../support/jwt.js');
const { startProxy } = require('../support/proxy.js');
const { KINDS, missing, startServer } = require('../support/servers.js');

/** @typedef {import('latchgate').Auth} Auth */
/** @typedef {import('../support/errands.js').Things} Things */

const APP = path.join(ROOT, '__test__', 'support', 'apps', 'errands.js');
const KILLS = 6;
/** Minimum number of commands with our scripts in a complete run. */
const COMMANDS = 12 * EACH;
const KEY_UNITS = 1000;

/** @param {Auth} judge @returns {Promise<Things>} */
async function prepare(judge) {
  const user = unique();
  const receipts = [];
  for (let n = 0; n < EACH; n++) {
    const { receipt = '' } = await judge.quotas.consume(`${user} back`, WINDOW, { cost: COST });
    receipts.push(receipt);
  }
  const { key, keyId } = await judge.apiKeys.create({ ownerId: user, quota: { limit: KEY_UNITS } });
  const rotated = await judge.apiKeys.create({ ownerId: user, quota: { limit: KEY_UNITS } });
  return { user, token: token({ sub: user }), key, keyId, rotatedId: rotated.keyId, receipts };
}

/** Counts the stored units. @param {Auth} judge @param {Things} things */
async function count(judge, { user, token: text, keyId, rotatedId }) {
  const used = async (/** @type {string} */ name, /** @type {import('latchgate').QuotaRule} */ rule) =>
    rule.limit - (await judge.quotas.peek(`${user} ${name}`, rule)).remaining;
  const value = (/** @type {string} */ name) => judge.counters.get(user, name);
  const looked = await judge.authenticate({ token: text }, { quota: { ...POLICY, cost: 0 } });
  assert.ok(looked.ok);
  const balance = await judge.quotas.peek(`${user} balance`, BALANCE);
  const left = async (/** @type {string} */ id) => (await judge.apiKeys.get(id))?.quota?.remaining;
  return {
    window: await used('window', WINDOW),
    bucket: await used('bucket', BUCKET),
    back: await used('back', WINDOW),
    added: balance.limit - BALANCE.limit,
    counter: await value('c'),
    from: await value('from'),
    to: await value('to'),
    ofKey: KEY_UNITS - Number(await left(keyId)),
    ofRotated: KEY_UNITS - Number(await left(rotatedId)),
    requests: POLICY.limit - Number(looked.auth.quota?.remaining),
  };
}

/**
 * Asserts that nothing is half done, and that nothing is done twice.
 * @param {Awaited<ReturnType<typeof count>>} seen
 */
function assertWhole(seen) {
  const most = EACH * COST;
  for (const name of /** @type {const} */ (['window', 'bucket', 'back', 'added', 'counter'])) {
    assert.equal(seen[name] % COST, 0, `${name}: ${seen[name]}`);
    assert.ok(seen[name] >= 0 && seen[name] <= most, `${name}: ${seen[name]}`);
  }
  assert.equal(seen.from + seen.to, 0);
  assert.ok(seen.to <= EACH);
  assert.ok(seen.ofKey >= -EACH && seen.ofKey <= most, `${seen.ofKey}`);
  assert.equal(seen.ofRotated, 0);
  assert.ok(seen.requests <= EACH);
}

/**
 * Asserts that each import is complete, or is not made and its name is reserved for a while.
 * @param {Auth} judge
 * @param {Things} things
 * @returns {Promise<number>} the number of incomplete imports
 */
async function brokenOff(judge, { user }) {
  let taken = 0;
  for (let n = 0; n < EACH; n++) {
    const text = `imported-${user}-${n}`;
    const check = await judge.apiKeys.check(text, { cost: 0 });
    if (check.valid) {
      assert.equal(check.quota?.remaining, 7);
      continue;
    }
    taken++;
    const again = judge.apiKeys.create({ ownerId: user, key: text });
    await assert.rejects(again, fault('INPUT', /being imported/));
  }
  const imported = (await judge.apiKeys.list(user)).length - 2;
  assert.equal(imported, EACH - taken, 'no key has two records');
  return taken;
}

for (const { kind, name } of KINDS) {
  describe(`on ${name}, a process that runs every operation and is killed`, async () => {
    const skip = await missing(kind);

    it(`at ${KILLS} points leaves whole units, and its repeated operations are done once`, {
      skip,
    }, async (t) => {
      const server = await startServer(t, { kind });
      const proxy = await startProxy(t, { port: server.port });
      const judge = open(t, { store: server.url(), jwt: { secret: SECRET }, apiKeys: {} });
      const things = await prepare(judge);
      const run = (/** @type {number} */ seed, /** @type {Parameters<typeof runNode>[1]} */ options = {}) =>
        runNode([APP], {
          env: { STORE: proxy.url, SEED: String(seed), THINGS: JSON.stringify(things) },
          ...options,
        });
      for (let seed = 1; seed <= KILLS; seed++) {
        const what = seed % 2 === 0 ? 'command' : 'reply';
        const n = 1 + ((seed * 61) % COMMANDS);
        /** @type {import('node:child_process').ChildProcess | undefined} */
        let victim;
        proxy.stopAt(what, n, () => void victim?.kill('SIGKILL'));
        const { signal, stderr } = await run(seed, {
          onStart: (child) => {
            victim = child;
          },
        });
        assert.equal(signal, 'SIGKILL', stderr);
        const seen = await count(judge, things);
        t.diagnostic(`seed ${seed}, ${what} ${n}: ${JSON.stringify(seen)}`);
        assertWhole(seen);
      }
      const { status, stdout, stderr } = await run(KILLS + 1);
      assert.equal(status, 0, stderr);
      assert.ok(JSON.parse(stdout).replayed > 0, 'some operations had been done before');
      const { requests, ...units } = await count(judge, things);
      assert.deepEqual(units, {
        window: EACH * COST,
        bucket: EACH * COST,
        back: 0,
        added: EACH * COST,
        counter: EACH * COST,
        from: -EACH,
        to: EACH,
        ofKey: EACH * COST - EACH,
        ofRotated: 0,
      });
      // If a process died between a charge and its refund, the charge stays. But no request has two charges.
      assert.ok(requests >= EACH / 2, `${requests}`);
      for (let n = 0; n < EACH; n++) {
        const quota = { ...POLICY, idempotencyKey: () => `i${n}` };
        assert.ok((await judge.authenticate({ token: things.token }, { quota })).ok);
      }
      assert.equal((await count(judge, things)).requests, EACH);
      for (let n = 0; n < EACH; n++) {
        assert.equal(await judge.once(`${things.user} ${n}`, { by: 'judge' }), false);
        assert.equal(await judge.once(`${things.user} ${n}`, { by: 'errands' }), true);
      }
      assert.ok((await brokenOff(judge, things)) <= KILLS * LANES);
      const { key } = await judge.apiKeys.rotate(things.rotatedId);
      assert.equal((await judge.apiKeys.check(key, { cost: 0 })).quota?.remaining, KEY_UNITS);
    });
  });
}
