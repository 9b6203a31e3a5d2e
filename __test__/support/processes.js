// Several Node processes that run one app, behind nginx where there is one, else in a cluster of node's own; and the client
// that sends them many requests. Each process also listens on a port of its own, so that a test can choose one.
'use strict';

const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { faketimeLibrary, which } = require('../../scripts/lib/servers.js');
const { end, freePort, ownDirectory, start, until } = require('./started.js');

/** @typedef {import('./started.js').Test} Test */
/** @typedef {{ port: number, pid: number }} Worker */

const ROOT = path.join(__dirname, '..', '..');
const CLUSTER = path.join(__dirname, 'apps', 'cluster.js');

/**
 * The environment of a process whose clock is off. Timers stay true: only what tells the time of day is off.
 * @param {number} seconds
 * @returns {Record<string, string>}
 */
function clockOff(seconds) {
  if (seconds === 0) return {};
  const library = faketimeLibrary();
  if (library === undefined) throw new Error('libfaketime is not installed');
  return {
    LD_PRELOAD: library,
    FAKETIME: `${seconds < 0 ? '' : '+'}${seconds}s`,
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    DONT_FAKE_MONOTONIC: '1',
  };
}

/** For the option `skip` of a test. @returns {string | false} */
const noFaketime = () =>
  faketimeLibrary() === undefined ? 'libfaketime is not installed: see npm test, set-up' : false;

/** @param {import('node:child_process').ChildProcess} child @param {number} count @returns {Promise<Worker[]>} one for each line that it prints */
async function announced(child, count) {
  /** @type {Worker[]} */
  const workers = [];
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk) => {
    text += chunk;
    const lines = text.split('\n');
    text = lines.pop() ?? '';
    for (const line of lines) if (line.startsWith('{')) workers.push(JSON.parse(line));
  });
  const errors = { text: '' };
  child.stderr?.setEncoding('utf8').on('data', (chunk) => {
    errors.text += chunk;
  });
  await until('the processes listen', () => workers.length === count || child.exitCode !== null);
  if (workers.length < count) throw new Error(`a process ended before it listened:\n${errors.text}`);
  return workers;
}

/** @param {Record<string, string | undefined>} env */
const environment = (env) => ({ ...process.env, NODE_TEST_CONTEXT: undefined, ...env });

/** @param {Test} t @param {number[]} ports @returns {Promise<number>} the port that spreads over the others */
async function startNginx(t, ports) {
  const directory = ownDirectory(t, 'nginx');
  const at = (/** @type {string} */ name) => path.join(directory, name);
  const port = await freePort();
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  fs.writeFileSync(
    at('nginx.conf'),
    `${process.getuid?.() === 0 ? 'user root;' : ''}
worker_processes 1; daemon off; pid ${at('nginx.pid')}; error_log ${at('error.log')};
worker_rlimit_nofile 8192;
events { worker_connections 4096; }
http {
  access_log off;
  ${temporary.map((name) => `${name}_temp_path ${at(name)};`).join(' ')}
  upstream app { ${ports.map((each) => `server 127.0.0.1:${each} max_fails=0;`).join(' ')} keepalive 64; }
  server {
    listen 127.0.0.1:${port} backlog=2048;
    location / {
      proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_next_upstream off; proxy_read_timeout 60s;
    }
  }
}
`,
  );
  const nginx = start(
    which('nginx') ?? 'nginx',
    ['-e', at('error.log'), '-p', directory, '-c', at('nginx.conf')],
    { directory },
  );
  t.after(() => end(nginx, 'SIGTERM'));
  await until('nginx answers', async () => {
    if (nginx.exitCode !== null) return true;
    return (await request({ port, path: '/now' })).status === 200;
  });
  if (nginx.exitCode !== null)
    throw new Error(`nginx did not start:\n${fs.readFileSync(at('error.log'), 'utf8')}`);
  return port;
}

/**
 * @param {Test} t
 * @param {object} options
 * @param {string} options.app a file of support/apps
 * @param {number} [options.count] default 6
 * @param {Record<string, string>} [options.env] of every process
 * @param {number[]} [options.clocks] seconds by which the clock of each process is off
 * @param {'nginx' | 'cluster'} [options.front] default: nginx where there is one
 * @returns {Promise<{ port: number, workers: Worker[], front: string }>} `port`: in front of all
 */
async function startProcesses(
  t,
  { app, count = 6, env = {}, clocks = [], front = which('nginx') ? 'nginx' : 'cluster' },
) {
  const file = path.resolve(__dirname, 'apps', app);
  const pipes = /** @type {import('node:child_process').StdioOptions} */ (['ignore', 'pipe', 'pipe']);
  const environments = Array.from({ length: count }, (_each, index) => clockOff(clocks[index] ?? 0));
  if (front === 'cluster') {
    const port = await freePort();
    const shared = {
      LATCHGATE_TEST_APP: file,
      LATCHGATE_TEST_PORT: String(port),
      LATCHGATE_TEST_WORKERS: JSON.stringify(environments),
    };
    const child = start(process.execPath, [CLUSTER], {
      cwd: ROOT,
      env: environment({ ...env, ...shared }),
      stdio: pipes,
    });
    t.after(() => end(child, 'SIGTERM'));
    return { port, workers: await announced(child, count), front };
  }
  const children = environments.map((own) =>
    start(process.execPath, [file], { cwd: ROOT, env: environment({ ...env, ...own }), stdio: pipes }),
  );
  for (const child of children) t.after(() => end(child, 'SIGTERM'));
  const workers = (await Promise.all(children.map((child) => announced(child, 1)))).flat();
  const port = await startNginx(
    t,
    workers.map((worker) => worker.port),
  );
  return { port, workers, front };
}

/**
 * @typedef {object} Answer
 * @property {number} status 0 where the connection ended without an answer
 * @property {any} body what stands in it as JSON, else the text
 * @property {import('node:http').IncomingHttpHeaders} headers
 */

/**
 * @param {{ port: number, method?: string, path?: string, token?: string, key?: string, agent?: http.Agent }} question
 * @returns {Promise<Answer>}
 */
function request({ port, method = 'GET', path: route = '/', token, key, agent }) {
  const headers = {
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(key === undefined ? {} : { 'x-api-key': key }),
  };
  return new Promise((resolve) => {
    const message = http.request(
      { host: '127.0.0.1', port, method, path: route, headers, agent },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (chunk) => {
          text += chunk;
        });
        answer.on('close', () => {
          const json = answer.headers['content-type']?.includes('json');
          const { statusCode = 0, complete } = answer;
          resolve({
            status: complete ? statusCode : 0,
            body: json && complete ? JSON.parse(text) : text,
            headers: answer.headers,
          });
        });
      },
    );
    message.on('error', () => resolve({ status: 0, body: '', headers: {} }));
    message.end();
  });
}

/**
 * Many requests, at most `width` at a time, over connections that are kept.
 * @param {Array<Parameters<typeof request>[0]>} questions
 * @param {number} [width]
 * @returns {Promise<Answer[]>} in the order of the questions
 */
async function requests(questions, width = 128) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: width });
  try {
    return await Promise.all(questions.map((question) => request({ agent, ...question })));
  } finally {
    agent.destroy();
  }
}

/** How many answers have each status. @param {Answer[]} answers @returns {Record<number, number>} */
function statuses(answers) {
  /** @type {Record<number, number>} */
  const counts = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

module.exports = { noFaketime, request, requests, startProcesses, statuses };
