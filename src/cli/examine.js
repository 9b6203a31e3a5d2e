'use strict';
// One server, looked at: what it is, what it keeps, what it may throw away, and what this login may ask of it.

const { Refused } = require('./resp.js');

/**
 * @typedef {Awaited<ReturnType<typeof import('./resp.js').connect>>} Connection
 * @typedef {'ok' | 'note' | 'warning' | 'problem'} Level
 * @typedef {{ check: string, level: Level, text: string }} Finding
 * @typedef {Map<string, string>} Info
 */

const OLDEST = 7;
const PINGS = 20;
const SLOW_MS = 10;
/** By how much clocks may differ: more is told; above the last, tokens and what the server remembers of them part. */
const CLOCK_MS = { told: 1000, most: 60_000 };
const MEMORY_SHARE = 0.8;
const LAG_BYTES = 1024 * 1024;

/**
 * @param {string} check
 * @param {Level} level
 * @param {string} text
 * @returns {Finding}
 */
const found = (check, level, text) => ({ check, level, text });

/**
 * @param {Connection} server
 * @param {'standalone' | 'sentinel' | 'cluster'} topology as the URL says
 * @returns {Promise<Finding[]>}
 */
async function examine(server, topology) {
  const info = await infoOf(server);
  const inspected =
    info === undefined
      ? [uninspected()]
      : look(info, topology, await config(server, 'save'), await config(server, 'appendfsync'));
  return [...inspected, ...(await clock(server)), await latency(server)];
}

/** @param {Connection} server @returns {Promise<Info | undefined>} undefined where it may not be asked */
async function infoOf(server) {
  const text = await allowed(server.command('INFO'));
  if (text === undefined) return undefined;
  const lines = String(text)
    .split('\r\n')
    .filter((line) => /^[^#].*:/.test(line));
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]));
}

/** @param {Connection} server @param {string} name @returns {Promise<string | undefined>} */
async function config(server, name) {
  const pair = await allowed(server.command('CONFIG', 'GET', name));
  return Array.isArray(pair) ? pair[1] : undefined;
}

/**
 * @template T
 * @param {Promise<T>} answer
 * @returns {Promise<T | undefined>} undefined where the server refuses
 */
async function allowed(answer) {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof Refused) return undefined;
    throw error;
  }
}

function uninspected() {
  return found(
    'rights',
    'warning',
    'INFO is refused: version, eviction, persistence and replicas are not known',
  );
}

/**
 * @param {Info} info
 * @param {string} topology
 * @param {string | undefined} save
 * @param {string | undefined} fsync
 */
function look(info, topology, save, fsync) {
  return [
    version(info),
    role(info, topology),
    eviction(info),
    ...memory(info),
    ...persistence(info, save, fsync),
    ...replicas(info),
  ];
}

/** @param {Info} info */
function version(info) {
  const valkey = info.get('valkey_version');
  const text = `${valkey === undefined ? 'Redis' : 'Valkey'} ${valkey ?? info.get('redis_version')}`;
  const major = Number.parseInt(valkey ?? info.get('redis_version') ?? '', 10);
  return major >= OLDEST
    ? found('version', 'ok', text)
    : found('version', 'problem', `${text}: at least ${OLDEST}.0 is needed`);
}

/** @param {Info} info @param {string} topology */
function role(info, topology) {
  if (info.get('role') !== 'master')
    return found(
      'role',
      'problem',
      'a replica: it takes no writes; name its primary, or use redis-sentinel:',
    );
  const isNode = info.get('cluster_enabled') === '1';
  if (isNode && topology !== 'cluster')
    return found('role', 'problem', 'a node of a Cluster: use redis-cluster:');
  if (!isNode && topology === 'cluster') return found('role', 'problem', 'no node of a Cluster: use redis:');
  return found('role', 'ok', isNode ? 'primary, in a Cluster' : 'primary');
}

/** @param {Info} info */
function eviction(info) {
  const policy = info.get('maxmemory_policy') ?? 'noeviction';
  const isLimited = Number(info.get('maxmemory') ?? 0) > 0;
  if (policy === 'noeviction') return found('eviction', 'ok', 'maxmemory-policy noeviction');
  const told = `maxmemory-policy ${policy}`;
  return isLimited
    ? found('eviction', 'problem', `${told}: revocations may be evicted; set it to noeviction`)
    : found(
        'eviction',
        'warning',
        `${told}: revocations may be evicted as soon as maxmemory is set; set it to noeviction`,
      );
}

