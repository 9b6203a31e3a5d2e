// Several processes acquire turns of a few keys and record their calls and answers. Meanwhile processes are killed
// and stopped, connections are cut and replies are lost. A test in Rust (__test__/rust/turn_histories.rs) checks the
// linearizability of the records, key by key. The checks also cover failed primaries. If keys of held turns are
// deleted, the test must detect it.
'use strict';

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');
const { slotOfUser } = require('../support/clusters.js');
const { KINDS, missing, startServer } = require('../support/servers.js');
const { startProxy } = require('../support/proxy.js');
const { end, ownDirectory, start, until } = require('../support/started.js');
const { TOPOLOGIES } = require('../support/topologies.js');

/** @typedef {import('node:test').TestContext} Test */

const ROOT = path.join(__dirname, '..', '..');
const RECORDER = path.join(__dirname, '..', 'support', 'apps', 'turn-recorder.js');
const CHECK = ['test', '--locked', '--quiet', '--no-default-features', '--features', 'test-stores', '--test'];
const PROCESSES = 5;
/** Sentinel elects the replica with the most data, and a master of a Cluster has one replica. */
const ACKS = 1;

/**
 * Starts processes that record their turns. Every second process uses the proxy.
 * @param {Test} t
 * @param {'redis' | 'valkey'} kind
 */
async function recorders(t, kind) {
  const server = await startServer(t, { kind });
  const proxy = await startProxy(t, { port: server.port });
  return { server, proxy, ...(await recording(t, [server.url(), proxy.url])) };
}

/**
 * @param {Test} t
 * @param {string[]} stores that the processes use in rotation
 * @param {number} [acks]
 */
async function recording(t, stores, acks = 0) {
  const directory = ownDirectory(t, 'histories');
  let begun = 0;
  const begin = () => {
    const number = begun++;
    const env = {
      ...process.env,
      NODE_TEST_CONTEXT: undefined,
      RECORD: path.join(directory, `${number}.jsonl`),
      STORE: stores[number % stores.length],
      ACKS: String(acks),
    };
    const child = start(process.execPath, [RECORDER], {
      cwd: ROOT,
      env,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    t.after(() => end(child));
    return child;
  };
  const children = Array.from({ length: PROCESSES }, begin);
  const lines = () =>
    fs
      .readdirSync(directory)
      .flatMap((file) => fs.readFileSync(path.join(directory, file), 'utf8').split('\n'));
  /** Waits until `count` additional turns were granted. @param {number} count */
  const turns = async (count) => {
    const granted = () => lines().filter((line) => line.includes('"ends"')).length;
    const before = granted();
    await until(`${count} additional turns`, () => granted() >= before + count);
  };
  /** Lets the processes finish their current turns. */
  const finish = () => Promise.all(children.map((child) => end(child, 'SIGTERM')));
  await turns(50);
  return { directory, children, begin, turns, finish };
}

/**
 * @param {string} directory
 * @returns {Promise<{ status: number, output: string }>} the result of the test that checks the records
 */
function check(directory) {
  const args = [...CHECK, 'turn_histories', '--', '--nocapture', 'what_processes_wrote_down'];
  const env = { ...process.env, LATCHGATE_TURN_HISTORIES: directory };
  return new Promise((resolve) => {
    execFile('cargo', args, { cwd: ROOT, env }, (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : Number(error.code), output: stdout + stderr });
    });
  });
}

for (const { kind, name } of KINDS) {
  describe(`recorded turns of processes on ${name}`, { concurrency: 1 }, async () => {
    const skip = await missing(kind);

    it('are linearizable for each key, in spite of all failures', { skip }, async (t) => {
      const { server, proxy, directory, children, begin, turns, finish } = await recorders(t, kind);
      for (let round = 0; round < 3; round++) {
        proxy.loseReplies(4);
        await turns(30);
        await server.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
        await turns(30);
        const stopped = children[round];
        stopped.kill('SIGSTOP');
        await turns(60);
        stopped.kill('SIGCONT');
        await turns(30);
        await end(children[round]);
        children[round] = begin();
        await turns(30);
        proxy.blackHole();
        await turns(30);
        await proxy.pass();
        proxy.cut();
        await server.scriptFlush();
        await turns(30);
        await server.command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
        await turns(30);
      }
      await finish();
      const { status, output } = await check(directory);
      t.diagnostic(/\d+ turns of .*/.exec(output)?.[0] ?? 'no turns were reported');
      assert.equal(status, 0, output);
    });

    it('are refuted if a held key is deleted', { skip }, async (t) => {
      const { server, directory, turns, finish } = await recorders(t, kind);
      for (let deleted = 0; deleted < 100; deleted++) {
        const turnKeys = (await server.keys()).filter((key) => /:l:/.test(key));
        await server.command('DEL', ...turnKeys);
        await turns(5);
      }
      await finish();
      const { status, output } = await check(directory);
      assert.notEqual(status, 0, output);
      assert.match(output, /not linearizable/);
    });
  });
}

for (const { name, missing, start: startSet } of TOPOLOGIES) {
  describe(`recorded turns of processes on ${name}`, async () => {
    const skip = await missing();

    it('are linearizable for each key, in spite of failed primaries', { skip }, async (t) => {
      const servers = await startSet(t);
      // If no replica held a grant, the turn could be granted twice. So each grant waits for a replica, and the
      // failover elects this replica.
      const { directory, turns, finish } = await recording(t, [servers.url()], ACKS);
      for (let round = 0; round < 2; round++) {
        const slot = slotOfUser(`key-${round}`);
        const fallen = 'primary' in servers ? await servers.primary() : await servers.ownerOf(slot);
        await turns(60);
        await fallen.stop();
        await servers.failedOver(fallen, slot);
        await fallen.start();
        await servers.follows(fallen);
        await turns(60);
      }
      await finish();
      const { status, output } = await check(directory);
      t.diagnostic(/\d+ turns of .*/.exec(output)?.[0] ?? 'no turns were reported');
      assert.equal(status, 0, output);
    });
  });
}
