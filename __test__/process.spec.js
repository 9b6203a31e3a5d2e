// Behaviour of the package in a process: loading, threads, warnings and exit.
'use strict';

const assert = require('node:assert/strict');
const path = require('node:path');
const { describe, it } = require('node:test');
const { runNode, runScript } = require('./support/child.js');
const { copyPackage } = require('./support/copy.js');

/** @param {import('./support/child.js').Ending} ending @param {string} [stdout] */
function assertEnded({ status, signal, stdout: printed, stderr }, stdout) {
  assert.deepEqual({ status, signal, stderr }, { status: 0, signal: null, stderr: '' });
  if (stdout !== undefined) assert.equal(printed.trim(), stdout);
}

/** Returns the codes of the warnings that a process printed. @param {string} stderr */
const warnings = (stderr) => [...stderr.matchAll(/\[(LATCHGATE_\w+)\]/g)].map(([, code]) => code);

const RESTART = 'LATCHGATE_EMBEDDED_RESTART';
const PER_PROCESS = 'LATCHGATE_EMBEDDED_PER_PROCESS';

describe('a process', () => {
  for (const store of ['memory:', 'memory:shared']) {
    it(`exits with an idle Auth on ${store} that was never closed`, async () => {
      assertEnded(
        await runScript(`
          const auth = latchgate.createAuth({ store: '${store}', jwt: { secret: SECRET }, sessions: { limit: 1 } });
          await auth.sessions.admit('u');
          auth.middleware();
          console.log('done');
        `),
        'done',
      );
    });
  }

  it('stays alive while close() waits for a section', async () => {
    assertEnded(
      await runScript(`
        const auth = latchgate.createAuth({ jwt: { secret: SECRET } });
        auth.locks.runExclusive('k', () => new Promise(() => {}), { maxHold: 100 }).catch(() => {});
        await auth.close();
        console.log('closed');
      `),
      'closed',
    );
  });

  it('exits after close(), and further calls of close() succeed', async () => {
    assertEnded(
      await runScript(`
        const auth = latchgate.createAuth({ jwt: { secret: SECRET } });
        const token = await auth.tokens.issue('u');
        await Promise.all([auth.close(), auth.close()]);
        await auth.close();
        const calls = [
          () => auth.sessions.admit('u'), () => auth.sessions.list('u'), () => auth.sessions.touch('u', 's'),
          () => auth.sessions.end('u', 's'), () => auth.sessions.endAll('u'), () => auth.tokens.issue('u'),
          () => auth.tokens.verify(token), () => auth.tokens.revoke(token), () => auth.tokens.isRevoked(token),
          () => auth.tokens.revokeId({ jti: 'j', userId: 'u', expiresAt: Date.now() + 1000 }),
          () => auth.tokens.isRevoked({ jti: 'j', userId: 'u' }),
          () => auth.tokens.revokeUser('u'), () => auth.tokens.blockUser('u'), () => auth.tokens.unblockUser('u'),
          () => auth.authenticate({ token }), () => auth.ready(), () => auth.health(),
          async () => auth.middleware(),
        ];
        const codes = await Promise.all(calls.map((call) => call().then(() => call.toString(), (error) => error.code + error.status)));
        console.log([...new Set(codes)].join());
      `),
      'ERR_LATCHGATE_CLOSED503',
    );
  });

  it('exits on SIGTERM, and the app can close the Auth first', async () => {
    const ending = await runScript(
      `
        const http = require('node:http');
        const auth = latchgate.createAuth({ jwt: { secret: SECRET } });
        const server = http.createServer((req, res) => res.end());
        server.listen(0, '127.0.0.1', () => console.log('ready'));
        process.on('SIGTERM', async () => {
          server.close();
          await auth.close();
          console.log('closed');
        });
      `,
      { onLine: (line, child) => void (line === 'ready' && child.kill('SIGTERM')) },
    );
    assertEnded(ending, 'ready\nclosed');
    const unhandled = await runScript(
      `latchgate.createAuth({ jwt: { secret: SECRET } }); setInterval(() => {}, 1000); console.log('ready');`,
      { onLine: (_line, child) => void child.kill('SIGTERM') },
    );
    assert.equal(unhandled.signal, 'SIGTERM');
  });

  it('that keeps req.auth does not keep the request in memory', async () => {
    const script = `
      const express = require('express');
      const http = require('node:http');
      const auth = require('latchgate').createAuth({ jwt: { secret: 's'.repeat(64) } });
      const kept = [];
      const requests = [];
      const app = express();
      app.use(auth.middleware());
      app.get('/', (req, res) => {
        kept.push(req.auth);
        requests.push(new WeakRef(req));
        res.end();
      });
      const server = app.listen(0, '127.0.0.1', async () => {
        const token = await auth.tokens.issue('u');
        const headers = { authorization: 'Bearer ' + token, connection: 'close' };
        for (let n = 0; n < 50; n++) {
          await new Promise((resolve) => http.get({ port: server.address().port, headers }, (res) => res.resume().on('close', resolve)));
        }
        server.close(async () => {
          for (let n = 0; n < 5; n++) {
            await new Promise(setImmediate);
            gc();
          }
          const left = requests.filter((request) => request.deref() !== undefined).length;
          console.log(kept.length, kept[49].userId, left <= 5);
        });
      });
    `;
    assertEnded(await runNode(['--expose-gc', '-e', script]), '50 u true');
  });

  it('with worker threads shares named stores, and each thread can end at any time', async () => {
    assertEnded(
      await runScript(`
        const { Worker } = require('node:worker_threads');
        const auth = latchgate.createAuth({ store: 'memory:shared', jwt: { secret: SECRET }, sessions: { limit: 3 } });
        const token = await auth.tokens.issue('u');
        const script = \`
          const { parentPort, workerData } = require('node:worker_threads');
          const latchgate = require(workerData.root);
          const auth = latchgate.createAuth({ store: 'memory:shared', jwt: { secret: workerData.secret }, sessions: { limit: 3 } });
          auth.sessions.admit('u').then(async ({ admitted }) => {
            parentPort.postMessage([admitted, await auth.tokens.verify(workerData.token) !== null]);
            if (workerData.stay) setInterval(() => {}, 1000);
          });
        \`;
        const answers = await Promise.all(Array.from({ length: 6 }, (_, index) => new Promise((resolve) => {
          const workerData = { root: require.resolve(${JSON.stringify(require.resolve('latchgate'))}), secret: SECRET, token, stay: index % 2 };
          const worker = new Worker(script, { eval: true, workerData });
          worker.on('message', (answer) => workerData.stay ? worker.terminate().then(() => resolve(answer)) : resolve(answer));
        })));
        const admitted = answers.filter(([admitted]) => admitted).length;
        console.log(admitted, answers.every(([, verified]) => verified), (await auth.sessions.list('u')).length);
      `),
      '3 true 3',
    );
  });

  it('can load the package twice after clearing the require cache', async () => {
    assertEnded(
      await runScript(`
        const first = latchgate.createAuth({ store: 'memory:shared', jwt: { secret: SECRET } });
        for (const file of Object.keys(require.cache)) if (!file.endsWith('.node')) delete require.cache[file];
        const again = require(${JSON.stringify(require.resolve('latchgate'))});
        const second = again.createAuth({ store: 'memory:shared', jwt: { secret: SECRET } });
        await first.sessions.admit('u', { sessionId: 's' });
        const [session] = await second.sessions.list('u');
        console.log(again !== latchgate, session.sessionId, await second.tokens.verify(await first.tokens.issue('u')) !== null);
      `),
      'true s true',
    );
  });

  it('can load two independent copies of the package, and gets a warning', async (t) => {
    const directory = copyPackage(t);
    const { status, stdout, stderr } = await runScript(
      `
          const other = require(${JSON.stringify(directory)});
          const one = latchgate.createAuth({ store: 'memory:shared', jwt: { secret: SECRET }, sessions: { limit: 1 } });
          const two = other.createAuth({ store: 'memory:shared', jwt: { secret: SECRET }, sessions: { limit: 1 } });
          const tokens = [await one.tokens.issue('u'), await two.tokens.issue('u')];
          const verified = await Promise.all([one, two].flatMap((auth) => tokens.map((token) => auth.tokens.verify(token))));
          const answers = [await one.sessions.admit('u'), await one.sessions.admit('u'), await two.sessions.admit('v')];
          console.log(verified.every(Boolean), answers.map(({ admitted }) => admitted).join());
        `,
      { env: { NAPI_RS_NATIVE_LIBRARY_PATH: undefined } },
    );
    assert.deepEqual([status, stdout.trim()], [0, 'true true,false,true']);
    assert.deepEqual(warnings(stderr), ['LATCHGATE_EMBEDDED_TWICE']);
  });

  it('without the binary reports the missing package when it creates an Auth', async (t) => {
    const directory = copyPackage(t, { binary: false });
    const ending = await runScript(
      `
        const bare = require(${JSON.stringify(directory)});
        try { bare.createAuth({}); } catch (error) { console.log(error.code, error instanceof bare.LatchgateError, error.message); }
      `,
      { env: { NAPI_RS_NATIVE_LIBRARY_PATH: undefined } },
    );
    assertEnded(ending);
    const name = `latchgate-${process.platform}-${process.arch}`;
    assert.match(ending.stdout, new RegExp(`^ERR_LATCHGATE_CONFIG true .*${name}`));
    assert.match(ending.stdout, /npm install/);
  });
});

