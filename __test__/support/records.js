// Code inside the process that is out to break the addon's memory: what it reaches through the loader of the addon, and
// what it does to it. Each script runs in a process of its own, so that a crash is seen.
'use strict';

const assert = require('node:assert/strict');
const path = require('node:path');
const { ROOT, runScript } = require('./child.js');

/**
 * `made`: arguments of each gate that an Auth of the process makes, and the gate; `ATTACKS`: what is done to its records;
 * `attack(verdict)` does it all, and returns what came of each; `gc()` collects garbage.
 */
const PRELUDE = `
  const binding = require(${JSON.stringify(path.join(ROOT, 'src', 'js', 'binding.js'))});
  const made = [];
  const { Gate } = binding;
  binding.Gate = function (config, verdict, wake) {
    const gate = new Gate(config, verdict, wake);
    made.push({ config, verdict, wake, gate });
    return gate;
  };
  require('node:v8').setFlagsFromString('--expose-gc');
  const gc = require('node:vm').runInNewContext('gc');
  const { MessageChannel, Worker } = require('node:worker_threads');
  const channel = new MessageChannel();
  channel.port1.unref();
  channel.port2.unref();
  const ATTACKS = {
    clone: ({ buffer }) => structuredClone(buffer, { transfer: [buffer] }),
    post: ({ buffer }) => channel.port1.postMessage(buffer, [buffer]),
    worker: ({ buffer }) => new Worker('', { eval: true, workerData: buffer, transferList: [buffer] }),
    transfer: ({ buffer }) => ArrayBuffer.prototype.transfer.call(buffer),
    resize: ({ buffer }) => ArrayBuffer.prototype.resize.call(buffer, 0),
    shrink: ({ buffer }) => SharedArrayBuffer.prototype.grow.call(buffer, 0),
    freeze: (verdict) => Object.freeze(verdict),
    share: ({ buffer }) => channel.port1.postMessage(buffer),
    freezeBuffer: ({ buffer }) => Object.freeze(buffer),
    reparent: (verdict) => Object.setPrototypeOf(verdict, null),
    length: (verdict) => Object.defineProperty(verdict, 'length', { value: 0 }),
  };
  const attack = (verdict) =>
    Object.fromEntries(
      Object.entries(ATTACKS).map(([name, act]) => {
        try {
          act(verdict);
          return [name, 'done'];
        } catch (error) {
          return [name, error.name];
        }
      }),
    );
`;

/** What must be refused by the engine. */
const REFUSED = ['clone', 'post', 'worker', 'transfer', 'resize', 'shrink', 'freeze'];

/**
 * @param {string} script prints JSON
 * @param {Parameters<typeof runScript>[1]} [options]
 */
async function insider(script, options) {
  const { status, signal, stdout, stderr } = await runScript(PRELUDE + script, options);
  assert.deepEqual({ status, signal, stderr }, { status: 0, signal: null, stderr: '' });
  return JSON.parse(stdout);
}

/** @param {Record<string, string>} attacks by name, what came of each */
function assertRefused(attacks) {
  const done = REFUSED.filter((name) => attacks[name] === 'done');
  assert.deepEqual(done, []);
}

module.exports = { assertRefused, insider };
