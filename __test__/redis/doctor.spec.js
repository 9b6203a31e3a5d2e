// latchgate doctor on real servers: its findings and their levels. It leaves no data on the server and reveals no
// secret.
'use strict';

const assert = require('node:assert/strict');
const path = require('node:path');
const { describe, it } = require('node:test');
const { open } = require('../support/auths.js');
const { ROOT, runNode } = require('../support/child.js');
const { KINDS, RESTRICTED, missing, startPretender, startServer } = require('../support/servers.js');
const { startCluster } = require('../support/clusters.js');
const { startSentinels } = require('../support/sentinels.js');
const { until } = require('../support/started.js');

const COMMAND = path.join(ROOT, 'src', 'cli', 'main.js');
const LASTING = { appendonly: true };

/** @typedef {{ check: string, level: string, text: string }} Finding */

/**
 * @param {string} url
 * @param {{ args?: string[], env?: Record<string, string> }} [options]
 */
async function doctor(url, { args = [], env } = {}) {
  const { status, stdout, stderr } = await runNode([COMMAND, 'doctor', url, '--json', ...args], { env });
  assert.equal(stderr, '');
  const report = JSON.parse(stdout);
  /** @type {Finding[]} */
  const all = [...report.findings, ...report.servers.flatMap((/** @type {any} */ server) => server.findings)];
  const of = (/** @type {string} */ check) => all.filter((finding) => finding.check === check);
  const levels = (/** @type {string} */ level) =>
    all.filter((finding) => finding.level === level).map(({ check }) => check);
  assert.equal(status, levels('problem').length === 0 ? 0 : 1);
  assert.equal(report.ok, status === 0);
  return { report, of, levels, stdout };
}

