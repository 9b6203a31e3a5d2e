// Starts a program of examples/ as its README does, and speaks HTTP with it.
'use strict';

const { once } = require('node:events');
const path = require('node:path');
const { ROOT } = require('./child.js');
const { start, until } = require('./started.js');

const SECRET = 'the secret of the examples, 32 bytes or more';

/**
 * @param {import('./started.js').Test} t
 * @param {string} file below examples/
 * @param {Record<string, string>} [env]
 */
async function startExample(t, file, env = {}) {
  const child = start(process.execPath, [path.join(ROOT, 'examples', file)], {
    cwd: ROOT,
    env: {
      ...process.env,
      NODE_TEST_CONTEXT: undefined,
      PORT: '0',
      JWT_SECRET: SECRET,
      METRICS_PORT: '0',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.after(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  });
  const printed = { out: '', errors: '' };
  child.stdout?.setEncoding('utf8').on('data', (text) => {
    printed.out += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text) => {
    printed.errors += text;
  });
  const port = () => /listening on (\d+)/.exec(printed.out)?.[1];
  await until('the example listens', () => port() !== undefined || child.exitCode !== null);
  if (port() === undefined) throw new Error(`${file} ended:\n${printed.errors}`);
  const metricsPort = () => /metrics on (\d+)/.exec(printed.out)?.[1];
  return { child, printed, port: Number(port()), metricsPort, url: `http://127.0.0.1:${port()}` };
}

/**
 * @param {string} url
 * @param {{ method?: string, token?: string, key?: string, cookie?: string, body?: object }} [options]
 */
async function call(url, { method, token, key, cookie, body } = {}) {
  /** @type {Record<string, string>} */
  const headers = {};
  if (token !== undefined) headers.authorization = `Bearer ${token}`;
  if (key !== undefined) headers['x-api-key'] = key;
  if (cookie !== undefined) headers.cookie = cookie;
  if (body !== undefined) headers['content-type'] = 'application/json';
  const answer = await fetch(url, {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    headers,
    body: body && JSON.stringify(body),
  });
  const text = await answer.text();
  const isJson = answer.headers.get('content-type')?.includes('json');
  return {
    status: answer.status,
    headers: answer.headers,
    body: /** @type {any} */ (isJson ? JSON.parse(text) : text),
  };
}

module.exports = { SECRET, call, startExample };
