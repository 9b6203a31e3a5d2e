// The proxy of the tests, against a real server and the client of the tests: each fault has the documented effect.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { startProxy } = require('../support/proxy.js');
const { connect } = require('../support/resp.js');
const { missing, startServer } = require('../support/servers.js');
const { until } = require('../support/started.js');

const INCR = /^incr$/;

/** @param {import('node:test').TestContext} t */
async function opened(t) {
  const server = await startServer(t);
  const proxy = await startProxy(t, { port: server.port });
  const client = await connect({ port: proxy.port });
  t.after(() => client.close());
  return { server, proxy, client };
}

/** @param {Array<Promise<any>>} calls @returns the values, with undefined for a rejected call */
const outcomes = async (calls) =>
  (await Promise.allSettled(calls)).map((call) => (call.status === 'fulfilled' ? call.value : undefined));

describe('the proxy', async () => {
  const skip = await missing('redis');

  it('passes commands and replies, and counts them', { skip }, async (t) => {
    const { proxy, client } = await opened(t);
    const many = Array.from({ length: 100 }, () => client.command('INCR', 'n'));
    assert.deepEqual(
      await Promise.all(many),
      Array.from({ length: 100 }, (_each, n) => n + 1),
    );
    const large = 'x'.repeat(300_000);
    await client.command('SET', 'large', large);
    assert.equal(await client.command('GET', 'large'), large);
    assert.deepEqual({ ...proxy.commands }, { incr: 100, set: 1, get: 1 });
    assert.equal(proxy.connections, 1);
    assert.ok(proxy.bytes.up > 300_000 && proxy.bytes.down > 300_000);
  });

  it('refuses connections, and accepts them again on the same port', { skip }, async (t) => {
    const { proxy, client } = await opened(t);
    await proxy.refuse();
    await assert.rejects(client.command('PING'));
    await assert.rejects(connect({ port: proxy.port }), /ECONNREFUSED/);
    await proxy.pass();
    const again = await connect({ port: proxy.port });
    assert.equal(await again.command('PING'), 'PONG');
    again.close();
  });

  it('loses the reply of a chosen command that the server ran, and cuts the connection', {
    skip,
  }, async (t) => {
    const { server, proxy, client } = await opened(t);
    proxy.loseReplies(1, { of: INCR });
    const calls = [client.command('SET', 'k', 1), client.command('INCR', 'n'), client.command('GET', 'k')];
    assert.deepEqual(await outcomes(calls), ['OK', undefined, undefined]);
    assert.equal(await server.command('GET', 'n'), '1');
    assert.equal(proxy.lost, 1);
    assert.equal(proxy.cuts, 1);
  });

  it('can lose all replies from one reply onwards, and leave the connection open', { skip }, async (t) => {
    const { server, proxy, client } = await opened(t);
    proxy.loseReplies(2, { of: INCR, cut: false });
    const calls = [
      client.command('SET', 'k', 1),
      client.command('INCR', 'n'),
      client.command('GET', 'k'),
      client.command('INCR', 'n'),
    ];
    assert.equal(await calls[0], 'OK');
    await until('both replies are lost', () => proxy.lost === 2);
    calls.push(client.command('INCR', 'n'));
    await until('the third command runs too', async () => (await server.command('GET', 'n')) === '3');
    assert.equal(proxy.open, 1);
    client.close();
    assert.deepEqual(await outcomes(calls), ['OK', undefined, undefined, undefined, undefined]);
  });

  it('cuts after the third command, which the server still runs, and before the fourth', {
    skip,
  }, async (t) => {
    const { server, proxy, client } = await opened(t);
    proxy.cutAfter({ commands: 3 }, { of: INCR });
    const calls = Array.from({ length: 10 }, () => client.command('INCR', 'n'));
    const answered = (await outcomes(calls)).filter((value) => value !== undefined);
    assert.ok(answered.length <= 3);
    await until('three ran', async () => (await server.command('GET', 'n')) === '3');
    assert.equal((await server.commandstats()).incr, 3);
  });

  it('cuts after the third reply, or within a reply', { skip }, async (t) => {
    const { server, proxy, client } = await opened(t);
    proxy.cutAfter({ replies: 3 }, { of: INCR });
    const calls = Array.from({ length: 5 }, () => client.command('INCR', 'n'));
    assert.deepEqual(await outcomes(calls), [1, 2, 3, undefined, undefined]);
    await server.command('SET', 'text', 'abcdefgh');
    const second = await connect({ port: proxy.port });
    proxy.cutAfter({ bytes: 16 });
    const texts = [second.command('GET', 'text'), second.command('GET', 'text')];
    assert.deepEqual(await outcomes(texts), ['abcdefgh', undefined]);
    assert.equal(proxy.cuts, 2);
  });

  it('swallows the data of open connections, and can pass new connections', { skip }, async (t) => {
    const { proxy, client } = await opened(t);
    proxy.blackHole({ fresh: false });
    let answered = false;
    const swallowed = client.command('PING').then(
      () => (answered = true),
      () => {},
    );
    const fresh = await connect({ port: proxy.port });
    assert.equal(await fresh.command('PING'), 'PONG');
    fresh.close();
    proxy.blackHole();
    const stuck = await connect({ port: proxy.port });
    const second = stuck.command('PING').then(
      () => (answered = true),
      () => {},
    );
    await until('the proxy swallowed the second', () => proxy.connections === 3);
    await proxy.pass();
    assert.equal(answered, false);
    client.close();
    stuck.close();
    await Promise.all([swallowed, second]);
  });

  it('leaves a half-open connection without a server', { skip }, async (t) => {
    const { server, proxy, client } = await opened(t);
    await client.command('PING');
    proxy.halfOpen();
    await until(
      'the server sees the disconnect',
      async () => (await server.info('clients')).connected_clients === '1',
    );
    assert.equal(proxy.open, 1);
  });

  it('keeps the order of delayed replies, for any delays', { skip }, async (t) => {
    const { proxy, client } = await opened(t);
    proxy.delay(() => Math.random() * 30);
    const calls = [];
    for (let n = 0; n < 50; n++) {
      calls.push(client.command('INCR', 'n'));
      await new Promise(setImmediate);
    }
    assert.deepEqual(
      await Promise.all(calls),
      Array.from({ length: 50 }, (_each, n) => n + 1),
    );
    proxy.delay(0);
    proxy.slow(10_000);
    assert.equal(await client.command('PING'), 'PONG');
  });
});

describe('a server of the tests', async () => {
  const skip = await missing('redis');

  it('ends with the test process, even if the process is killed', { skip }, async () => {
    const { spawn } = require('node:child_process');
    const { once } = require('node:events');
    const script = `
      const { startServer } = require('./__test__/support/servers.js');
      startServer({ after() {} }).then((server) => console.log(JSON.stringify([server.pid, server.directory])));`;
    const child = spawn(process.execPath, ['-e', script], {
      cwd: require('node:path').join(__dirname, '..', '..'),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = await once(child.stdout, 'data');
    const [pid, directory] = JSON.parse(String(line));
    process.kill(pid, 0);
    child.kill('SIGKILL');
    await until('the server is gone', () => {
      try {
        process.kill(pid, 0);
        return false;
      } catch {
        return !require('node:fs').existsSync(directory);
      }
    });
  });
});