for (const { kind, name } of KINDS) {
  describe(`latchgate doctor on ${name}`, async () => {
    const skip = await missing(kind);

    it('accepts a suitable server, over TCP, TLS and a socket', { skip }, async (t) => {
      const password = 'p@ss:w/rd';
      const server = await startServer(t, { kind, ...LASTING, password, tls: true, socket: true });
      for (const url of [server.url(), server.tlsUrl({ insecure: true }), server.socketUrl()]) {
        const { report, of, levels, stdout } = await doctor(url);
        assert.equal(report.ok, true, stdout);
        assert.deepEqual(levels('warning'), []);
        assert.match(of('version')[0].text, new RegExp(`^${name} \\d+\\.\\d+`));
        assert.equal(of('scripts')[0].level, 'ok');
        assert.match(of('persistence')[0].text, /appendfsync always/);
        assert.doesNotMatch(stdout, /p@ss|p%40ss/);
      }
      const trusted = await doctor(server.tlsUrl(), {
        env: { SSL_CERT_FILE: String(server.certificates?.ca) },
      });
      assert.equal(trusted.report.ok, true);
      assert.deepEqual((await doctor(server.tlsUrl())).levels('problem').sort(), ['connection', 'scripts']);
      assert.deepEqual(await server.allKeys(), []);
    });

    it('reports a server that evicts, a server without persistence, and a server that is full', {
      skip,
    }, async (t) => {
      const evicting = { maxmemory: '50mb', policy: 'allkeys-lru' };
      const server = await startServer(t, { kind, ...evicting });
      const both = await doctor(server.url());
      assert.deepEqual(both.levels('problem').sort(), ['eviction', 'persistence']);
      await server.configure('maxmemory', 0);
      await server.configure('appendonly', 'yes');
      const soon = await doctor(server.url());
      assert.deepEqual([soon.levels('problem'), soon.levels('warning')], [[], ['eviction']]);
      await server.configure('maxmemory-policy', 'noeviction');
      await server.configure('maxmemory', '1mb');
      const full = await doctor(server.url());
      assert.deepEqual(full.levels('problem'), ['memory']);
      await server.configure('maxmemory', 0);
      await server.configure('appendonly', 'no');
      await server.configure('save', '3600 1');
      assert.deepEqual((await doctor(server.url())).levels('warning'), ['persistence']);
    });

    it('reports the commands that a login may not run, and continues', { skip }, async (t) => {
      const narrow = {
        user: 'narrow',
        password: 'n',
        rules: 'on >n ~lg:* &* +@all -@admin -@dangerous -scan -evalsha',
      };
      const server = await startServer(t, { kind, ...LASTING, users: [RESTRICTED, narrow] });
      const restricted = await doctor(server.url(RESTRICTED));
      assert.deepEqual([restricted.levels('problem'), restricted.levels('warning')], [[], ['rights']]);
      const narrower = await doctor(server.url(narrow));
      assert.deepEqual(narrower.levels('problem'), ['scripts']);
      assert.match(narrower.of('keys')[0].text, /SCAN is refused/);
      assert.equal(narrower.report.keys, undefined);
      const nobody = await doctor(server.url({ user: 'narrow', password: 'Hush-Hush' }));
      assert.deepEqual(nobody.levels('problem').sort(), ['connection', 'scripts']);
      assert.match(nobody.of('connection')[0].text, /WRONGPASS/);
      assert.doesNotMatch(nobody.stdout, /Hush/);
    });

    it('counts keys by kind under a prefix, and prints no key', { skip }, async (t) => {
      const server = await startServer(t, { kind, ...LASTING });
      const store = { url: server.url(), prefix: 'shop' };
      const auth = open(t, { store, sessions: {}, apiKeys: {} });
      for (const user of ['Hush-1', 'Hush-2', 'Hush-3']) await auth.sessions.admit(user);
      await auth.apiKeys.create({ ownerId: 'Hush-1' });
      await server.command('SET', 'foreign', '1');
      const ours = await doctor(server.url(), { args: ['--prefix', 'shop'] });
      assert.equal(ours.report.keys.a, 1);
      assert.match(ours.of('keys')[0].text, /^\d+ under 'shop:' \(a 1, ak 1, .*, 1 beside them$/);
      assert.doesNotMatch(ours.stdout, /Hush/);
      assert.deepEqual((await doctor(server.url())).report.keys, {});
    });

    it('reports replicas, and a replica that the URL names instead of its primary', { skip }, async (t) => {
      const primary = await startServer(t, { kind, ...LASTING });
      assert.equal((await doctor(primary.url())).of('replicas')[0].level, 'note');
      const replica = await startServer(t, {
        kind,
        ...LASTING,
        config: { replicaof: `127.0.0.1 ${primary.port}` },
      });
      await until('the replica follows', async () =>
        (await primary.info('replication')).slave0?.includes('online'),
      );
      const found = (await doctor(primary.url())).of('replicas');
      assert.equal(found.length, 1);
      assert.match(found[0].text, new RegExp(`^127\\.0\\.0\\.1:${replica.port} online`));
      assert.ok((await doctor(replica.url())).levels('problem').includes('role'));
    });

    it('reports a node of a Cluster that the URL names as a single server', { skip }, async (t) => {
      const server = await startServer(t, { kind, ...LASTING, config: { 'cluster-enabled': 'yes' } });
      const { of } = await doctor(server.url());
      assert.match(of('role')[0].text, /redis-cluster:/);
      const cluster = `redis-cluster://127.0.0.1:1,127.0.0.1:${server.port}`;
      const unserved = await doctor(cluster);
      assert.deepEqual(
        unserved.of('cluster').map(({ level }) => level),
        ['warning', 'problem'],
      );
      await server.command('CLUSTER', 'ADDSLOTSRANGE', 0, 16_383);
      const whole = await doctor(cluster);
      assert.deepEqual(
        whole.of('cluster').map(({ level }) => level),
        ['warning', 'ok'],
      );
      assert.deepEqual(
        [whole.report.topology, whole.report.servers.length, whole.of('role')[0].level],
        ['cluster', 1, 'ok'],
      );
    });

    it('finds the primary that Sentinels name, and reports Sentinels that disagree', { skip }, async (t) => {
      const password = 'p@ss';
      const options = { kind, ...LASTING, password };
      const servers = [await startServer(t, options), await startServer(t, options)];
      let second = servers[0];
      const sentinel = (/** @type {() => { port: number }} */ named) =>
        startPretender(t, ([, word]) => {
          const { port } = named();
          if (word === 'MASTER') return '*2\r\n$6\r\nquorum\r\n$1\r\n2\r\n';
          return `*2\r\n$9\r\n127.0.0.1\r\n$${String(port).length}\r\n${port}\r\n`;
        });
      const hosts = [await sentinel(() => servers[0]), await sentinel(() => second)];
      const list = hosts.map((url) => url.replace('redis://', '')).join(',');
      const url = `redis-sentinel://:${encodeURIComponent(password)}@${list},127.0.0.1:1/0?master=main`;
      const agreed = await doctor(url);
      assert.equal(agreed.report.servers[0].address, `127.0.0.1:${servers[0].port}`);
      assert.equal(agreed.of('role')[0].level, 'ok');
      assert.match(agreed.of('sentinels').at(-1)?.text ?? '', /^2 of 3 answer, quorum 2/);
      assert.doesNotMatch(agreed.stdout, /p@ss|p%40ss/);
      second = servers[1];
      assert.match((await doctor(url)).of('sentinels').at(-1)?.text ?? '', /different primaries/);
    });
  });
}

describe('latchgate doctor on several servers', async () => {
  const skip = await missing('redis');

  it('accepts the servers that Sentinels watch, with separate logins for servers and Sentinels', {
    skip,
  }, async (t) => {
    const login = { password: 'p@ss', sentinelPassword: 's@ss' };
    const sentinels = await startSentinels(t, { ...login, ...LASTING });
    const url = `${sentinels.url()}&sentinel_password=${encodeURIComponent(login.sentinelPassword)}`;
    const { report, of, levels, stdout } = await doctor(url);
    assert.deepEqual([levels('problem'), levels('warning')], [[], []], stdout);
    assert.equal(report.servers[0].address, `127.0.0.1:${(await sentinels.primary()).port}`);
    assert.deepEqual([of('scripts').length, of('replicas').length], [1, 2]);
    assert.doesNotMatch(stdout, /@ss|%40ss/);
  });

  it('finds every primary of a Cluster, and counts the keys of all primaries', { skip }, async (t) => {
    const cluster = await startCluster(t, { password: 'p@ss', ...LASTING });
    const auth = open(t, { store: cluster.url(), sessions: {} });
    for (let i = 0; i < 20; i++) await auth.sessions.admit(`u${i}`);
    const { report, of, levels, stdout } = await doctor(cluster.url());
    assert.deepEqual([levels('problem'), levels('warning')], [[], []], stdout);
    assert.deepEqual([report.servers.length, of('role').length], [3, 3]);
    assert.equal(Math.max(...Object.values(report.keys).map(Number)), 20);
  });
});

describe('latchgate doctor on an unsuitable server', () => {
  it('refuses a server that is too old, or whose clock is wrong', async (t) => {
    const info = 'redis_version:6.2.14\r\nrole:master\r\naof_enabled:1\r\n';
    const url = await startPretender(t, ([command]) => {
      if (command === 'INFO') return `$${info.length}\r\n${info}\r\n`;
      if (command === 'TIME') return '*2\r\n$10\r\n1000000000\r\n$1\r\n0\r\n';
      if (command === 'DBSIZE') return ':0\r\n';
      if (command === 'SCAN') return '*2\r\n$1\r\n0\r\n*0\r\n';
      return '+OK\r\n';
    });
    const { levels } = await doctor(url);
    assert.deepEqual(levels('problem').sort(), ['clock', 'scripts', 'version']);
  });

  it('reports a server that speaks another protocol', async (t) => {
    const url = await startPretender(t, () => 'HTTP/1.1 400 Bad Request\r\n\r\n');
    assert.match((await doctor(url)).of('connection')[0].text, /protocol/);
  });
});
