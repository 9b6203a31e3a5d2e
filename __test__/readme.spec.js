// Runs the programs of the README unchanged, each in a separate process, and sends them HTTP requests.
'use strict';

const assert = require('node:assert/strict');
const { spawn, spawnSync } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { SignJWT } = require('jose');
const { freePort } = require('./support/started.js');

const ROOT = path.join(__dirname, '..');
const SECRET = 'the secret of the readme, 32 bytes or more';
const README = fs.readFileSync(path.join(ROOT, 'README.md'), 'utf8');
const PROGRAMS = [...README.matchAll(/```js\n(.*?)```/gs)].map(([, code]) => code);

/**
 * @param {import('node:test').TestContext} t
 * @param {string} program
 */
async function start(t, program) {
  const port = await freePort();
  const code = program.replace(/app\.listen\((.*?)\);/, "app.listen($1, () => console.log('listening'));");
  assert.notEqual(code, program, 'the program listens');
  const child = spawn(process.execPath, ['-e', code], {
    cwd: ROOT,
    env: { ...process.env, PORT: String(port), JWT_SECRET: SECRET },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill());
  await Promise.race([
    once(child.stdout, 'data'),
    once(child, 'exit').then(([status]) => assert.fail(`the program ended with ${status}`)),
  ]);
  return `http://127.0.0.1:${port}`;
}

/** @param {string} sid */
function token(sid) {
  const claims = new SignJWT({ sid }).setSubject('ada').setProtectedHeader({ alg: 'HS256' });
  return claims.setIssuedAt().setExpirationTime('5m').sign(Buffer.from(SECRET));
}

/** @param {string} text */
const bearer = (text) => ({ headers: { authorization: `Bearer ${text}` } });

test('the README contains the two programs that this file tests', () => assert.equal(PROGRAMS.length, 2));

test('the first program admits three sessions by first use, and revokes them all', async (t) => {
  const url = await start(t, PROGRAMS[0]);
  const statuses = [];
  for (const sid of ['a', 'b', 'c', 'd']) {
    const { status } = await fetch(`${url}/me`, bearer(await token(sid)));
    statuses.push(status);
  }
  assert.deepEqual(statuses, [200, 200, 200, 403]);
  const first = await token('a');
  const me = /** @type {any} */ (await (await fetch(`${url}/me`, bearer(first))).json());
  assert.equal(me.user, 'ada');
  assert.equal(me.session.active, 3);
  const revoked = await fetch(`${url}/logout-everywhere`, { method: 'POST', ...bearer(first) });
  assert.deepEqual(await revoked.json(), { sessionsEnded: 3 });
  assert.equal((await fetch(`${url}/me`, bearer(first))).status, 401);
});

test('the first program accepts a token from the command in the README', async (t) => {
  const [, script = ''] = /^node -e "(.*)"$/m.exec(README) ?? [];
  const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', script], {
    cwd: ROOT,
    env: { ...process.env, JWT_SECRET: SECRET },
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
  const url = await start(t, PROGRAMS[0]);
  const me = await fetch(`${url}/me`, bearer(stdout.trim()));
  assert.equal((await /** @type {any} */ (me.json())).user, 'ada');
});

test('the second program rejects invalid input, and sends no stack trace', async (t) => {
  const url = await start(t, PROGRAMS[1]);
  const send = (/** @type {string} */ route, /** @type {string} */ body) => {
    const headers = { 'content-type': 'application/json' };
    return fetch(`${url}${route}`, { method: 'POST', headers, body });
  };
  /** @param {string} route @param {object} body */
  const told = async (route, body) => {
    const answer = await send(route, JSON.stringify(body));
    return [answer.status, await answer.json()];
  };
  const INVALID = [400, { error: 'invalid_request' }];
  for (const user of [undefined, null, 7, '', ['ada'], { toString: 1 }, 'x'.repeat(600)])
    assert.deepEqual(await told('/login', { user }), INVALID);
  for (const refreshToken of [undefined, null, 7, '', { toString: 1 }])
    assert.deepEqual(await told('/refresh', { refreshToken }), [400, { error: 'invalid_grant' }]);
  assert.equal((await fetch(`${url}/login`, { method: 'POST' })).status, 400);
  const unreadable = await send('/login', '{"user":"ada",');
  assert.deepEqual([unreadable.status, await unreadable.json()], INVALID);
  // Half a surrogate pair is not an id.
  assert.deepEqual(await told('/login', { user: '\ud800' }), [500, { error: 'ERR_LATCHGATE_INPUT' }]);
  const login = await send('/login', '{"user":"ada"}');
  assert.equal(login.headers.get('cache-control'), 'no-store');
});

test('both programs handle errors themselves', () => {
  for (const program of PROGRAMS)
    assert.match(program, /app\.use\(\(error, req, res, next\)[\s\S]*app\.listen/);
});

test('the command in the README creates a valid secret, and a different secret each time', () => {
  const [, command = ''] = /^export JWT_SECRET=\$\(node -p "(.*)"\)$/m.exec(README) ?? [];
  const made = [1, 2].map(() =>
    spawnSync(process.execPath, ['-p', command], { encoding: 'utf8' }).stdout.trim(),
  );
  assert.notEqual(made[0], made[1]);
  for (const secret of made) assert.equal(Buffer.from(secret, 'base64').length, 32);
});

test('the second program logs in, evicts the oldest, checks the scope, refreshes and logs out', async (t) => {
  const url = await start(t, PROGRAMS[1]);
  /** @param {string} route @param {object} body @returns {Promise<any>} */
  const send = async (route, body) => {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(url + route, { method: 'POST', headers, body: JSON.stringify(body) });
    return answer.json();
  };
  const tokens = [];
  for (let n = 0; n < 4; n++) tokens.push((await send('/login', { user: 'ada' })).accessToken);
  const login = await send('/login', { user: 'bob' });
  const next = await send('/refresh', { refreshToken: login.refreshToken });
  assert.deepEqual(await send('/refresh', { refreshToken: 'none' }), { error: 'invalid_grant' });
  /** @param {string} route @param {string} text */
  const post = async (route, text) => (await fetch(url + route, { method: 'POST', ...bearer(text) })).status;
  assert.equal(await post('/bets', tokens[0]), 401, 'the oldest session was evicted');
  assert.equal(await post('/bets', tokens[3]), 201);
  assert.equal(await post('/logout', tokens[3]), 204);
  assert.equal(await post('/bets', tokens[3]), 401);
  for (const { accessToken } of [login, next]) assert.equal(await post('/bets', accessToken), 201);
  assert.equal(await post('/logout', login.accessToken), 204);
  assert.equal(await post('/bets', next.accessToken), 401);
  assert.deepEqual(await send('/refresh', next), { error: 'invalid_grant' });
  assert.equal(await post('/bets', await token('own')), 401, 'the session was never admitted');
});
