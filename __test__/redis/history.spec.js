// The history of one account does not slow down other accounts. The number of commands that a call runs on the
// server does not depend on the earlier calls of the account. The server counts the commands.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { open, unique } = require('../support/auths.js');
const { token } = require('../support/jwt.js');
const { KINDS, missing, startServer } = require('../support/servers.js');

/** @typedef {import('latchgate').Auth} Auth */

const HISTORY = 3_000;
/** Additional commands that a call may run for an account with history: an index may cause one more lookup. */
const SPARE = 6;

/**
 * Creates each kind of data that a user record keeps, `count` times.
 * @param {Auth} auth
 * @param {string} user
 * @param {number} count
 */
async function live(auth, user, count) {
  const each = Array.from({ length: count }, (_each, n) => n);
  for (let at = 0; at < count; at += 250) {
    await Promise.all(
      each
        .slice(at, at + 250)
        .flatMap((n) => [
          auth.sessions
            .admit(user, { sessionId: `ended-${n}`, limit: 5, onLimit: 'evict-oldest' })
            .then(() => auth.sessions.end(user, `ended-${n}`)),
          auth.tokens.revokeId({ jti: `token-${n}`, userId: user, expiresAt: Date.now() + 3_600_000 }),
          auth.authenticate(
            { token: token({ sub: user, sid: `quota-${n % 3}` }) },
            { quota: { limit: 1e6, window: '1h', name: `q${n}` } },
          ),
          auth.counters.add(user, `counter-${n}`, 1),
          auth.once(`${user} ${n}`, { ttl: '1h' }),
        ]),
    );
  }
}

/**
 * Calls that one account can cause, each with a new name. @type {Array<[string, (auth: Auth, user: string, n:
 * number) => Promise<unknown>]>}
 */
const CALLS = [
  ['admit', (auth, user, n) => auth.sessions.admit(user, { sessionId: `new-${n}`, limit: 100 })],
  [
    'admit, evicting',
    (auth, user, n) =>
      auth.sessions.admit(user, { sessionId: `evicting-${n}`, limit: 2, onLimit: 'evict-oldest' }),
  ],
  ['admit, refused', (auth, user) => auth.sessions.admit(user, { limit: 1 })],
  ['touch', (auth, user) => auth.sessions.touch(user, 'quota-1')],
  ['end', (auth, user, n) => auth.sessions.end(user, `evicting-${n}`)],
  ['list', (auth, user) => auth.sessions.list(user)],
  ['a request', (auth, user) => auth.authenticate({ token: token({ sub: user, sid: 'request' }) }, {})],
  ['login', (auth, user) => auth.tokens.login(user, { limit: 3, onLimit: 'evict-oldest' })],
  ['revoke', (auth, user) => auth.tokens.revoke(token({ sub: user }))],
  ['isRevoked', (auth, user) => auth.tokens.isRevoked(token({ sub: user }))],
  ['issue', (auth, user) => auth.tokens.issue(user, { sessionId: 'quota-1' })],
  ['endAll', (auth, user) => auth.sessions.endAll(user)],
  ['revokeUser', (auth, user) => auth.tokens.revokeUser(user)],
  ['blockUser', (auth, user) => auth.tokens.blockUser(user, { until: Date.now() + 1 })],
  ['unblockUser', (auth, user) => auth.tokens.unblockUser(user)],
  ['counters.add', (auth, user, n) => auth.counters.add(user, `another-${n}`, 1)],
];

/** @param {import('../support/servers.js').RealServer} server */
async function commands(server) {
  const stats = await server.info('commandstats');
  let count = 0;
  for (const [name, text] of Object.entries(stats)) {
    if (!/^cmdstat_(info|config|ping|client)/.test(name)) count += Number(/calls=(\d+)/.exec(text)?.[1]);
  }
  return count;
}

for (const { kind, name } of KINDS) {
  describe(`on ${name}`, async () => {
    const skip = await missing(kind);

    it(`no call runs more commands for an account with a history of ${HISTORY} than for an account with a history of 10`, {
      skip,
    }, async (t) => {
      const server = await startServer(t, { kind });
      const auth = open(t, {
        store: { url: server.url(), commandTimeout: '30s' },
        sessions: { admission: 'first-use' },
      });
      const [young, old] = [unique('young'), unique('old')];
      await live(auth, young, 10);
      await live(auth, old, HISTORY);
      for (const user of [young, old]) {
        for (const [, call] of CALLS) await call(auth, user, 0);
        await live(auth, user, 10);
      }
      for (const [what, call] of CALLS) {
        const counts = [];
        for (const user of [young, old]) {
          await server.resetStats();
          await call(auth, user, 1);
          counts.push(await commands(server));
        }
        const [few = 0, many = 0] = counts;
        t.diagnostic(`${what}: ${few} and ${many} commands`);
        assert.ok(many <= few + SPARE, `${what}: ${few} commands, and ${many} with history`);
      }
    });

    it('thousands of sessions of one user are ended and listed by short scripts', {
      skip,
    }, async (t) => {
      const server = await startServer(t, { kind });
      const auth = open(t, { store: { url: server.url(), commandTimeout: '30s' }, sessions: {} });
      const user = unique();
      const admit = (/** @type {number} */ n) => auth.sessions.admit(user, { sessionId: `s${n}` });
      for (let at = 0; at < 9_000; at += 500)
        await Promise.all(Array.from({ length: 500 }, (_each, n) => admit(at + n)));
      await server.resetStats();
      const listed = await auth.sessions.list(user);
      assert.equal(new Set(listed.map(({ sessionId }) => sessionId)).size, 9_000);
      assert.equal((await server.commandstats()).evalsha, 46, 'pages of 200 sessions, and an empty page');
      await server.resetStats();
      assert.equal(await auth.sessions.endAll(user, { except: 's7' }), 8_999);
      const { evalsha = 0 } = await server.commandstats();
      assert.equal(evalsha, 1, 'one script ends all sessions');
      assert.ok((await commands(server)) < 30);
      assert.deepEqual(
        (await auth.sessions.list(user)).map(({ sessionId }) => sessionId),
        ['s7'],
      );
      assert.equal(await auth.sessions.touch(user, 's8999'), null);
    });

    it('no user has more sessions than sessions.hardLimit', { skip }, async (t) => {
      const server = await startServer(t, { kind });
      const auth = open(t, { store: server.url(), sessions: { hardLimit: 20, admission: 'first-use' } });
      const user = unique();
      const bearers = Array.from({ length: 30 }, (_each, n) => token({ sub: user, sid: `s${n}` }));
      const answers = await Promise.all(bearers.map((bearer) => auth.authenticate({ token: bearer })));
      assert.equal(answers.filter(({ ok }) => ok).length, 20);
      for (const answer of answers) if (!answer.ok) assert.equal(answer.reason, 'session_limit');
      assert.equal((await auth.sessions.list(user)).length, 20);
      const login = await auth.tokens.login(user, { limit: 1_000 });
      assert.deepEqual([login.ok, 'reason' in login && login.reason], [false, 'session_limit']);
    });
  });
}
