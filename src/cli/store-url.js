'use strict';
// The URL of a store, taken apart for the doctor. What is shown of it holds no login, and no message repeats it.

/**
 * @typedef {{ host: string, port: number }} Host
 * @typedef {{ user?: string, password?: string }} Login
 * @typedef {object} StoreUrl
 * @property {'standalone' | 'sentinel' | 'cluster'} topology
 * @property {Host[]} hosts none for a socket
 * @property {string} [path] of a socket
 * @property {boolean} tls
 * @property {boolean} insecure the certificate is not checked
 * @property {Login} login of the servers
 * @property {Login} sentinelLogin
 * @property {number} db
 * @property {string} [master] its name among the Sentinels
 * @property {string} shown
 */

const SHAPE = /^([a-z+-]+):\/\/(?:([^@/?#]*)@)?([^/?#@]*)(\/[^?#]*)?(?:\?([^#]*))?(?:#(.*))?$/i;
const SCHEME = /^redis(s)?(?:-(sentinel|cluster)|(\+unix))?$/;

/**
 * @param {string} url
 * @returns {StoreUrl}
 */
function parseStoreUrl(url) {
  const [, scheme = '', login = '', hosts = '', path = '', query = '', fragment] = SHAPE.exec(url) ?? [];
  const kind = SCHEME.exec(scheme.toLowerCase());
  if (kind === null) throw new TypeError(refusal(url));
  const [, secure, many, unix] = kind;
  const topology = /** @type {StoreUrl['topology']} */ (many ?? 'standalone');
  const given = new URLSearchParams(query);
  const text = (/** @type {string} */ name) => given.get(name) ?? undefined;
  const common = {
    topology,
    tls: secure !== undefined,
    insecure: fragment === 'insecure',
    sentinelLogin: { user: text('sentinel_username'), password: text('sentinel_password') },
    master: text('master'),
  };
  if (unix !== undefined) {
    const db = database(text('db') ?? '0');
    const socket = decoded(path);
    return {
      ...common,
      hosts: [],
      path: socket,
      login: { user: text('user'), password: text('pass') },
      db,
      shown: `${scheme}://${socket}`,
    };
  }
  const db = database(path.replace(/^\//, '') || '0');
  const list = hosts.split(',').map((each) => host(each, topology === 'sentinel' ? 26379 : 6379));
  const shown = `${scheme}://${list.map(({ host, port }) => `${host}:${port}`).join(',')}/${db}`;
  if (topology === 'sentinel' && !common.master)
    throw new TypeError('the URL must name the primary: ?master=name');
  return { ...common, hosts: list, login: credentials(login), db, shown };
}

/** @param {string} url */
function refusal(url) {
  return /^memory:/i.test(url)
    ? 'an embedded store lives in the process that opened it: there is no server to look at'
    : 'the store must be redis://…, rediss://…, redis+unix:///…, redis-sentinel://…?master=name or redis-cluster://…';
}

/** @param {string} text @returns {Login} */
function credentials(text) {
  if (text === '') return {};
  const colon = text.indexOf(':');
  if (colon < 0) return { user: decoded(text) };
  return { user: decoded(text.slice(0, colon)) || undefined, password: decoded(text.slice(colon + 1)) };
}

/** @param {string} text @param {number} usual @returns {Host} */
function host(text, usual) {
  const [, name = '', port = String(usual)] =
    /^(\[[0-9a-f:.]+\]|[^:[\]\s]+)(?::(\d{1,5}))?$/i.exec(text || '127.0.0.1') ?? [];
  if (name === '' || Number(port) > 65_535 || Number(port) === 0)
    throw new TypeError('the URL holds a host that cannot be read');
  return { host: name.replace(/^\[|\]$/g, ''), port: Number(port) };
}

/** @param {string} text */
function database(text) {
  if (!/^\d{1,5}$/.test(text)) throw new TypeError('the database in the URL must be a number');
  return Number(text);
}

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new TypeError('the URL is not percent-encoded as it must be');
  }
}

module.exports = { parseStoreUrl };
