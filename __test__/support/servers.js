// Real servers, Redis and Valkey, each on a free port of the loopback interface with a directory of its own. They keep
// nothing unless told to, and end with the test.
'use strict';

const { once } = require('node:events');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { redisServer, valkeyServer } = require('../../scripts/lib/servers.js');
const { makeCertificates } = require('./certificates.js');
const { clockLibrary, setClock } = require('./clock-library.js');
const { Frames, connect, words } = require('./resp.js');
const { end, freePort, start, until } = require('./started.js');

/** @typedef {import('./started.js').Test} Test */

/** @type {Array<{ kind: 'redis' | 'valkey', name: string, find: () => Promise<string | undefined> }>} */
const KINDS = [
  { kind: 'redis', name: 'Redis', find: redisServer },
  { kind: 'valkey', name: 'Valkey', find: valkeyServer },
];

/** A user with the rights that an application is commonly given: neither CONFIG nor INFO, and our prefix alone. */
const RESTRICTED = {
  user: 'app',
  password: 'app-password',
  rules: 'on >app-password ~lg:* &* +@all -@admin -@dangerous',
};

/**
 * Why tests on that kind of server cannot run here, or false where they can: for the option `skip` of a test.
 * @param {'redis' | 'valkey'} kind
 * @returns {Promise<string | false>}
 */
async function missing(kind) {
  const { find } = /** @type {(typeof KINDS)[0]} */ (KINDS.find((each) => each.kind === kind));
  return (await find()) === undefined ? `no recent ${kind}-server on PATH: see npm test, set-up` : false;
}

/** Whether that process answers: another server may have taken the port just before. @param {import('./resp.js').Client} client @param {number | undefined} pid */
async function isProcess(client, pid) {
  const info = String(await client.command('INFO', 'server'));
  return Number(/^process_id:(\d+)/m.exec(info)?.[1]) === pid;
}

/**
 * @typedef {object} Options
 * @property {'redis' | 'valkey'} [kind]
 * @property {string} [password] of the default user
 * @property {Array<{ user: string, rules: string }>} [users]
 * @property {boolean} [socket] a unix socket beside the port
 * @property {boolean} [tls] a TLS port beside the plain one
 * @property {string} [maxmemory]
 * @property {string} [policy] maxmemory-policy
 * @property {boolean} [appendonly]
 * @property {boolean} [cluster] a node of a Cluster, with a port for its bus
 * @property {string[]} [sentinel] it is a Sentinel, with these lines of configuration
 * @property {Record<string, string | number>} [config] further lines of its configuration
 * @property {boolean} [steered] its clock can be set; on Linux, with rustc
 * @property {Record<string, string>} [env] further variables of its environment
 */

class Server {
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #child;
  /** @type {import('./resp.js').Client | undefined} */
  #client;
  #configuration = '';
  /** @type {Options} */
  #options;
  #clockFile = '';
  #stopped = true;

  /** @param {string} binary @param {string} directory @param {Options} options */
  constructor(binary, directory, options) {
    this.binary = binary;
    this.directory = directory;
    this.#options = options;
    this.kind = options.kind ?? 'redis';
    this.password = options.password;
    this.port = 0;
    this.tlsPort = 0;
    this.busPort = 0;
    this.socket = path.join(directory, 'server.sock');
    /** @type {import('./certificates.js').Certificates | undefined} */
    this.certificates = undefined;
  }

  /** @returns {string} for the option `store`; `user` and `password` instead of the default user */
  url({ user = '', password = this.password } = {}) {
    return `redis://${login(user, password)}127.0.0.1:${this.port}/0`;
  }

  socketUrl() {
    const query = this.password === undefined ? '' : `?pass=${encodeURIComponent(this.password)}`;
    return `redis+unix://${this.socket}${query}`;
  }

  /** @param {{ insecure?: boolean }} [options] insecure: the certificate is not checked */
  tlsUrl({ insecure = false } = {}) {
    return `rediss://${login('', this.password)}127.0.0.1:${this.tlsPort}/0${insecure ? '#insecure' : ''}`;
  }

  get pid() {
    return this.#child?.pid;
  }

