// The snippets of docs/recipes.md, and snippets of other documents that serve requests. Each runs in a separate app,
// on Express 4 and 5.
'use strict';

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const { once } = require('node:events');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');
const latchgate = require('latchgate');
const { EXPRESS, serve } = require('./support/app.js');
const { open, unique } = require('./support/auths.js');
const { get, send } = require('./support/http.js');
const { token } = require('./support/jwt.js');

/** Returns the snippet under a heading. @param {string} file @param {string} heading */
function snippet(file, heading) {
  const text = fs.readFileSync(path.join(__dirname, '..', 'docs', file), 'utf8');
  const [, section = ''] = text.split(new RegExp(`^#+ ${heading}$`, 'm'));
  const code = /^```js\n(.*?)^```$/ms.exec(section)?.[1];
  assert.ok(code, `${heading} has a snippet`);
  return code;
}

/** Runs the code with `app` and `auth` in scope. @param {string} code @param {Record<string, unknown>} scope */
const run = (code, scope) => new Function(...Object.keys(scope), code)(...Object.values(scope));

/**
 * @param {import('node:test').TestContext} t
 * @param {string} heading
 * @param {object} [options]
 * @param {string} [options.file]
 * @param {any} [options.express]
 * @param {import('latchgate').Auth} [options.auth]
 * @param {(app: any, auth: import('latchgate').Auth) => void} [options.before] code that runs before the snippet
 * @param {Record<string, unknown>} [options.more] other names that the snippet uses
 */
async function recipe(t, heading, { file = 'recipes.md', express, auth = open(t), before, more } = {}) {
  /** @type {string[]} */
  const warned = [];
  const note = (/** @type {unknown[]} */ ...words) => void warned.push(words.join(' '));
  /** Number of requests that reached the handler. */
  const passed = { count: 0 };
  const port = await serve(
    t,
    (app) => {
      (before ?? (() => app.use(require('express').json())))(app, auth);
      const scope = { app, auth, express: require('express'), require, console: { warn: note, error: note } };
      run(snippet(file, heading), { ...scope, ...latchgate, ...more });
      app.use((/** @type {any} */ _req, /** @type {any} */ res) => {
        passed.count++;
        res.send('end');
      });
    },
    express,
  );
  return { auth, passed, port, warned };
}

/** An Auth with an unreachable store. @param {import('node:test').TestContext} t */
const away = (t) => open(t, { store: { url: 'redis://127.0.0.1:1', commandTimeout: '100ms' } });

