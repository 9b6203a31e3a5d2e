// Stale refresh tokens of any age on real servers, in processes that remember a family and in new processes. And the
// maximum work that one account can cause in a script.
'use strict';

const assert = require('node:assert/strict');
const { createHmac } = require('node:crypto');
const { describe, it } = require('node:test');
const { open, unique } = require('../support/auths.js');
const { flipped, numberOf, pasted, withNumber } = require('../support/forged.js');
const { ids, login, refresh, why } = require('../support/logins.js');
const { startProxy } = require('../support/proxy.js');
const { KINDS, missing, startServer } = require('../support/servers.js');

/** @typedef {import('latchgate').Auth} Auth */
/** @typedef {import('../support/servers.js').RealServer} Server */

/**
 * Returns the last token of the thief, after `times` rotations.
 * @param {Auth} auth
 * @param {string} token
 * @param {number} times
 */
async function rotated(auth, token, times) {
  let last = token;
  for (let n = 0; n < times; n++) last = (await refresh(auth, last)).refreshToken;
  return last;
}

/** Returns the keys of one kind. @param {Server} server @param {string} kind */
const named = async (server, kind) => (await server.keys()).filter((key) => key.split(':')[2] === kind);

/** Returns the number of commands that scripts have called, without the calls of the scripts. @param {Server} server */
async function called(server) {
  const info = String(await server.command('INFO', 'commandstats'));
  let sum = 0;
  for (const [, name, calls] of info.matchAll(/cmdstat_(\w+):calls=(\d+)/g))
    if (!['info', 'evalsha', 'eval', 'ping', 'config'].includes(name)) sum += Number(calls);
  return sum;
}