  async prepare() {
    const { users = [], socket, tls, maxmemory, policy, appendonly, cluster, config = {} } = this.#options;
    const dir = this.directory;
    const lines = [
      ...this.#basic(),
      'save ""',
      `appendonly ${appendonly ? 'yes' : 'no'}`,
      'appendfsync always',
      'repl-diskless-sync-delay 0',
      'enable-debug-command local',
      'busy-reply-threshold 100',
    ];
    if (this.password !== undefined) lines.push(`requirepass ${JSON.stringify(this.password)}`);
    for (const { user, rules } of users) lines.push(`user ${user} ${rules}`);
    if (socket) lines.push(`unixsocket ${this.socket}`, 'unixsocketperm 700');
    if (maxmemory !== undefined) lines.push(`maxmemory ${maxmemory}`);
    if (policy !== undefined) lines.push(`maxmemory-policy ${policy}`);
    if (tls) {
      this.certificates = makeCertificates(dir);
      const { ca, cert, key } = this.certificates;
      lines.push(
        `tls-ca-cert-file ${ca}`,
        `tls-cert-file ${cert}`,
        `tls-key-file ${key}`,
        'tls-auth-clients no',
      );
    }
    if (cluster) lines.push('cluster-enabled yes');
    for (const [name, value] of Object.entries(config)) lines.push(`${name} ${value}`);
    const { sentinel } = this.#options;
    this.#configuration = `${(sentinel === undefined ? lines : [...this.#basic(), ...sentinel]).join('\n')}\n`;
    // Somebody else may take the port between its choice and the start; then another is chosen.
    for (let attempt = 0; ; attempt++) {
      this.port = await freePort();
      if (tls) this.tlsPort = await freePort();
      if (cluster) this.busPort = await freePort();
      try {
        return await this.start();
      } catch (error) {
        if (attempt === 4) throw error;
      }
    }
  }

