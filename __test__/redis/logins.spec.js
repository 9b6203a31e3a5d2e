// Logins on real servers: their cost, the stored data of their tokens, and what an attacker cannot learn from that
// data.
'use strict';

const assert = require('node:assert/strict');
const { createDecipheriv, createHash, hkdfSync } = require('node:crypto');
const { describe, it } = require('node:test');
const { open, unique } = require('../support/auths.js');
const { numberOf } = require('../support/forged.js');
const { ids, login, passes, refresh, why } = require('../support/logins.js');
const { startProxy } = require('../support/proxy.js');
const { KINDS, missing, startServer } = require('../support/servers.js');
const { until } = require('../support/started.js');

const HOUR = 3_600_000;

/** @typedef {import('../support/servers.js').RealServer} Server */

/** Returns the keys of one kind. @param {Server} server @param {string} kind */
const of = async (server, kind) => (await server.keys()).filter((key) => key.split(':')[2] === kind);

/** Returns all names and values on the server as bytes. @param {Server} server @returns {Promise<Buffer>} */
async function contents(server) {
  const parts = [];
  for (const key of await server.keys()) {
    parts.push(Buffer.from(key));
    const type = await server.command('TYPE', key);
    const reads = { hash: ['HGETALL'], zset: ['ZRANGE', '0', '-1', 'WITHSCORES'], string: ['GET'] };
    const [command, ...rest] = reads[/** @type {keyof typeof reads} */ (type)];
    parts.push(...(await texts(server, command, key, ...rest)));
  }
  return Buffer.concat(parts.flatMap((part) => [part, Buffer.from('\n')]));
}

/**
 * Returns the texts of a reply as bytes. The script encodes them as hexadecimal digits, which the client cannot
 * alter.
 * @param {Server} server
 * @param {string[]} words
 */
async function texts(server, ...words) {
  const script = `
    local reply = redis.call(unpack(ARGV))
    if type(reply) ~= 'table' then reply = { reply } end
    for i, text in ipairs(reply) do
      reply[i] = string.gsub(text, '.', function(c) return string.format('%02x', string.byte(c)) end)
    end
    return reply`;
  /** @type {any[]} */
  const reply = await server.command('EVAL', script, '0', ...words);
  return reply.map((hex) => Buffer.from(String(hex), 'hex'));
}

/**
 * Returns the successor that a holder of this token can read from a seal, in the format of docs/layout.md.
 * @param {string} token
 * @param {Buffer} sealed
 */
function unseal(token, sealed) {
  const family = Buffer.from(token.split('.')[1], 'base64url');
  const key = Buffer.from(hkdfSync('sha256', token, 'latchgate refresh successor', family, 32));
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12));
  decipher.setAAD(family);
  decipher.setAuthTag(sealed.subarray(-16));
  const body = Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()]);
  return [...token.split('.').slice(0, 2), body.toString('base64url')].join('.');
}

