// The snippets of docs/recipes.md and of docs/error-codes.md, each in an app of its own.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');
const latchgate = require('latchgate');
const { EXPRESS, serve } = require('./support/app.js');
const { open, unique } = require('./support/auths.js');
const { get, send } = require('./support/http.js');
const { token } = require('./support/jwt.js');

/** The snippet under a heading. @param {string} file @param {string} heading */
function snippet(file, heading) {
  const text = fs.readFileSync(path.join(__dirname, '..', 'docs', file), 'utf8');
  const [, section = ''] = text.split(new RegExp(`^#+ ${heading}$`, 'm'));
  const code = /^```js\n(.*?)^```$/ms.exec(section)?.[1];
  assert.ok(code, `${heading} has a snippet`);
  return code;
}

/** Runs it where `app` and `auth` are. @param {string} code @param {Record<string, unknown>} scope */
const run = (code, scope) => new Function(...Object.keys(scope), code)(...Object.values(scope));

/** @param {import('node:test').TestContext} t @param {string} heading @param {{ file?: string, express?: any, auth?: import('latchgate').Auth }} [options] */
async function recipe(t, heading, { file = 'recipes.md', express, auth = open(t) } = {}) {
  /** @type {string[]} */
  const warned = [];
  const console = { warn: (/** @type {unknown[]} */ ...words) => void warned.push(words.join(' ')) };
  const port = await serve(
    t,
    (app) => {
      app.use(require('express').json());
      app.get('/before', async () => auth.sessions.list(''));
      run(snippet(file, heading), { app, auth, console, ...latchgate });
      app.use((/** @type {any} */ _req, /** @type {any} */ res) => void res.send('end'));
    },
    express,
  );
  return { auth, port, warned };
}

describe('the recipe', () => {
  it('for refusals tells the reason', async (t) => {
    const { auth, warned } = await recipe(t, 'Why was it refused\\?');
    await auth.authenticate({ token: 'nonsense' });
    assert.deepEqual(
      warned.map((line) => line.trim()),
      ['401 invalid_token token_malformed'],
    );
  });

  it('for errors answers with their status', async (t) => {
    const auth = open(t);
    const { port } = await recipe(t, 'Errors of your own calls', { auth });
    const answer = await send(port, { path: '/before' });
    assert.deepEqual([answer.status, JSON.parse(answer.body)], [500, { error: 'ERR_LATCHGATE_INPUT' }]);
  });

  it('for logins lets ten of an address through in a minute', async (t) => {
    const { port } = await recipe(t, 'Throttle what has no user yet');
    const statuses = [];
    for (let n = 0; n < 11; n++) statuses.push((await post(port, `user ${n}`)).status);
    assert.deepEqual(statuses, [...Array(10).fill(200), 429]);
    assert.ok((await post(port, 'another')).headers.get('retry-after'));
  });

  it('for cookies takes the token out of one', async (t) => {
    const { port } = await recipe(t, 'Tokens in cookies');
    const text = token({ sub: unique() });
    assert.equal((await send(port, { headers: [`Cookie: a=b; token=${text}`] })).status, 200);
    assert.equal((await send(port, { headers: ['Cookie: nottoken=x'] })).status, 401);
  });

  it('for CORS lets the question before the request through, and no request', async (t) => {
    const { port } = await recipe(t, 'CORS');
    assert.equal((await fetch(`http://127.0.0.1:${port}/`, { method: 'OPTIONS' })).status, 200);
    assert.equal((await get(port, '/')).status, 401);
  });

  it('for health answers with what health() says', async (t) => {
    const { port } = await recipe(t, 'Health checks');
    const answer = await send(port, { path: '/healthz' });
    assert.equal(answer.status, 200);
  });

  it('for Express 4 hands on what a handler rejects with', async (t) => {
    const [, { express }] = EXPRESS;
    const { port } = await recipe(t, 'Express 4', { file: 'error-codes.md', express });
    assert.equal((await post(port, '')).status, 500);
    assert.equal((await post(port, 'ada')).status, 200);
  });
});

/** @param {number} port @param {string} user */
function post(port, user) {
  const headers = { 'content-type': 'application/json' };
  return fetch(`http://127.0.0.1:${port}/login`, { method: 'POST', headers, body: JSON.stringify({ user }) });
}
