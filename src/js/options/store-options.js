'use strict';
// The `store` option, and what a request does while that store cannot answer.

const { HOUR, duration } = require('../util/duration.js');
const { env } = require('../util/env.js');
const { configError } = require('../util/errors.js');
const { isText } = require('../util/input.js');
const { known } = require('../util/names.js');

const NAMES = ['url', 'prefix', 'commandTimeout', 'connectTimeout', 'acks', 'strict'];
const CHECKS = ['revocation', 'sessions', 'quota'];

const SERVERS = ['redis', 'rediss', 'redis+unix'];
const MANY = ['redis-sentinel', 'rediss-sentinel', 'redis-cluster', 'rediss-cluster'];
const NETWORKED = [...SERVERS, ...MANY];

const MAX_ACKS = 1000;

/** It begins every key, and holds none of the colons and braces that part one: docs/layout.md. */
const PREFIX = /^[A-Za-z0-9._-]{1,64}$/;

/** Marks the `store` of somebody who looks at a prefix and does not use it: nothing is written down of them. */
const VISITOR = Symbol('visitor');

/** @param {any} value */
function storeOptions(value) {
  const own = known(typeof value === 'string' ? { url: value } : (value ?? {}), NAMES, 'store', configError);
  if (own.strict !== undefined && typeof own.strict !== 'boolean')
    throw configError('store.strict must be true or false');
  const { store, scheme } =
    own.url === undefined
      ? url(env('LATCHGATE_STORE') ?? 'memory:', 'LATCHGATE_STORE')
      : url(own.url, 'store');
  const networked = NETWORKED.includes(scheme);
  return {
    store,
    kind: networked ? 'redis' : scheme,
    networked,
    prefix: prefix(own.prefix, networked || store === 'memory:'),
    commandTimeoutMs: wait(own.commandTimeout, 'store.commandTimeout') ?? 1000,
    connectTimeoutMs: wait(own.connectTimeout, 'store.connectTimeout') ?? 2000,
    acks: acks(own.acks ?? 0, networked),
    strict: own.strict === true,
    visitor: value?.[VISITOR] === true,
  };
}

/**
 * No part of the URL but its scheme is repeated in a message: it may hold a password.
 * @param {unknown} value
 * @param {string} name
 * @returns {{ store: string, scheme: string }}
 */
function url(value, name) {
  const store = typeof value === 'string' && isText(value) ? value : '';
  const scheme = /^([a-z][a-z0-9+-]{0,31}):/i.exec(store)?.[1] ?? '';
  // The stores named test- are in the test build of the addon alone; every other build refuses them itself.
  if (scheme === 'memory' || scheme.startsWith('test-') || NETWORKED.includes(scheme))
    return { store, scheme };
  throw configError(
    `${name} must be 'memory:', 'memory:name', 'redis://…', 'rediss://…', 'redis+unix:///…', 'redis-sentinel://…?master=name' ` +
      "or 'redis-cluster://…'",
  );
}

/**
 * A mistyped count must not become none. No primary has more replicas than this.
 * @param {unknown} value
 * @param {boolean} networked
 * @returns {number}
 */
function acks(value, networked) {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > MAX_ACKS)
    throw configError(`store.acks must be a whole number of replicas from 0 to ${MAX_ACKS}`);
  if (value > 0 && !networked) throw configError('store.acks: an embedded store has no replicas');
  return value;
}

/**
 * An unnamed embedded store belongs to one Auth and needs no prefix; a named one would be shared in spite of it.
 * @param {unknown} value
 * @param {boolean} allowed
 * @returns {string}
 */
function prefix(value, allowed) {
  if (value === undefined) return 'lg';
  if (typeof value !== 'string' || !PREFIX.test(value))
    throw configError('store.prefix must be a string of 1 to 64 of A-Z a-z 0-9 . _ -');
  if (!allowed)
    throw configError("store.prefix has no meaning for an embedded store: put it into 'memory:name'");
  return value;
}

/**
 * @param {unknown} value
 * @param {string} name
 */
function wait(value, name) {
  return value === undefined ? undefined : duration(value, name, { min: 1, max: HOUR }, configError);
}

/**
 * @typedef {{ revocation: boolean, sessions: boolean, quota: boolean }} Lenience which checks may be left out
 * @param {unknown} value onStoreError
 * @returns {Lenience}
 */
function lenience(value = 'deny') {
  if (typeof value === 'string') {
    const all = isAllow(value, 'onStoreError');
    return { revocation: all, sessions: all, quota: all };
  }
  const own = known(value, CHECKS, 'onStoreError', configError);
  const allows = (/** @type {string} */ check) => isAllow(own[check] ?? 'deny', `onStoreError.${check}`);
  return { revocation: allows('revocation'), sessions: allows('sessions'), quota: allows('quota') };
}

/**
 * @param {unknown} value
 * @param {string} name
 */
function isAllow(value, name) {
  if (value !== 'deny' && value !== 'allow') throw configError(`${name} must be 'deny' or 'allow'`);
  return value === 'allow';
}

module.exports = { PREFIX, VISITOR, lenience, storeOptions };