for (const { kind, name } of KINDS) {
  describe(`on ${name}`, async () => {
    const skip = await missing(kind);

    it('a login and a refresh are one command each, and one more command for an unknown family or a retry', {
      skip,
    }, async (t) => {
      const server = await startServer(t, { kind });
      const maker = open(t, { store: server.url() });
      // A script that the server does not know yet is sent as text once.
      const warm = await login(maker, unique());
      await open(t, { store: server.url() }).tokens.logout(
        (await refresh(maker, warm.refreshToken)).refreshToken,
      );
      const proxy = await startProxy(t, { port: server.port });
      const auth = open(t, { store: proxy.url });
      await auth.ready();
      const user = unique();
      const count = async (/** @type {() => Promise<any>} */ run) => {
        proxy.commands = {};
        await run();
        return proxy.commands.evalsha ?? 0;
      };
      let token = '';
      const ask = async () => {
        token = (await refresh(auth, token)).refreshToken;
      };
      const enter = async () => {
        token = (await login(auth, user, { requestId: 'r' })).refreshToken;
      };
      assert.equal(await count(() => login(auth, user)), 1, 'a login');
      assert.equal(await count(enter), 1, 'a login under a requestId');
      assert.equal(await count(enter), 2, 'a repeated login under the same requestId');
      assert.equal(await count(ask), 1, 'a refresh');
      const elsewhere = await login(maker, user);
      token = elsewhere.refreshToken;
      assert.equal(await count(ask), 2, 'a refresh of a family that another process has begun');
      assert.equal(await count(ask), 1);
      const together = Array.from({ length: 50 }, () => elsewhere.refreshToken);
      assert.equal(await count(() => Promise.all(together.map((each) => refresh(auth, each)))), 50);
      assert.equal(await count(() => auth.tokens.logout(token)), 1, 'a logout');
      const before = await server.keys();
      for (const text of ['', 'x', token.slice(1), elsewhere.accessToken])
        assert.equal(
          await count(() => auth.tokens.refresh(text)),
          0,
          'a text that cannot be a token causes no command',
        );
      const [bucket, , body] = token.split('.');
      const unknown = [bucket, Buffer.alloc(16).toString('base64url'), body].join('.');
      assert.equal(await count(() => why(auth, unknown)), 1, 'an unknown family is one command');
      assert.deepEqual(await server.keys(), before, 'an unknown family leaves no data');
    });

    it('the server stores only hashes of tokens, and for the grace window seals that only the previous token opens', {
      skip,
    }, async (t) => {
      const server = await startServer(t, { kind });
      const auth = open(t, { store: server.url(), refresh: { graceWindow: '1h' } });
      const user = unique();
      const tokens = [(await login(auth, user, { requestId: 'secret request' })).refreshToken];
      const access = [];
      for (let n = 0; n < 4; n++) {
        const next = await refresh(auth, tokens[n]);
        tokens.push(next.refreshToken);
        access.push(next.accessToken);
      }
      const held = await contents(server);
      const holds = (/** @type {string | Buffer} */ what) => held.includes(what);
      assert.ok(
        holds(createHash('sha256').update(tokens[4]).digest()),
        'the server has the hash of the live token',
      );
      for (const token of tokens) {
        const body = Buffer.from(token.split('.')[2], 'base64url');
        const secret = body.subarray(28);
        assert.ok(!holds(token) && !holds(token.split('.')[2]) && !holds(body) && !holds(secret));
      }
      for (const token of access) assert.ok(!holds(token) && !holds(token.split('.')[2]));
      assert.ok(!holds('secret request'));
      // An attacker with a used token and all stored data can read its successor, and the successor of that
      // successor. Nothing else is readable.
      const [links] = await of(server, 'fg');
      const fields = await texts(server, 'HGETALL', links);
      const seals = new Map(
        fields.flatMap((field, n) => (n % 2 === 0 ? [[field.toString('hex'), fields[n + 1]]] : [])),
      );
      assert.equal(seals.size, 4);
      const slot = (/** @type {string} */ token) => (numberOf(token) % 256).toString(16).padStart(2, '0');
      const half = (/** @type {string} */ token) =>
        createHash('sha256').update(token).digest().subarray(0, 16);
      for (const [n, token] of tokens.entries()) {
        for (const [m, other] of tokens.slice(0, 4).entries()) {
          const link = /** @type {Buffer} */ (seals.get(slot(other)));
          assert.equal(link.readUIntBE(0, 6), numberOf(other));
          assert.deepEqual(link.subarray(12, 28), half(other));
          const sealed = link.subarray(28);
          if (n === m) assert.equal(unseal(token, sealed), tokens[n + 1]);
          else assert.throws(() => unseal(token, sealed), `token ${n} opens the successor of token ${m}`);
        }
      }
    });

    it('after the grace window no seal is left, and no used token leads to a successor', {
      skip,
    }, async (t) => {
      const server = await startServer(t, { kind });
      const auth = open(t, { store: server.url(), refresh: { graceWindow: 100 } });
      const user = unique();
      const first = await login(auth, user);
      const second = await refresh(auth, first.refreshToken);
      await until('the seals are gone', async () => (await of(server, 'fg')).length === 0);
      const held = await contents(server);
      const secret = Buffer.from(second.refreshToken.split('.')[2], 'base64url').subarray(28);
      assert.ok(!held.includes(secret) && !held.includes(second.refreshToken));
      const third = await refresh(auth, second.refreshToken);
      assert.equal(await why(auth, first.refreshToken), 'reused');
      assert.deepEqual(await ids(auth, user), []);
      for (const token of [first, second, third].map(({ refreshToken }) => refreshToken))
        assert.equal(await why(auth, token), 'revoked');
      assert.ok(!(await passes(auth, third.accessToken)));
    });

    it('all data of a login expires an hour after its session', { skip }, async (t) => {
      const server = await startServer(t, { kind });
      const sessions = { absoluteTimeout: '5h', idleTimeout: '1h' };
      const auth = open(t, { store: server.url(), sessions, jwt: { secret: 's'.repeat(64), maxAge: '1h' } });
      const user = unique();
      const { refreshToken } = await login(auth, user, { requestId: 'r' });
      const again = await login(auth, user, { requestId: 'r' });
      await refresh(auth, again.refreshToken);
      assert.equal(await why(auth, refreshToken), 'invalid');
      const kinds = ['d', 'f', 'fg', 'lr', 'u'];
      assert.deepEqual((await server.keys()).map((key) => key.split(':')[2]).sort(), kinds);
      for (const key of await server.keys()) {
        const left = await server.command('PTTL', key);
        assert.ok(left > 0 && left < 12 * HOUR, `${key} ${left}`);
        if (['f', 'lr'].includes(key.split(':')[2])) assert.ok(left > 5 * HOUR && left <= 6 * HOUR);
        if (key.split(':')[2] === 'fg') assert.ok(left <= 10_000);
      }
      // All keys of a user are in one slot.
      assert.equal(new Set((await server.keys()).map((key) => key.split(':')[1])).size, 1);
    });

    it('a foreign value is reported, and the call has no effect', { skip }, async (t) => {
      const server = await startServer(t, { kind });
      const auth = open(t, { store: server.url() });
      const user = unique();
      const { refreshToken } = await login(auth, user, { requestId: 'r' });
      await refresh(auth, refreshToken);
      const before = await auth.sessions.list(user);
      for (const which of ['f', 'fg', 'lr']) {
        const [key] = await of(server, which);
        const dump = `${key}:kept`;
        await server.command('RENAME', key, dump);
        await server.command(which === 'lr' ? 'LPUSH' : 'SET', key, 'foreign');
        const calls = [
          () => auth.tokens.login(user, { requestId: 'r' }),
          ...(which === 'lr' ? [] : [() => auth.tokens.refresh(refreshToken)]),
        ];
        for (const call of calls) await assert.rejects(call(), { status: 503 }, `${which}`);
        await server.command('DEL', key);
        await server.command('RENAME', dump, key);
      }
      assert.deepEqual(await auth.sessions.list(user), before);
      await refresh(auth, refreshToken);
    });
  });
}