describe('warnings', () => {
  const MAKE = `
    const auths = [1, 2, 3].map(() => latchgate.createAuth({ jwt: { secret: SECRET } }));
    const { warnings } = await auths[2].health();
    console.log(JSON.stringify(warnings));
  `;

  it('a plain process prints none', async () => {
    assertEnded(await runScript(MAKE, { env: { NODE_ENV: undefined } }), '[]');
  });

  it('production mode prints one about restarts, and every health() contains it', async () => {
    const { status, stderr, stdout } = await runScript(MAKE, { env: { NODE_ENV: 'production' } });
    assert.equal(status, 0);
    assert.deepEqual(warnings(stderr), [RESTART]);
    assert.match(stderr, /LatchgateWarning/);
    assert.equal(JSON.parse(stdout).length, 1);
    assert.match(JSON.parse(stdout)[0], /restart/);
  });

  it('a cluster worker prints one about the store per process, and the primary prints none', async () => {
    const ending = await runNode([path.join(__dirname, 'fixtures', 'cluster.js')], {
      env: { NODE_ENV: undefined },
    });
    assert.deepEqual([ending.status, ending.stdout], [0, `worker ${PER_PROCESS}\n`]);
  });

  it('PM2 in cluster mode causes the same warning', async () => {
    const fork = { NODE_ENV: undefined, pm_id: '0', exec_mode: 'fork_mode', NODE_APP_INSTANCE: '0' };
    assertEnded(await runScript(MAKE, { env: fork }), '[]');
    for (const env of [
      { ...fork, exec_mode: 'cluster_mode' },
      { ...fork, NODE_APP_INSTANCE: '3' },
    ]) {
      assert.deepEqual(warnings((await runScript(MAKE, { env })).stderr), [PER_PROCESS]);
    }
  });

  it('tokens without a session claim cause a single one, for any number of tokens and Auths', async () => {
    const { stderr, stdout } = await runScript(
      `
        const auths = [1, 2].map(() => latchgate.createAuth({ jwt: { secret: SECRET }, sessions: { admission: 'first-use' } }));
        for (const auth of auths) for (let n = 0; n < 3; n++) {
          console.log((await auth.authenticate({ token: await auth.tokens.issue('u') })).ok);
        }
        for (const auth of auths) console.log((await auth.health()).warnings.length);
      `,
      { env: { NODE_ENV: undefined } },
    );
    assert.equal(stdout.replaceAll('\n', ' '), 'true true true true true true 1 1 ');
    assert.deepEqual(warnings(stderr), ['LATCHGATE_SESSION_IS_TOKEN']);
  });
});

describe('health() and ready()', () => {
  it('report a working embedded store', async () => {
    const { stdout } = await runScript(`
      const auth = latchgate.createAuth({ jwt: { secret: SECRET } });
      const { latencyMs, ...rest } = await auth.health();
      console.log(await auth.ready(), latencyMs >= 0, JSON.stringify({ ...rest, warnings: undefined }));
    `);
    assert.equal(
      stdout,
      'undefined true {"ok":true,"store":"memory","topology":"embedded","degraded":false}\n',
    );
  });
});