for (const { name, express } of EXPRESS) {
  describe(`the recipe, on ${name},`, () => {
    it('for refusals logs the reason', async (t) => {
      const { auth, warned } = await recipe(t, 'Why was it refused\\?', { express });
      await auth.authenticate({ token: 'nonsense' });
      assert.deepEqual(
        warned.map((line) => line.trim()),
        ['401 invalid_token token_malformed'],
      );
    });

    it('for errors answers with status and code, and never with a message or a stack trace', async (t) => {
      const { port, warned } = await recipe(t, 'Errors of your own calls', {
        express,
        before(app, auth) {
          app.get('/input', (/** @type {any} */ _req, /** @type {any} */ _res, /** @type {any} */ next) => {
            auth.sessions.list('').catch(next);
          });
          app.get('/away', (/** @type {any} */ _req, /** @type {any} */ _res, /** @type {any} */ next) => {
            away(t).sessions.list('ada').catch(next);
          });
          app.get('/own', () => {
            throw new Error('connect to postgres://app:hunter2@db');
          });
          app.use(require('express').json());
        },
      });
      const ask = async (/** @type {import('./support/http.js').Question} */ question) => {
        const answer = await send(port, question);
        return [answer.status, JSON.parse(answer.body)];
      };
      assert.deepEqual(await ask({ path: '/input' }), [500, { error: 'ERR_LATCHGATE_INPUT' }]);
      assert.deepEqual(await ask({ path: '/away' }), [503, { error: 'ERR_LATCHGATE_STORE_UNAVAILABLE' }]);
      assert.deepEqual(await ask({ path: '/own' }), [500, { error: 'internal' }]);
      const headers = ['Content-Type: application/json'];
      const body = '{"password":"hunter2",';
      assert.deepEqual(await ask({ method: 'POST', headers, body }), [400, { error: 'invalid_request' }]);
      assert.equal(warned.length, 3, 'only errors of the server are logged');
    });

    it('for logins allows ten requests per address and minute', async (t) => {
      const { passed, port } = await recipe(t, 'Throttle what has no user yet', { express });
      const statuses = [];
      for (let n = 0; n < 11; n++) statuses.push((await post(port, `user ${n}`)).status);
      assert.deepEqual(statuses, [...Array(10).fill(200), 429]);
      assert.ok((await post(port, 'another')).headers.get('retry-after'));
      assert.equal(passed.count, 10);
    });

    it('for logins allows ten requests per name, from any address', async (t) => {
      let n = 0;
      const { passed, port } = await recipe(t, 'Throttle what has no user yet', {
        express,
        before(app) {
          app.use((/** @type {any} */ req, /** @type {any} */ _res, /** @type {any} */ next) => {
            Object.defineProperty(req, 'ip', { value: `192.0.2.${n++}` });
            next();
          });
          app.use(require('express').json());
        },
      });
      for (let tries = 0; tries < 15; tries++) await post(port, 'ada'.repeat(200));
      assert.equal(passed.count, 10);
    });

    it('for logins answers 400 to an invalid name, and 503 if the store is unreachable', async (t) => {
      const { passed, port } = await recipe(t, 'Throttle what has no user yet', { express });
      for (const user of [undefined, null, 7, ['ada'], { toString: 1 }])
        assert.equal((await post(port, user)).status, 400);
      assert.equal(passed.count, 0);
      for (const user of ['', '\ud800', '\u{1f600}'.repeat(200), 'x'.repeat(50_000)])
        assert.equal((await post(port, user)).status, 200);
      const other = await recipe(t, 'Throttle what has no user yet', { express, auth: away(t) });
      assert.equal((await post(other.port, 'ada')).status, 503);
    });

    it('for cookies reads the token from a cookie that no subdomain can set', async (t) => {
      const { port } = await recipe(t, 'Tokens in cookies', { express });
      const text = token({ sub: unique() });
      const get = async (/** @type {string} */ cookie) =>
        (await send(port, { headers: [`Cookie: ${cookie}`] })).status;
      assert.equal(await get(`a=b; __Host-token=${text}`), 200);
      for (const other of [`token=${text}`, `not__Host-token=${text}`, `a=__Host-token=${text}`])
        assert.equal(await get(other), 401, other);
    });

    it('for cookies denies changes from another origin', async (t) => {
      const { passed, port } = await recipe(t, 'Tokens in cookies', { express });
      const cookie = `Cookie: __Host-token=${token({ sub: unique() })}`;
      const ask = async (/** @type {string} */ method, /** @type {string[]} */ ...origin) =>
        (await send(port, { method, headers: [cookie, ...origin] })).status;
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
        for (const origin of ['Origin: https://evil.example', 'Origin: null', 'X-Origin: none'])
          assert.equal(await ask(method, origin), 403);
      assert.equal(passed.count, 0);
      assert.equal(await ask('POST', 'Origin: https://app.example'), 200);
    });

    it('for CORS answers preflight requests, and requires a credential for all other requests', async (t) => {
      const { passed, port } = await recipe(t, 'CORS', { express });
      const ask = (/** @type {string} */ method, /** @type {string[]} */ ...headers) =>
        send(port, { method, headers });
      const ours = 'Origin: https://app.example';
      const wish = ['Access-Control-Request-Method: PUT', 'Access-Control-Request-Headers: authorization'];
      const answer = await ask('OPTIONS', ours, ...wish);
      assert.deepEqual(
        [answer.status, answer.header('access-control-allow-origin'), answer.header('vary')],
        [204, 'https://app.example', 'Origin'],
      );
      assert.match(String(answer.header('access-control-allow-headers')), /authorization/);
      const theirs = await ask('OPTIONS', 'Origin: https://evil.example', ...wish);
      assert.deepEqual([theirs.status, theirs.header('access-control-allow-origin')], [401, undefined]);
      for (const method of ['OPTIONS', 'GET', 'POST', 'HEAD'])
        assert.equal((await ask(method)).status, 401, method);
      const denied = await ask('GET', ours);
      assert.deepEqual(
        [denied.status, denied.header('access-control-allow-origin')],
        [401, 'https://app.example'],
      );
      assert.equal(passed.count, 0, 'the handler of app.use never ran');
      assert.equal((await get(port, '/', token({ sub: unique() }))).status, 200);
    });

    it('for webhooks accepts each signed event once, and nothing else', async (t) => {
      process.env.WEBHOOK_SECRET = 'a secret that the payment service knows';
      t.after(() => delete process.env.WEBHOOK_SECRET);
      const { auth, port } = await recipe(t, 'Webhooks', { express, before() {} });
      const sign = (/** @type {string} */ body, key = String(process.env.WEBHOOK_SECRET)) =>
        crypto.createHmac('sha256', key).update(body).digest('hex');
      const send = async (/** @type {string} */ body, /** @type {string | undefined} */ signature) => {
        const headers = { 'content-type': 'application/json' };
        if (signature !== undefined) Object.assign(headers, { 'x-signature': signature });
        const url = `http://127.0.0.1:${port}/payments`;
        return (await fetch(url, { method: 'POST', headers, body })).status;
      };
      const event = (/** @type {object} */ more) =>
        JSON.stringify({ id: 'e1', userId: 'ada', units: 5, ...more });
      const good = event({});
      for (const bad of [
        undefined,
        '',
        'zz',
        sign(good, ''),
        sign(`${good} `),
        sign(good).slice(2),
        `${sign(good)}00`,
      ])
        assert.equal(await send(good, bad), 401, bad);
      assert.equal(await send('', ''), 401);
      for (const more of [{ units: -5 }, { units: '5' }, { units: 2 ** 53 }, { id: undefined }])
        assert.equal(await send(event(more), sign(event(more))), 400);
      assert.equal(await auth.counters.get('ada', 'units'), 0);
      const answers = await Promise.all(Array.from({ length: 5 }, () => send(good, sign(good))));
      assert.deepEqual(answers, Array(5).fill(204));
      assert.equal(await auth.counters.get('ada', 'units'), 5);
    });

    it('for webhooks does not start without a secret', async (t) => {
      await assert.rejects(recipe(t, 'Webhooks', { express, before() {} }), /WEBHOOK_SECRET/);
    });

    it('for health reports the state, and no details', async (t) => {
      const ask = async (/** @type {number} */ port) => {
        const { status, body } = await send(port, { path: '/healthz' });
        return [status, body];
      };
      const { auth, port } = await recipe(t, 'Health checks', { express });
      assert.deepEqual(await ask(port), [200, 'OK']);
      const other = await recipe(t, 'Health checks', { express, auth: away(t) });
      assert.deepEqual(await ask(other.port), [503, 'Service Unavailable']);
      await auth.close();
      assert.equal((await ask(port))[0], 503);
    });

    it('for a turn withdraws nothing from an empty balance, regardless of concurrent requests', async (t) => {
      const balance = new Map();
      const { auth, port } = await recipe(t, 'serialize\\(\\)', {
        file: 'turns.md',
        express,
        more: {
          readBalance: async (/** @type {string} */ user) => balance.get(user),
          writeBalance: async (/** @type {string} */ user, /** @type {number} */ to) => balance.set(user, to),
        },
      });
      const user = unique();
      balance.set(user, 3);
      const headers = [`Authorization: Bearer ${await auth.tokens.issue(user)}`];
      const bets = Array.from({ length: 6 }, () => send(port, { method: 'POST', path: '/bets', headers }));
      const statuses = (await Promise.all(bets)).map(({ status }) => status).sort();
      assert.deepEqual(statuses, [201, 201, 201, 402, 402, 402]);
      assert.equal(balance.get(user), 0);
    });

    it('for Express 4 passes a rejection of a handler to the error handler', async (t) => {
      const auth = open(t, { sessions: {}, apiKeys: {} });
      const { port } = await recipe(t, 'Express 4', { file: 'error-codes.md', express, auth });
      const out = async (/** @type {string} */ authorization) =>
        (await send(port, { method: 'POST', path: '/logout', headers: [authorization] })).status;
      assert.equal(await out('X-None: 1'), 401);
      const { key } = await auth.apiKeys.create({ ownerId: unique() });
      assert.equal(await out(`X-Api-Key: ${key}`), 500, 'logout() rejects a key without a token');
      const login = await auth.tokens.login(unique());
      assert.ok(login.ok);
      assert.equal(await out(`Authorization: Bearer ${login.accessToken}`), 204);
    });
  });
}

it('the snippet of docs/metrics.md serves on the loopback interface, separately from the app', async (t) => {
  const auth = open(t);
  const code = snippet('metrics.md', '`auth.metrics\\(\\)`').replace('9464', '0');
  const metrics = run(`${code}; return metrics;`, { auth, require });
  t.after(() => metrics.close());
  if (!metrics.listening) await once(metrics, 'listening');
  const { address, port } = metrics.address();
  assert.equal(address, '127.0.0.1');
  const answer = await send(port);
  assert.match(String(answer.header('content-type')), /^text\/plain; version=0\.0\.4/);
  assert.match(answer.body, /^latchgate_decisions_total/m);
});

/** @param {number} port @param {unknown} user */
function post(port, user) {
  const headers = { 'content-type': 'application/json' };
  return fetch(`http://127.0.0.1:${port}/login`, { method: 'POST', headers, body: JSON.stringify({ user }) });
}
