'use strict';
// What is to be audited: a small file that says how one logs in, what is rationed, how a credential is taken back and renewed.

const fs = require('node:fs');
const path = require('node:path');
const { known } = require('../../names.js');

/**
 * @typedef {object} Request a request of the app. Texts may hold {user}, {password}, {token}, {refreshToken}, {n}
 * @property {string} [method] default: POST with a body, else GET
 * @property {string} path
 * @property {Record<string, string>} [headers]
 * @property {any} [body] sent as JSON; a string goes as it is
 *
 * @typedef {object} Config
 * @property {string} base such as http://127.0.0.1:3000
 * @property {{ user: string, password?: string }[]} [users] accounts to be used; else `audit-<seed>-<n>` is logged in
 * @property {Request & { token?: string, refreshToken?: string, sessionLimit?: number }} login token: where it stands in the answer,
 * as body.token or header.x-token; left out: cookies are the credential
 * @property {Request} use a route that asks for the credential
 * @property {Request & { limit: number }} [quota] a route that lets through so many requests of a user who has just logged in
 * @property {Request} [revoke] takes the credential back: a logout, a ban
 * @property {Request & { refreshToken?: string }} [refresh] renews it
 * @property {{ requests?: number, seconds?: number, parallel?: number, rounds?: number }} [bounds]
 */

const KNOWN = ['base', 'users', 'login', 'use', 'quota', 'revoke', 'refresh', 'bounds'];
const REQUEST = ['method', 'path', 'headers', 'body'];
const FURTHER = /** @type {Record<string, string[]>} */ ({
  login: ['token', 'refreshToken', 'sessionLimit'],
  quota: ['limit'],
  refresh: ['refreshToken'],
});
const BOUNDS = { requests: 2000, seconds: 120, parallel: 40, rounds: 5 };
const MOST = { requests: 100_000, seconds: 3600, parallel: 500, rounds: 100 };

class ConfigError extends Error {}

/** @param {boolean} holds @param {string} otherwise */
function check(holds, otherwise) {
  if (!holds) throw new ConfigError(otherwise);
}

/** @param {unknown} value @param {string[]} names @param {string} path */
const objectOf = (value, names, path) => known(value, names, path, (message) => new ConfigError(message));

/** @param {any} request @param {string} name */
function checkRequest(request, name) {
  const { path: route, method, headers } = objectOf(request, [...REQUEST, ...(FURTHER[name] ?? [])], name);
  check(typeof route === 'string' && route.startsWith('/'), `${name}.path must begin with /`);
  check(method === undefined || /^[A-Z]+$/.test(method), `${name}.method must be in capitals, such as POST`);
  const texts = Object.values(headers ?? {});
  const areTexts = texts.every((text) => typeof text === 'string');
  check(areTexts, `${name}.headers must be an object of strings`);
}

/** @param {unknown} value @param {string} name @param {number} most */
function checkCount(value, name, most) {
  const fits = Number.isSafeInteger(value) && Number(value) >= 1 && Number(value) <= most;
  check(value === undefined || fits, `${name} must be an integer from 1 to ${most}`);
}

/**
 * @param {any} config
 * @returns {Config & { base: string, bounds: typeof BOUNDS }}
 */
function checked(config) {
  objectOf(config, KNOWN, '');
  check(
    URL.canParse(config.base) && /^https?:$/.test(new URL(config.base).protocol),
    'base must be an http(s) URL',
  );
  checkRequest(config.login, 'login');
  checkRequest(config.use, 'use');
  for (const name of ['quota', 'revoke', 'refresh'])
    if (config[name] !== undefined) checkRequest(config[name], name);
  checkCount(config.login.sessionLimit, 'login.sessionLimit', 1000);
  if (config.quota) {
    check(config.quota.limit !== undefined, 'quota.limit says how many requests are let through');
    checkCount(config.quota.limit, 'quota.limit', 10_000);
  }
  if (config.refresh)
    check(config.login.refreshToken !== undefined, 'login.refreshToken says where it stands in the answer');
  const bounds = objectOf(config.bounds ?? {}, Object.keys(BOUNDS), 'bounds');
  for (const [name, most] of Object.entries(MOST)) checkCount(bounds[name], `bounds.${name}`, most);
  const users = config.users ?? [];
  const named = Array.isArray(users) && users.every((each) => typeof each?.user === 'string');
  check(named, 'users must be an array of { user, password }');
  return { ...config, bounds: { ...BOUNDS, ...bounds } };
}

/** @param {string} file JSON, or a module that exports it */
function load(file) {
  const whole = path.resolve(file);
  if (!fs.existsSync(whole)) throw new ConfigError(`there is no file ${file}`);
  if (/\.c?js$/.test(whole)) return checked(require(whole));
  try {
    return checked(JSON.parse(fs.readFileSync(whole, 'utf8')));
  } catch (error) {
    if (error instanceof SyntaxError) throw new ConfigError(`${file} is not JSON: ${error.message}`);
    throw error;
  }
}

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/**
 * Only what is one's own is raced against.
 * @param {string} base
 * @param {string | undefined} owned the host that the caller says is theirs
 */
function assertOwned(base, owned) {
  const { host, hostname } = new URL(base);
  if (LOOPBACK.test(hostname) || owned === host || owned === hostname) return;
  throw new ConfigError(
    `${hostname} is not this machine: say --i-own-this ${hostname} if it is a staging host of your own`,
  );
}

module.exports = { ConfigError, assertOwned, checked, load };
