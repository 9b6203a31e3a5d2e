// A process is killed, or a reply is lost, at every point of a login, a refresh and a logout. A retry gets one slot
// and one successor, and never two.
'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const http = require('node:http');
const { describe, it } = require('node:test');
const { fault, open } = require('../support/auths.js');
const { runScript } = require('../support/child.js');
const { SECRET } = require('../support/jwt.js');
const { ACTS, GRACE, warmUp } = require('../support/login-acts.js');
const { startProxy } = require('../support/proxy.js');
const { KINDS, missing, startServer } = require('../support/servers.js');
const { until } = require('../support/started.js');

const JWT = { secret: SECRET };

/** @param {import('node:test').TestContext} t @param {'redis' | 'valkey'} kind */
async function site(t, kind) {
  const server = await startServer(t, { kind });
  const proxy = await startProxy(t, { port: server.port });
  const judge = open(t, { store: server.url(), jwt: JWT, refresh: GRACE });
  // The server must know every script, so that one call is one command.
  await warmUp(judge, open(t, { store: server.url(), jwt: JWT, refresh: GRACE }));
  await server.flushAll();
  return { server, proxy, judge };
}

/**
 * Starts an HTTP server that calls `then` before it answers a request.
 * @param {import('node:test').TestContext} t
 * @param {() => void} then
 */
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
        { where: 'after it has the answer', n: 0 },
      ];
      for (const { where, what, n } of points) {
        it(`${name} by a process that is killed ${where} is completed by another process`, {
          skip,
        }, async (t) => {
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
          await again(judge, [real], subject);
        });
      }

      for (const n of numbers) {
        it(`${name} whose reply ${n} is lost is completed by a retry`, { skip }, async (t) => {
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
          await again(judge, [real], subject);
        });
      }
    }
  });
}
