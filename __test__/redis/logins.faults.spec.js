// A process is killed, or a reply is lost, at every point of a login, a refresh and a logout: whoever asks again gets one slot
// and one successor, and never two.
'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const http = require('node:http');
const { describe, it } = require('node:test');
const { fault, open, unique } = require('../support/auths.js');
const { runScript } = require('../support/child.js');
const { SECRET } = require('../support/jwt.js');
const { ids, login, passes, refresh, why } = require('../support/logins.js');
const { startProxy } = require('../support/proxy.js');
const { KINDS, missing, startServer } = require('../support/servers.js');
const { until } = require('../support/started.js');

/** @typedef {import('latchgate').Auth} Auth */
/** @typedef {import('../support/servers.js').RealServer} Server */
/** @typedef {{ user: string, token: string, first: string }} Subject token: what is presented; first: its access token */

const GRACE = { graceWindow: '5m' };
const JWT = { secret: SECRET };

/** How many spent tokens, and how many links to what followed them, the server holds. @param {Server} server */
async function kept(server) {
  const sum = async (/** @type {string} */ kind, /** @type {string} */ command) => {
    const keys = (await server.keys()).filter((key) => key.split(':')[2] === kind);
    const sizes = await Promise.all(keys.map((key) => server.command(command, key)));
    return sizes.reduce((total, size) => total + size, 0);
  };
  return { spent: await sum('fx', 'ZCARD'), links: await sum('fg', 'HLEN') };
}

/**
 * Each act: what stands before it, the call, how many commands it is at first sight, and what must hold after it was asked for
 * once more, however far it had got.
 * @type {Array<{ name: string, commands: number, prepare: (judge: Auth) => Promise<Subject>, call: string, again: (judge: Auth, server: Server, subject: Subject) => Promise<void> }>}
 */
const ACTS = [
  {
    name: 'a login',
    commands: 1,
    prepare: async () => ({ user: unique(), token: '', first: '' }),
    call: "auth.tokens.login(user, { requestId: 'r' })",
    again: async (judge, _server, { user }) => {
      const { refreshToken, accessToken } = await login(judge, user, { requestId: 'r' });
      assert.equal((await ids(judge, user)).length, 1);
      assert.ok(await passes(judge, accessToken));
      await refresh(judge, refreshToken);
    },
  },
  {
    name: 'a login that is retried',
    commands: 2,
    prepare: async (judge) => {
      const user = unique();
      const { refreshToken, accessToken } = await login(judge, user, { requestId: 'r' });
      return { user, token: refreshToken, first: accessToken };
    },
    call: "auth.tokens.login(user, { requestId: 'r' })",
    again: async (judge, _server, { user, token, first }) => {
      const { refreshToken, admission } = await login(judge, user, { requestId: 'r' });
      assert.ok(admission.existing);
      assert.equal((await ids(judge, user)).length, 1);
      assert.ok(await passes(judge, first));
      assert.equal(await why(judge, token), 'invalid');
      await refresh(judge, refreshToken);
      assert.equal(await why(judge, token), 'invalid');
    },
  },
  {
    name: 'a refresh',
    commands: 2,
    prepare: async (judge) => {
      const user = unique();
      const { refreshToken, accessToken } = await login(judge, user);
      return { user, token: refreshToken, first: accessToken };
    },
    call: 'auth.tokens.refresh(token)',
    again: async (judge, server, { user, token }) => {
      const answers = await Promise.all(Array.from({ length: 5 }, () => refresh(judge, token)));
      const successors = new Set(answers.map(({ refreshToken }) => refreshToken));
      assert.equal(successors.size, 1);
      assert.deepEqual(await kept(server), { spent: 1, links: 1 });
      assert.equal((await ids(judge, user)).length, 1);
      const [successor] = successors;
      const next = await refresh(judge, successor);
      assert.ok(await passes(judge, next.accessToken));
      assert.equal((await refresh(judge, token)).refreshToken, next.refreshToken);
    },
  },
  {
    name: 'a logout',
    commands: 2,
    prepare: async (judge) => {
      const user = unique();
      const { refreshToken, accessToken } = await login(judge, user);
      return { user, token: refreshToken, first: accessToken };
    },
    call: 'auth.tokens.logout(token)',
    again: async (judge, _server, { user, token, first }) => {
      await judge.tokens.logout(token);
      assert.deepEqual(await ids(judge, user), []);
      assert.equal(await why(judge, token), 'revoked');
      assert.ok(!(await passes(judge, first)));
    },
  },
];

