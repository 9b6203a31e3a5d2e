'use strict';
// The usual clients of Redis, calling the same script: ioredis, with auto-pipelining and without, and node-redis. Each is
// used through its leanest call, with prepared texts as arguments and bytes as reply.

const script = require('./script.js');
const { QUOTAS } = require('../lib/settings.js');

/**
 * @typedef {object} Client
 * @property {(args: string[]) => Promise<Buffer>} decide
 * @property {(sha: string, args: Array<string | Buffer>) => Promise<unknown>} call
 * @property {(text: string) => Promise<unknown>} load
 * @property {() => Promise<unknown>} close
 */

/** @param {number} port @param {boolean} pipelining @returns {Promise<Client>} */
async function ioredis(port, pipelining) {
  const { Redis } = require('ioredis');
  const client = new Redis({ host: '127.0.0.1', port, enableAutoPipelining: pipelining });
  const { sha } = script.DECIDE;
  return {
    decide: (args) => client.evalshaBuffer(sha, 2, ...args),
    call: (name, args) => client.evalshaBuffer(name, 2, ...args),
    load: (text) => client.script('LOAD', text),
    close: () => client.quit(),
  };
}

/** @param {number} port @returns {Promise<Client>} */
async function nodeRedis(port) {
  const { RESP_TYPES, createClient } = require('redis');
  const client = createClient({ url: `redis://127.0.0.1:${port}` });
  await client.connect();
  const bytes = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
  const { sha } = script.DECIDE;
  return {
    decide: (args) => bytes.sendCommand(['EVALSHA', sha, '2', ...args]),
    call: (name, args) => bytes.sendCommand(['EVALSHA', name, '2', ...args]),
    load: (text) => client.scriptLoad(text),
    close: () => client.close(),
  };
}

/** @type {Record<string, (port: number) => Promise<Client>>} */
const CLIENTS = {
  ioredis: (port) => ioredis(port, false),
  'ioredis-auto': (port) => ioredis(port, true),
  'node-redis': nodeRedis,
};

/**
 * @param {string} name
 * @param {number} port
 */
async function open(name, port) {
  const client = await CLIENTS[name](port);
  await client.load(script.DECIDE.text);
  await client.load(script.REVOKE.text);
  return {
    ...client,
    ask: async (/** @type {string} */ token) =>
      script.isAllowed(await client.decide(script.decision(script.claimsOf(token), QUOTAS.small))),
    revoke: (/** @type {string} */ token) =>
      client.call(script.REVOKE.sha, script.revocation(script.claimsOf(token))),
  };
}

module.exports = { CLIENTS, open };