for (const { kind, name } of KINDS) {
  describe(`on ${name}`, async () => {
    const skip = await missing(kind);

    it('30,000 rotations by a thief do not hide that the owner has a stale token', { skip }, async (t) => {
      const server = await startServer(t, { kind });
      const auth = open(t, { store: server.url(), refresh: { graceWindow: 0 } });
      const user = unique();
      const { refreshToken } = await login(auth, user);
      let last = await rotated(auth, refreshToken, 10_001);
      assert.deepEqual((await server.keys()).map((key) => key.split(':')[2]).sort(), ['d', 'f', 'u']);
      const other = await login(auth, user);
      await rotated(auth, other.refreshToken, 3);
      last = await rotated(auth, last, 19_999);
      assert.equal(numberOf(last), 30_001);
      assert.deepEqual(await auth.tokens.refresh(refreshToken), { ok: false, reason: 'reused' });
      assert.equal(await why(auth, last), 'revoked');
      assert.equal((await ids(auth, user)).length, 1, 'the other session is unchanged');
    });

    it('a token keeps its status after a restart of the process', { skip }, async (t) => {
      const server = await startServer(t, { kind });
      const options = { store: server.url(), refresh: { graceWindow: 0 } };
      const user = unique();
      const first = open(t, options);
      const { refreshToken } = await login(first, user);
      const second = (await refresh(first, refreshToken)).refreshToken;
      await first.close();
      const next = open(t, options);
      const third = (await refresh(next, second)).refreshToken;
      assert.equal(numberOf(third), 3);
      await next.close();
      assert.equal(await why(open(t, options), refreshToken), 'reused');
      assert.equal(await why(open(t, options), third), 'revoked');
    });

    it('a forged token is invalid and ends no session, regardless of the memory of the process', {
      skip,
    }, async (t) => {
      const server = await startServer(t, { kind });
      const options = { store: server.url(), refresh: { graceWindow: 0 } };
      const maker = open(t, options);
      const [user, other] = [unique(), unique()];
      const first = await login(maker, user);
      const live = await rotated(maker, first.refreshToken, 4);
      const strange = await rotated(maker, (await login(maker, other)).refreshToken, 9);
      const forged = [first.refreshToken, live].flatMap((token) => flipped(token));
      for (const number of [0, 1, 4, 6, 7, 2 ** 48 - 1])
        forged.push([`number ${number}`, withNumber(live, number)]);
      forged.push(['of another family', pasted(strange, strange, live)]);
      forged.push(['of another family, with our number', pasted(first.refreshToken, strange, live)]);
      for (const auth of [maker, open(t, options)])
        for (const [what, token] of forged) {
          assert.equal(await why(auth, token), 'invalid', what);
          assert.equal(await auth.tokens.logout(token), false, what);
        }
      assert.deepEqual([(await ids(maker, user)).length, (await ids(maker, other)).length], [1, 1]);
      await refresh(maker, live);
    });

    it('a MAC in the format of docs/layout.md protects branch and number', { skip }, async (t) => {
      const server = await startServer(t, { kind });
      const auth = open(t, { store: server.url() });
      const { refreshToken } = await login(auth, unique());
      const [family] = await named(server, 'f');
      const script = `return (string.gsub(redis.call('HGET', KEYS[1], 'k'), '.', function(c)
        return string.format('%02x', string.byte(c)) end))`;
      const key = Buffer.from(String(await server.command('EVAL', script, '1', family)), 'hex');
      assert.equal(key.length, 32);
      const [bucket, id, text] = refreshToken.split('.');
      const body = Buffer.from(text, 'base64url');
      assert.deepEqual([body.length, refreshToken.length], [60, 108]);
      const mac = createHmac('sha256', key)
        .update('latchgate refresh serial')
        .update(Buffer.from(bucket, 'hex'))
        .update(Buffer.from(id, 'base64url'))
        .update(body.subarray(0, 12))
        .update(body.subarray(28))
        .digest();
      assert.deepEqual(body.subarray(12, 28), mac.subarray(0, 16));
    });

    it('a process that remembers a different key for the family looks up the key, and retries', {
      skip,
    }, async (t) => {
      const server = await startServer(t, { kind });
      const proxy = await startProxy(t, { port: server.port });
      const auth = open(t, { store: proxy.url, refresh: { graceWindow: 0 } });
      await auth.ready();
      const count = async (/** @type {() => Promise<any>} */ run) => {
        proxy.commands = {};
        await run();
        return proxy.commands.evalsha ?? 0;
      };
      const user = unique();
      const { refreshToken: spent } = await login(auth, user);
      let { refreshToken: token } = await refresh(auth, spent);
      const [key] = await named(server, 'f');
      const swap = `local before = redis.call('HGET', KEYS[1], 'k')
        redis.call('HSET', KEYS[1], 'k', redis.call('HGET', KEYS[1], 'before') or string.rep('x', 32))
        redis.call('HSET', KEYS[1], 'before', before)`;
      await server.command('EVAL', swap, '1', key);
      for (const each of [spent, token]) {
        const [answer, logout] = [why(auth, each), auth.tokens.logout(each)];
        assert.deepEqual([await answer, await logout], ['invalid', false]);
      }
      assert.equal((await ids(auth, user)).length, 1);
      await server.command('EVAL', swap, '1', key);
      const ask = async () => {
        token = (await refresh(auth, token)).refreshToken;
      };
      assert.equal(await count(ask), 2, 'a lookup, and the refresh');
      assert.equal(await count(ask), 1, 'the key is remembered');
      await server.command('EVAL', swap, '1', key);
      assert.equal(await count(() => why(auth, token)), 2, 'the refresh, and a lookup');
      await server.command('EVAL', swap, '1', key);
      assert.equal(await count(() => why(auth, spent)), 2);
      assert.deepEqual(await ids(auth, user), [], 'the token was reused');
    });

    it('a family that was deleted starts again with a retried login', { skip }, async (t) => {
      const server = await startServer(t, { kind });
      const [auth, other] = [open(t, { store: server.url() }), open(t, { store: server.url() })];
      const user = unique();
      const first = await login(auth, user, { requestId: 'r' });
      const second = await refresh(auth, first.refreshToken);
      const [key] = await named(server, 'f');
      await server.command('DEL', key);
      assert.equal(await why(auth, second.refreshToken), 'invalid');
      const again = await login(other, user, { requestId: 'r' });
      assert.equal(again.admission.existing, true);
      for (const token of [first, second].map(({ refreshToken }) => refreshToken))
        for (const each of [auth, other]) assert.equal(await why(each, token), 'invalid');
      await refresh(auth, (await refresh(other, again.refreshToken)).refreshToken);
      assert.equal((await ids(auth, user)).length, 1);
    });

    it('a remembered family that is gone is looked up once, and not repeatedly', {
      skip,
    }, async (t) => {
      const server = await startServer(t, { kind });
      const proxy = await startProxy(t, { port: server.port });
      const auth = open(t, { store: proxy.url });
      await auth.ready();
      const { refreshToken } = await login(auth, unique());
      const count = async (/** @type {() => Promise<any>} */ run) => {
        proxy.commands = {};
        await run();
        return proxy.commands.evalsha ?? 0;
      };
      assert.equal(await count(() => refresh(auth, refreshToken)), 1);
      await server.command('FLUSHDB');
      assert.equal(await count(() => why(auth, refreshToken)), 2, 'the refresh, and a lookup');
      assert.equal(await count(() => why(auth, refreshToken)), 1, 'the family is forgotten: one lookup');
      assert.equal(await count(() => auth.tokens.logout(refreshToken)), 1);
      assert.deepEqual(await server.keys(), []);
    });

    it('a retried login succeeds while another process rotates without end', {
      skip,
    }, async (t) => {
      const server = await startServer(t, { kind });
      const options = { store: server.url(), refresh: { graceWindow: 0 } };
      const [auth, thief] = [open(t, options), open(t, options)];
      for (let round = 0; round < 5; round++) {
        const user = unique();
        let token = (await login(auth, user, { requestId: 'r' })).refreshToken;
        let reason = '';
        const rotating = (async () => {
          for (;;) {
            const answer = await thief.tokens.refresh(token);
            if (!answer.ok) {
              reason = answer.reason;
              return;
            }
            token = answer.refreshToken;
          }
        })();
        const again = await login(auth, user, { requestId: 'r' });
        assert.equal(again.admission.existing, true);
        await rotating;
        assert.equal(reason, 'reused');
        assert.equal(await why(auth, again.refreshToken), 'revoked');
      }
    });

    it('a refresh calls the same number of commands after any number of rotations', { skip }, async (t) => {
      const server = await startServer(t, { kind });
      const auth = open(t, { store: server.url(), refresh: { graceWindow: '1h' } });
      let token = (await login(auth, unique())).refreshToken;
      const costs = [];
      for (const times of [5, 250, 1_000]) {
        token = await rotated(auth, token, times);
        const before = await called(server);
        token = await rotated(auth, token, 50);
        costs.push(Math.round(((await called(server)) - before) / 50));
      }
      assert.deepEqual(costs, [costs[0], costs[0], costs[0]]);
      assert.ok(costs[0] <= 16, String(costs));
      const [links] = await named(server, 'fg');
      assert.equal(await server.command('HLEN', links), 256);
    });
  });
}
