'use strict';
// What is to be audited: a small file that says how one logs in, what is rationed, how a credential is taken back and renewed.

const fs = require('node:fs');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const { known } = require('../../js/util/names.js');

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
 * @property {Request & { token?: string, refreshToken?: string, sessionLimit?: number, values?: Record<string, string> }} login token: where
 * it stands in the answer, as body.token or header.x-token; left out: cookies are the credential. values: what else is taken from it
 * @property {Request} use a route that asks for the credential
 * @property {Request & { limit: number }} [quota] a route that lets through so many requests of a user who has just logged in
 * @property {Request & { limit?: number }} [once] what a user may do once, or so many times
 * @property {Request & { by: number }} [add] moves a sum by so much
 * @property {Request & { value: string }} [sum] tells it; value: where it stands in the answer
 * @property {Request} [revoke] takes the credential back: a logout, a ban
 * @property {Request & { refreshToken?: string }} [refresh] renews it
 * @property {{ requests?: number, seconds?: number, parallel?: number, rounds?: number }} [bounds]
 *
 * @typedef {Config & { bounds: { requests: number, seconds: number, parallel: number, rounds: number } }} Bounded
 */

const PARTS = ['quota', 'once', 'add', 'sum', 'revoke', 'refresh'];
const KNOWN = ['base', 'users', 'login', 'use', ...PARTS, 'bounds'];
const REQUEST = ['method', 'path', 'headers', 'body'];
const FURTHER = /** @type {Record<string, string[]>} */ ({
  login: ['token', 'refreshToken', 'sessionLimit', 'values'],
  quota: ['limit'],
  once: ['limit'],
  add: ['by'],
  sum: ['value'],
  refresh: ['refreshToken'],
});
/** Enough for all races. */
const BOUNDS = { requests: 5000, seconds: 120, parallel: 40, rounds: 5 };
const MOST = { requests: 100_000, seconds: 3600, parallel: 500, rounds: 100 };
/** What is asked alone races with nobody. */
const LEAST = /** @type {Record<string, number>} */ ({ parallel: 2 });
/** What {…} stands for without being taken from an answer. */
const TAKEN = ['user', 'password', 'token', 'refreshToken', 'cookie', 'n'];

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
  checkTexts(headers, `${name}.headers`);
}

/** @param {unknown} texts @param {string} name */
function checkTexts(texts, name) {
  const fits = texts === undefined || (typeof texts === 'object' && texts !== null && !Array.isArray(texts));
  const areTexts = fits && Object.values(texts ?? {}).every((text) => typeof text === 'string');
  check(areTexts, `${name} must be an object of strings`);
}

/** @param {unknown} place @param {string} name */
function checkPlace(place, name) {
  const fits = typeof place === 'string' && /^(body|header)\../.test(place);
  check(place === undefined || fits, `${name} must be a place in the answer, such as body.token`);
}

/** @param {unknown} value @param {string} name @param {number} most @param {number} [least] */
function checkCount(value, name, most, least = 1) {
  const fits = Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most;
  check(value === undefined || fits, `${name} must be an integer from ${least} to ${most}`);
}

/** @param {any} login */
function checkLogin(login) {
  checkRequest(login, 'login');
  checkCount(login.sessionLimit, 'login.sessionLimit', 1000);
  checkPlace(login.token, 'login.token');
  checkPlace(login.refreshToken, 'login.refreshToken');
  checkTexts(login.values, 'login.values');
  for (const [name, place] of Object.entries(login.values ?? {})) {
    check(
      /^\w+$/.test(name) && !TAKEN.includes(name),
      `login.values: ${name} cannot stand in braces, or stands for something`,
    );
    checkPlace(place, `login.values.${name}`);
  }
}

/** @param {unknown} base */
function checkBase(base) {
  const fits = typeof base === 'string' && URL.canParse(base) && /^https?:$/.test(new URL(base).protocol);
  check(fits, 'base must be an http(s) URL');
  const { origin } = new URL(String(base));
  // It would be passed over in silence.
  check([origin, `${origin}/`].includes(new URL(String(base)).href), 'base must have no path and no login');
}

/**
 * @param {any} config
 * @returns {Bounded}
 */
function checked(config) {
  objectOf(config, KNOWN, '');
  checkBase(config.base);
  checkLogin(config.login);
  checkRequest(config.use, 'use');
  const { quota, once, add, sum, refresh } = config;
  for (const name of PARTS) if (config[name] !== undefined) checkRequest(config[name], name);
  check(
    quota === undefined || quota.limit !== undefined,
    'quota.limit says how many requests are let through',
  );
  checkCount(quota?.limit, 'quota.limit', 1e9);
  checkCount(once?.limit, 'once.limit', 1000);
  check((add === undefined) === (sum === undefined), 'add and sum belong together');
  check(
    add === undefined || (Number.isSafeInteger(add.by) && add.by !== 0),
    'add.by must be an integer other than 0',
  );
  check(sum === undefined || sum.value !== undefined, 'sum.value says where it stands in the answer');
  checkPlace(sum?.value, 'sum.value');
  checkPlace(refresh?.refreshToken, 'refresh.refreshToken');
  check(
    refresh === undefined || config.login.refreshToken !== undefined,
    'login.refreshToken says where it stands in the answer',
  );
  const bounds = objectOf(config.bounds ?? {}, Object.keys(BOUNDS), 'bounds');
  for (const [name, most] of Object.entries(MOST))
    checkCount(bounds[name], `bounds.${name}`, most, LEAST[name]);
  const users = config.users ?? [];
  const texts = (/** @type {any} */ each) => [each?.user, each?.password ?? ''];
  const named = Array.isArray(users) && users.flatMap(texts).every((text) => typeof text === 'string');
  check(named, 'users must be an array of { user, password }');
  return { ...config, bounds: { ...BOUNDS, ...bounds } };
}

/** @param {string} file JSON, or a module that exports it @returns {Promise<Bounded>} */
async function load(file) {
  const whole = path.resolve(file);
  if (!fs.existsSync(whole)) throw new ConfigError(`there is no file ${file}`);
  if (/\.[cm]?js$/.test(whole)) return checked(await moduleOf(file, whole));
  try {
    return checked(JSON.parse(fs.readFileSync(whole, 'utf8')));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    // The message repeats what stands there, which may be a password.
    const [place = ''] = / at position \d+/.exec(error.message) ?? [];
    throw new ConfigError(`${file} is not JSON${place}`);
  }
}

/** @param {string} file @param {string} whole its whole path */
async function moduleOf(file, whole) {
  try {
    return (await import(pathToFileURL(whole).href)).default;
  } catch (/** @type {any} */ error) {
    throw new ConfigError(`${file} throws: ${error?.message ?? error}`);
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

module.exports = { BOUNDS, ConfigError, assertOwned, checked, load };