/** @param {import('node:test').TestContext} t @param {'redis' | 'valkey'} kind */
async function site(t, kind) {
  const server = await startServer(t, { kind });
  const proxy = await startProxy(t, { port: server.port });
  const judge = open(t, { store: server.url(), jwt: JWT, refresh: GRACE });
  // The server knows every script, so that one call is one command.
  const { refreshToken } = await login(judge, 'warm', { requestId: 'w' });
  const other = open(t, { store: server.url(), jwt: JWT, refresh: GRACE });
  await other.tokens.logout((await refresh(other, refreshToken)).refreshToken);
  await server.flushAll();
  return { server, proxy, judge };
}

/** What answers once when it is asked, after `then`. @param {import('node:test').TestContext} t @param {() => void} then */
async function gate(t, then) {
  const listener = http.createServer((_req, res) => {
    then();
    res.end();
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  t.after(() => void listener.close());
  return `http://127.0.0.1:${/** @type {import('node:net').AddressInfo} */ (listener.address()).port}`;
}

for (const { kind, name: server } of KINDS) {
  describe(`on ${server}`, async () => {
    const skip = await missing(kind);

    for (const { name, commands, prepare, call, again } of ACTS) {
      const numbers = Array.from({ length: commands }, (_, n) => n + 1);
      /** @type {Array<{ where: string, what?: 'command' | 'reply', n: number }>} */
      const points = [
        ...numbers.map((n) => ({
          where: `before its command ${n} arrives`,
          what: /** @type {const} */ ('command'),
          n,
        })),
        ...numbers.map((n) => ({
          where: `before its reply ${n} comes`,
          what: /** @type {const} */ ('reply'),
          n,
        })),
        { where: 'with its answer in hand', n: 0 },
      ];
      for (const { where, what, n } of points) {
        it(`${name} by a process that is killed ${where} is done by another`, { skip }, async (t) => {
          const { server: real, proxy, judge } = await site(t, kind);
          const subject = await prepare(judge);
          /** @type {import('node:child_process').ChildProcess | undefined} */
          let victim;
          const kill = () => void victim?.kill('SIGKILL');
          const go = await gate(t, () => what !== undefined && proxy.stopAt(what, n, kill));
          const script = `
            const [user, token] = ${JSON.stringify([subject.user, subject.token])};
            const store = { url: ${JSON.stringify(proxy.url)}, commandTimeout: '30s' };
            const auth = latchgate.createAuth({ store, jwt: { secret: ${JSON.stringify(SECRET)} }, refresh: ${JSON.stringify(GRACE)} });
            await auth.ready();
            console.log('ready');
            await fetch(${JSON.stringify(go)});
            await ${call};
            console.log('done');
            setInterval(() => {}, 1000);`;
          const ending = await runScript(script, {
            onLine: (line, child) => {
              victim = child;
              if (line === 'done') child.kill('SIGKILL');
            },
          });
          assert.equal(ending.signal, 'SIGKILL', ending.stderr);
          assert.equal(ending.stdout.includes('done'), what === undefined);
          await again(judge, real, subject);
        });
      }

      for (const n of numbers) {
        it(`${name} whose reply ${n} is lost is done when it is asked for again`, { skip }, async (t) => {
          const { server: real, proxy, judge } = await site(t, kind);
          const subject = await prepare(judge);
          const store = { url: proxy.url, commandTimeout: '400ms', connectTimeout: '400ms' };
          const auth = open(t, { store, jwt: JWT, refresh: GRACE });
          await auth.ready();
          const { user, token } = subject;
          const ask = new Function('auth', 'user', 'token', `return ${call}`);
          proxy.loseReplies(1, { after: n - 1 });
          await assert.rejects(ask(auth, user, token), fault('STORE_TIMEOUT'));
          assert.equal(proxy.lost, 1);
          await until('it recovers', () => auth.ready().then(() => true));
          await ask(auth, user, token);
          await again(judge, real, subject);
        });
      }
    }
  });
}