/** @param {Info} info @returns {Finding[]} */
function memory(info) {
  const share = Number(info.get('used_memory')) / Number(info.get('maxmemory') ?? 0);
  if (!Number.isFinite(share) || share <= MEMORY_SHARE) return [];
  const text = `${Math.round(share * 100)} % of maxmemory is used`;
  const isFull = share >= 1 && info.get('maxmemory_policy') === 'noeviction';
  return [
    isFull
      ? found('memory', 'problem', `${text}: writes are refused`)
      : found('memory', 'warning', `${text}; beyond it, writes are refused or keys are evicted`),
  ];
}

/**
 * @param {Info} info
 * @param {string | undefined} save
 * @param {string | undefined} fsync
 * @returns {Finding[]}
 */
function persistence(info, save, fsync) {
  if (info.get('aof_enabled') === '1') {
    if (info.get('aof_last_write_status') === 'err')
      return [found('persistence', 'problem', 'the append-only file cannot be written')];
    const loss =
      fsync === 'always'
        ? 'nothing that was acknowledged'
        : fsync === 'no'
          ? 'what the system has not written'
          : 'about a second';
    return [
      found(
        'persistence',
        fsync === 'no' ? 'warning' : 'ok',
        `appends to a file (appendfsync ${fsync ?? 'not known'}): a crash loses ${loss}`,
      ),
    ];
  }
  if (save === undefined)
    return [
      found(
        'persistence',
        'warning',
        'no append-only file, and CONFIG is refused: whether it keeps anything is not known',
      ),
    ];
  if (save === '')
    return [
      found(
        'persistence',
        'problem',
        'keeps nothing on disk: a restart forgets sessions, revocations and blocks; set appendonly yes',
      ),
    ];
  if (info.get('rdb_last_bgsave_status') === 'err')
    return [found('persistence', 'problem', 'the last snapshot failed')];
  return [
    found(
      'persistence',
      'warning',
      'snapshots alone: a crash forgets what was revoked since the last one; set appendonly yes',
    ),
  ];
}

/** @param {Info} info @returns {Finding[]} */
function replicas(info) {
  const known = [...info]
    .filter(([name]) => /^slave\d+$/.test(name))
    .map(([, text]) => new URLSearchParams(text.replaceAll(',', '&')));
  if (known.length === 0)
    return [found('replicas', 'note', 'none: nothing takes over where this server is lost')];
  const written = Number(info.get('master_repl_offset') ?? 0);
  return known.map((replica) => {
    const name = `${replica.get('ip')}:${replica.get('port')}`;
    const state = replica.get('state');
    const lag = Math.max(written - Number(replica.get('offset') ?? 0), 0);
    const isBehind = state !== 'online' || lag > LAG_BYTES;
    return found('replicas', isBehind ? 'warning' : 'ok', `${name} ${state}, ${lag} bytes behind`);
  });
}

/** By the middle of the quickest of a few questions. @param {Connection} server @returns {Promise<Finding[]>} */
async function clock(server) {
  let best = { journeyMs: Number.POSITIVE_INFINITY, offsetMs: 0 };
  for (let i = 0; i < 5; i++) {
    const [before, began] = [Date.now(), performance.now()];
    const [seconds, micros] = await server.command('TIME');
    const journeyMs = performance.now() - began;
    const offsetMs = Number(seconds) * 1000 + Number(micros) / 1000 - (before + journeyMs / 2);
    if (journeyMs < best.journeyMs) best = { journeyMs, offsetMs };
  }
  const ms = Math.round(best.offsetMs);
  const told = `${Math.abs(ms)} ms ${ms < 0 ? 'behind' : 'ahead of'} this machine's`;
  if (Math.abs(ms) > CLOCK_MS.most)
    return [
      found(
        'clock',
        'problem',
        `${told}: tokens are judged by one clock, and remembered by the other; set them right`,
      ),
    ];
  return [found('clock', Math.abs(ms) > CLOCK_MS.told ? 'warning' : 'ok', told)];
}

/** @param {Connection} server */
async function latency(server) {
  const times = [];
  for (let i = 0; i < PINGS; i++) {
    const began = performance.now();
    await server.command('PING');
    times.push(performance.now() - began);
  }
  times.sort((a, b) => a - b);
  const [median, most] = [times[PINGS / 2], times[PINGS - 1]];
  const text = `${median.toFixed(2)} ms a question, ${most.toFixed(2)} ms at most`;
  return found('latency', median > SLOW_MS ? 'warning' : 'ok', text);
}

module.exports = { allowed, examine, found };
