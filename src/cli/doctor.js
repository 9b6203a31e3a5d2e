'use strict';
// latchgate doctor: looks at a store before it is trusted with sessions and revocations. It reads, and runs the script that
// ready() runs, which leaves nothing. It shows no login, no id and no key.

const { randomBytes } = require('node:crypto');
const { parseArgs } = require('node:util');
const { createAuth } = require('../js/auth.js');
const { VISITOR, PREFIX } = require('../js/options/store-options.js');
const { env } = require('../js/util/env.js');
const { census } = require('./census.js');
const { examine, found } = require('./examine.js');
const { connect } = require('./resp.js');
const { findServers, reason } = require('./servers.js');
const { parseStoreUrl } = require('./store-url.js');

/**
 * @typedef {import('./examine.js').Finding} Finding
 * @typedef {import('./examine.js').Connection} Connection
 * @typedef {{ address: string, findings: Finding[] }} Server
 * @typedef {{ ok: boolean, store: string, topology: string, findings: Finding[], servers: Server[], keys?: Record<string, number> }} Report
 */

/** @param {string[]} args @returns {Promise<number>} the exit code */
async function doctor(args) {
  const { url, prefix, json } = given(args);
  const report = await diagnose(url, prefix);
  process.stdout.write(json ? `${JSON.stringify(report, undefined, 2)}\n` : text(report));
  return report.ok ? 0 : 1;
}

/** @param {string[]} args */
function given(args) {
  const options = /** @type {const} */ ({ json: { type: 'boolean' }, prefix: { type: 'string' } });
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
  if (positionals.length > 1) throw new TypeError('one store at a time: see latchgate --help');
  const url = positionals[0] ?? env('LATCHGATE_STORE');
  if (url === undefined) throw new TypeError('no store: give its URL, or set LATCHGATE_STORE');
  const { prefix = 'lg', json = false } = values;
  if (!PREFIX.test(prefix)) throw new TypeError('--prefix must be 1 to 64 of A-Z a-z 0-9 . _ -');
  return { url, prefix, json };
}

/**
 * @param {string} url
 * @param {string} prefix
 * @returns {Promise<Report>}
 */
async function diagnose(url, prefix) {
  const store = parseStoreUrl(url);
  const scripts = await tryScripts(url, prefix);
  const { servers, findings } = await findServers(store);
  /** @type {Server[]} */
  const examined = [];
  /** @type {Connection[]} */
  const connections = [];
  /** @type {Record<string, number> | undefined} */
  let keys;
  try {
    for (const { address, target } of servers)
      examined.push({ address, findings: await lookAt(target, store.topology, connections) });
    if (connections.length > 0) {
      const counted = await census(connections, prefix);
      keys = counted.keys;
      findings.push(...counted.findings);
    }
  } finally {
    for (const connection of connections) connection.close();
  }
  findings.push(scripts);
  const all = [...findings, ...examined.flatMap((each) => each.findings)];
  const ok = all.every(({ level }) => level !== 'problem');
  return { ok, store: store.shown, topology: store.topology, findings, servers: examined, keys };
}

/**
 * @param {import('./resp.js').Target} target
 * @param {import('./store-url.js').StoreUrl['topology']} topology
 * @param {Connection[]} connections gets one that has answered everything
 * @returns {Promise<Finding[]>}
 */
async function lookAt(target, topology, connections) {
  let connection;
  try {
    connection = await connect(target);
    const findings = await examine(connection, topology);
    connections.push(connection);
    return findings;
  } catch (error) {
    connection?.close();
    return [found('connection', 'problem', reason(error))];
  }
}

/**
 * As an Auth would: through the addon, with this login's rights.
 * @param {string} url
 * @param {string} prefix
 * @returns {Promise<Finding>}
 */
async function tryScripts(url, prefix) {
  // What the addon warns of is found here by itself.
  process.removeAllListeners('warning');
  let auth;
  try {
    auth = createAuth({
      store: { url, prefix, connectTimeout: '3s', commandTimeout: '3s', ...{ [VISITOR]: true } },
      jwt: { secret: randomBytes(32), issuer: 'doctor', audience: 'doctor' },
    });
    await auth.ready();
    return found('scripts', 'ok', 'latchgate can do its work with this login');
  } catch (error) {
    return found('scripts', 'problem', `latchgate cannot work here: ${reason(error)}`);
  } finally {
    await auth?.close();
  }
}

/** @param {Report} report */
function text({ store, topology, findings, servers }) {
  const lines = [`${store} (${topology})`, ...findings.map(line)];
  for (const { address, findings } of servers) lines.push('', address, ...findings.map(line));
  const all = [...findings, ...servers.flatMap((server) => server.findings)];
  const count = (/** @type {string} */ level) => all.filter((finding) => finding.level === level).length;
  return `${lines.join('\n')}\n\nproblems: ${count('problem')}, warnings: ${count('warning')}\n`;
}

/** @param {Finding} finding */
function line({ check, level, text }) {
  return `  ${level.padEnd(8)} ${check.padEnd(12)} ${text}`;
}

module.exports = { doctor };