  /** What every kind of server is told. @returns {string[]} */
  #basic() {
    const dir = this.directory;
    return ['bind 127.0.0.1', 'protected-mode no', 'daemonize no', `dir ${dir}`, `logfile ${dir}/server.log`];
  }

  /** @param {{ loading?: boolean }} [options] loading: it is enough that it answers that it is loading */
  async start({ loading = false } = {}) {
    const file = path.join(this.directory, 'server.conf');
    const { tls, cluster, sentinel } = this.#options;
    const ports = [`port ${this.port}`];
    if (tls) ports.push(`tls-port ${this.tlsPort}`);
    if (cluster) ports.push(`cluster-port ${this.busPort}`);
    fs.writeFileSync(file, `${this.#configuration}${ports.join('\n')}\n`);
    const mode = sentinel === undefined ? [] : ['--sentinel'];
    const clock = this.#options.steered ? this.#clock() : {};
    const env = { ...process.env, ...clock, ...this.#options.env };
    const child = start(this.binary, [file, ...mode], { directory: this.directory, env });
    this.#child = child;
    await until('the server answers', async () => {
      if (child.exitCode !== null || child.signalCode !== null) return true;
      const client = await this.connect();
      try {
        await client.command('PING');
        return await isProcess(client, child.pid);
      } catch (error) {
        return loading && /^LOADING/.test(/** @type {Error} */ (error).message);
      } finally {
        client.close();
      }
    });
    if (child.exitCode !== null) throw new Error(`the server did not start:\n${this.log()}`);
    this.#stopped = false;
  }

  /** The environment by which it reads its clock from a file. @returns {Record<string, string>} */
  #clock() {
    const clock = clockLibrary(this.directory);
    this.#clockFile = clock.STEERED_TIME;
    this.setClock(0);
    return clock;
  }

  /** Of one that is steered: it stands there until it is set again. @param {number} seconds from the time of this process */
  setClock(seconds) {
    setClock(this.#clockFile, Date.now() + seconds * 1000);
  }

  log() {
    const file = path.join(this.directory, 'server.log');
    return fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '';
  }

  /** @param {NodeJS.Signals} [signal] default SIGKILL, as in a crash; SIGTERM for an orderly end */
  async stop(signal) {
    this.#client?.close();
    this.#client = undefined;
    if (this.#child !== undefined) await end(this.#child, signal);
    this.#stopped = true;
  }

  /** It has been ended, or stands still. */
  get isStill() {
    return this.#stopped;
  }

  /** Ends it, and starts it on the same port. @param {{ signal?: NodeJS.Signals, loading?: boolean }} [options] */
  async restart({ signal, loading } = {}) {
    await this.stop(signal);
    await this.start({ loading });
  }

  /** It stands still: connections stay open, and nothing is answered. */
  pause() {
    this.#stopped = true;
    this.#child?.kill('SIGSTOP');
  }

  resume() {
    this.#stopped = false;
    this.#child?.kill('SIGCONT');
  }

  /** A connection that the caller closes. @param {import('./resp.js').Address} [address] default: the port, as the default user */
  connect(address = { port: this.port, password: this.password }) {
    return connect(address);
  }

  /** One command, over a connection that is kept. @param {Array<string | number | Buffer>} args */
  async command(...args) {
    if (this.#client === undefined) {
      this.#client = await this.connect();
      this.#client.unref();
    }
    return this.#client.command(...args).catch((error) => {
      if (error.name === 'Error' && !/^[A-Z]+ /.test(error.message)) this.#client = undefined;
      throw error;
    });
  }

  /** @param {string} section @returns {Promise<Record<string, string>>} */
  async info(section) {
    const lines = String(await this.command('INFO', section))
      .split('\r\n')
      .filter((line) => /^[^#].*:/.test(line));
    return Object.fromEntries(
      lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]),
    );
  }

  /** How often each command ran since the last reset, those that scripts call included. @returns {Promise<Record<string, number>>} */
  async commandstats() {
    const stats = Object.entries(await this.info('commandstats'));
    return Object.fromEntries(
      stats.map(([name, value]) => [name.replace('cmdstat_', ''), Number(/calls=(\d+)/.exec(value)?.[1])]),
    );
  }

  /** How many scripts ran to their end. */
  async scriptsRun() {
    const { evalsha = 0, eval: whole = 0, fcall = 0 } = await this.commandstats();
    return evalsha + whole + fcall;
  }

  resetStats = () => this.command('CONFIG', 'RESETSTAT');
  flushAll = () => this.command('FLUSHALL');
  scriptFlush = () => this.command('SCRIPT', 'FLUSH', 'SYNC');

  /** Further lines of its configuration, from the next start on. @param {Record<string, string | number>} lines */
  amend(lines) {
    for (const [name, value] of Object.entries(lines)) this.#configuration += `${name} ${value}\n`;
  }

  /** @param {string} name @param {string | number} value */
  configure = (name, value) => this.command('CONFIG', 'SET', name, value);

  /** All keys, sorted. @returns {Promise<string[]>} */
  async allKeys() {
    return (await this.command('KEYS', '*')).sort();
  }

  /** All keys but the version of the layout, which every Auth that connects writes; sorted. @returns {Promise<string[]>} */
  async keys() {
    return (await this.allKeys()).filter((key) => !/^[^:]+:v$/.test(key));
  }
}

/** @param {string} user @param {string | undefined} password */
function login(user, password) {
  return password === undefined ? '' : `${encodeURIComponent(user)}:${encodeURIComponent(password)}@`;
}

/**
 * Starts a server for as long as the test runs.
 * @param {Test} t
 * @param {Options} [options]
 */
async function startServer(t, options = {}) {
  const { kind = 'redis' } = options;
  const { find } = /** @type {(typeof KINDS)[0]} */ (KINDS.find((each) => each.kind === kind));
  const binary = await find();
  if (binary === undefined) throw new Error(`no recent ${kind}-server on PATH`);
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), `latchgate-${kind}-`));
  const server = new Server(binary, directory, options);
  t.after(async () => {
    await server.stop();
    fs.rmSync(directory, { recursive: true, force: true });
  });
  await server.prepare();
  return server;
}

/**
 * A server that does not know the newer half of the protocol, for what must be refused: it answers any command with what
 * `reply` gives, in RESP.
 * @param {Test} t
 * @param {(words: string[]) => string} reply
 * @returns {Promise<string>} its URL
 */
async function startPretender(t, reply) {
  /** @type {Set<net.Socket>} */
  const sockets = new Set();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    const frames = new Frames();
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      for (const frame of frames.push(chunk)) socket.write(reply(words(frame)));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = /** @type {net.AddressInfo} */ (server.address());
  return `redis://127.0.0.1:${port}`;
}

/** @typedef {InstanceType<typeof Server>} RealServer */

module.exports = { KINDS, RESTRICTED, missing, startPretender, startServer };
