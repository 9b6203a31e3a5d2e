// ready() and health() on unsuitable servers: the version is too old, keys may be evicted, data is not persisted, or
// the server may not be inspected.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { open, unique } = require('../support/auths.js');
const { DEADLINES, status } = require('../support/faulty.js');
const { token } = require('../support/jwt.js');
const { KINDS, RESTRICTED, missing, startPretender, startServer } = require('../support/servers.js');

const SESSIONS = /** @type {const} */ ({ admission: 'first-use' });
const SOUND = { appendonly: true, maxmemory: '100mb', policy: 'noeviction' };

/** @type {Array<{ what: string, options: import('../support/servers.js').Options, words: RegExp, restricted?: boolean }>} */
const UNSOUND = [
  ...['allkeys-lru', 'volatile-lru', 'volatile-ttl', 'allkeys-random', 'volatile-lfu'].map((policy) => ({
    what: `may evict keys (${policy})`,
    options: { ...SOUND, policy },
    words: /evict|maxmemory-policy/i,
  })),
  {
    what: 'has no persistence',
    options: { ...SOUND, appendonly: false },
    words: /disk|persist|appendonly|restart/i,
  },
  {
    what: 'may not be inspected',
    options: { ...SOUND, users: [RESTRICTED] },
    words: /verif|inspect|CONFIG|INFO/i,
    restricted: true,
  },
];

for (const { kind, name } of KINDS) {
  describe(`${name} that`, async () => {
    const skip = await missing(kind);

    it('has persistence is accepted without a warning, strict or not', { skip }, async (t) => {
      const server = await startServer(t, { kind, ...SOUND });
      for (const strict of [false, true]) {
        const auth = open(t, { store: { url: server.url(), strict, ...DEADLINES } });
        await auth.ready();
        assert.deepEqual((await auth.health()).warnings, []);
      }
    });

    for (const { what, options, words, restricted } of UNSOUND) {
      it(`${what} causes a warning, and is refused if the store is strict`, { skip }, async (t) => {
        const server = await startServer(t, { kind, ...options });
        const url = restricted ? server.url(RESTRICTED) : server.url();
        const auth = open(t, { store: { url, ...DEADLINES }, sessions: SESSIONS });
        await auth.ready();
        const { ok, warnings } = await auth.health();
        assert.equal(ok, true);
        assert.ok(
          warnings.some((warning) => words.test(warning)),
          JSON.stringify(warnings),
        );
        assert.equal(await status(auth, token({ sub: unique(), sid: 's' })), 200);
        const strict = open(t, { store: { url, strict: true, ...DEADLINES } });
        await assert.rejects(strict.ready(), (/** @type {any} */ error) => {
          assert.match(error.message, words);
          return /^ERR_LATCHGATE_/.test(error.code);
        });
      });
    }
  });
}

describe('a server that is too old', () => {
  for (const version of ['5.0.14', '6.2.7']) {
    it(`(${version}) is refused by ready(), with the version in the message`, async (t) => {
      const url = await startPretender(t, ([command = '']) => {
        const text = `# Server\r\nredis_version:${version}\r\nredis_mode:standalone\r\n`;
        if (/^info$/i.test(command)) return `$${text.length}\r\n${text}\r\n`;
        if (/^hello$/i.test(command)) return `-ERR unknown command 'HELLO'\r\n`;
        if (/^config$/i.test(command)) return '*0\r\n';
        if (/^ping$/i.test(command)) return '+PONG\r\n';
        return '+OK\r\n';
      });
      const auth = open(t, { store: { url, ...DEADLINES } });
      await assert.rejects(auth.ready(), (/** @type {any} */ error) => {
        assert.ok(error.message.includes(version), error.message);
        return /^ERR_LATCHGATE_/.test(error.code);
      });
    });
  }
});
