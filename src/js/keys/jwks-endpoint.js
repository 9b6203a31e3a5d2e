'use strict';
// The endpoint of `jwt.jwksUri`: the allowed addresses, and one fetch with limits of time and size. Each key of the answer is
// checked here, and again by the addon.

const { configError } = require('../util/errors.js');
const { publicJwk } = require('./keys.js');

/**
 * @typedef {{ label: string, jwk: string }} FetchedKey
 * @typedef {{ keys: FetchedKey[], passedOver: string[], freshMs: number }} Answer passedOver: why keys are left out
 */

const TIMEOUT_MS = 5000;
const MAX_BYTES = 256 * 1024;

/** How long a set is fresh: what Cache-Control says, within these. */
const DEFAULT_FRESH_MS = 10 * 60_000;
const LEAST_FRESH_MS = 60_000;
const MOST_FRESH_MS = 60 * 60_000;

/**
 * https, or http to the same machine. No part of it is repeated in a message: it may hold a secret in its query.
 * @param {unknown} value
 * @param {string} label the option, or the environment variable
 * @returns {string}
 */
function endpoint(value, label) {
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined) throw configError(`${label} must be the absolute URL of a key set`);
  if (url.username !== '' || url.password !== '')
    throw configError(`${label} must not hold a user or a password: they would not be sent`);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url.hostname)))
    throw configError(`${label} must begin with https:// (http:// to localhost alone)`);
  return url.href;
}

/** @param {string} host as URL writes it */
function isLoopback(host) {
  return host === 'localhost' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
}

/**
 * @param {string} uri
 * @param {AbortController} controller its abort ends the fetch
 * @returns {Promise<Answer>} rejects with an Error whose message says what went wrong, and not where
 */
async function askEndpoint(uri, controller) {
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    controller.abort();
  }, TIMEOUT_MS);
  try {
    // A redirect may name any address. It is refused like any other address.
    const response = await fetch(uri, {
      redirect: 'error',
      signal: controller.signal,
      headers: { accept: 'application/json, application/jwk-set+json' },
    });
    if (response.status !== 200) {
      await response.body?.cancel();
      throw new Trouble(`it answered with status ${response.status}`);
    }
    return { ...keysOf(await text(response)), freshMs: freshMs(response.headers) };
  } catch (error) {
    throw error instanceof Trouble ? error : new Trouble(isLate ? 'no answer in time' : told(error));
  } finally {
    clearTimeout(timer);
  }
}

/** The reason of a failure, for operators. */
class Trouble extends Error {}

/**
 * The messages of fetch() hold addresses; its causes have codes.
 * @param {any} error
 */
function told(error) {
  const code = error?.cause?.code ?? error?.cause?.message;
  return typeof code === 'string' && /^[\w ]{1,64}$/.test(code) ? code : 'it cannot be reached';
}

/** @param {Response} response */
async function text(response) {
  const chunks = [];
  let size = 0;
  for await (const chunk of /** @type {AsyncIterable<Uint8Array>} */ (response.body ?? [])) {
    size += chunk.length;
    if (size > MAX_BYTES) throw new Trouble(`its answer is longer than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** @param {string} json */
function keysOf(json) {
  const members = parsed(json)?.keys;
  if (!Array.isArray(members)) throw new Trouble('its answer is no key set');
  /** @type {{ keys: FetchedKey[], passedOver: string[] }} */
  const found = { keys: [], passedOver: [] };
  for (const [index, key] of members.entries()) {
    const label = `jwt.jwksUri: keys[${index}]`;
    try {
      if (!isForeign(key)) found.keys.push({ label, jwk: JSON.stringify(publicJwk(key, label)) });
    } catch (error) {
      found.passedOver.push(/** @type {Error} */ (error).message);
    }
  }
  return found;
}

/** @param {string} json @returns {any} */
function parsed(json) {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

/**
 * Whether a later standard may define the type of the key. Such a key is skipped (RFC 7517, section 5).
 * @param {unknown} key
 * @returns {key is { kty: string }}
 */
function isForeign(key) {
  const { kty } = /** @type {{ kty?: unknown }} */ (Object(key));
  return typeof kty === 'string' && !['RSA', 'EC', 'OKP', 'oct'].includes(kty);
}

/** RFC 9111, sections 5.1 and 5.2.2.1. @param {Headers} headers */
function freshMs(headers) {
  const control = headers.get('cache-control') ?? '';
  const stated = /(?:^|[\s,])max-age="?(\d{1,10})/i.exec(control)?.[1];
  if (/(?:^|[\s,])no-(?:cache|store)(?:[\s,]|$)/i.test(control)) return LEAST_FRESH_MS;
  if (stated === undefined) return DEFAULT_FRESH_MS;
  const age = Number(/^\d{1,10}$/.exec(headers.get('age') ?? '')?.[0] ?? 0);
  return Math.min(Math.max((Number(stated) - age) * 1000, LEAST_FRESH_MS), MOST_FRESH_MS);
}

module.exports = { askEndpoint, endpoint, isForeign };
