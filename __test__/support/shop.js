// A small app for the audit, in memory and on one thread: it keeps every rule, or breaks the one that it is told to break, at every
// request and not by luck.
'use strict';

const crypto = require('node:crypto');
const { once } = require('node:events');
const fs = require('node:fs');
const http = require('node:http');
const https = require('node:https');

const LIMITS = { sessions: 3, calls: 7 };

/**
 * @typedef {{ user: string, works: boolean, calls: number, seat: boolean, progress: number, refresh: string, successor?: string }} Session
 * @typedef {{ method: string, path: string, user?: string, status: number }} Seen
 * @typedef {{ status: number, body?: object, user?: string }} Reply
 *
 * @typedef {object} Options
 * @property {string} [loses] the name of a race
 * @property {string} [hangs] a path that is never answered
 * @property {string} [cuts] a path of which every second request is done, and its connection cut off
 * @property {Record<string, string>} [accounts] passwords by user; else everybody is let in
 * @property {{ cert: string, key: string }} [tls] paths
 */

class Shop {
  /** Everything that was handed out and is nobody's business. @type {string[]} */
  secrets = [];
  /** @type {Seen[]} */
  log = [];
  /** @type {Map<string, Session>} */
  #sessions = new Map();
  /** @type {Map<string, string>} token by refresh token */
  #refresh = new Map();
  #turn = 0;
  #options;

  /** @param {Options} options */
  constructor(options) {
    this.#options = options;
  }

  #secret() {
    const secret = crypto.randomBytes(16).toString('hex');
    this.secrets.push(secret);
    return secret;
  }

  /** @param {string} race */
  #loses(race) {
    return this.#options.loses === race;
  }

  /** Every second one, where that race is lost. @param {string} race */
  #fails(race) {
    return this.#loses(race) && this.#turn++ % 2 === 1;
  }

  /** @param {any} body @returns {Reply & { cookie?: string }} */
  login({ user, password }) {
    const { accounts } = this.#options;
    if (accounts !== undefined && accounts[user] !== password) return { status: 401, user };
    const mine = [...this.#sessions.values()].filter((each) => each.works && each.user === user);
    if (this.#loses('lost login')) for (const each of mine) each.works = false;
    else if (mine.length >= LIMITS.sessions && !this.#loses('over-admission')) return { status: 403, user };
    const token = this.#secret();
    const refresh = this.#secret();
    this.#sessions.set(token, { user, works: true, calls: 0, seat: false, progress: 0, refresh });
    this.#refresh.set(refresh, token);
    return {
      status: 201,
      user,
      cookie: token,
      body: { token, refreshToken: refresh, id: this.#sessions.size },
    };
  }

  /** @param {any} body @returns {Reply} */
  renew({ refreshToken }) {
    const session = this.#sessions.get(this.#refresh.get(refreshToken) ?? '');
    if (session === undefined) return { status: 401 };
    const { user } = session;
    if (session.refresh === refreshToken || this.#loses('lost refresh')) {
      session.successor = session.refresh;
      session.refresh = this.#secret();
      this.#refresh.set(session.refresh, /** @type {string} */ (this.#refresh.get(refreshToken)));
    } else if (session.successor !== refreshToken) return { status: 401, user };
    return {
      status: 200,
      user,
      body: { token: this.#refresh.get(session.refresh), refreshToken: session.refresh },
    };
  }

  /** @param {Session} session @param {string} path @param {any} body @returns {Reply} */
  serve(session, path, body) {
    const { user } = session;
    if (path === '/me') return { status: 200, user };
    if (path === '/progress') return { status: 200, user, body: { sum: { progress: session.progress } } };
    if (path === '/logout') {
      session.works = this.#loses('use after revocation');
      return { status: 204, user };
    }
    if (path === '/report') {
      if (this.#fails('wrong refusal')) return { status: 503, user };
      const spent = session.calls >= LIMITS.calls && !this.#loses('overspending');
      if (!spent) session.calls++;
      return { status: spent ? 429 : 200, user };
    }
    if (path === '/register') {
      const taken = session.seat && !this.#loses('done twice');
      session.seat = true;
      return { status: taken ? 409 : 201, user };
    }
    if (path === '/wager') {
      if (!this.#fails('lost update')) session.progress += body.stake;
      return { status: 200, user };
    }
    return { status: 404, user };
  }

  /** @param {http.IncomingMessage} req @param {http.ServerResponse} res */
  async handle(req, res) {
    const chunks = await req.toArray();
    const { method = '', url: path = '', headers } = req;
    if (path === this.#options.hangs) return void this.log.push({ method, path, status: 0 });
    const text = Buffer.concat(chunks).toString();
    const body = text === '' ? {} : JSON.parse(text);
    const shown =
      headers.authorization?.slice('Bearer '.length) ?? /sid=(\w+)/.exec(headers.cookie ?? '')?.[1];
    const session = this.#sessions.get(shown ?? '');
    /** @type {Reply & { cookie?: string }} */
    let reply = { status: 401, user: session?.user };
    if (path === '/login') reply = this.login(body);
    else if (path === '/refresh') reply = this.renew(body);
    else if (session?.works) reply = this.serve(session, path, body);
    this.log.push({ method, path, user: reply.user, status: reply.status });
    if (path === this.#options.cuts && this.#turn++ % 2 === 1) return void req.socket.destroy();
    if (reply.cookie !== undefined) res.setHeader('set-cookie', `sid=${reply.cookie}; HttpOnly`);
    res.writeHead(reply.status, { 'content-type': 'application/json' });
    res.end(reply.status === 204 ? undefined : JSON.stringify(reply.body ?? {}));
  }
}

/** What the audit is told of it. */
const DESCRIBED = {
  login: {
    path: '/login',
    body: { user: '{user}', password: '{password}' },
    token: 'body.token',
    refreshToken: 'body.refreshToken',
    sessionLimit: LIMITS.sessions,
  },
  use: { path: '/me' },
  quota: { path: '/report', limit: LIMITS.calls },
  once: { method: 'POST', path: '/register' },
  add: { path: '/wager', body: { stake: 5 }, by: 5 },
  sum: { path: '/progress', value: 'body.sum.progress' },
  revoke: { method: 'POST', path: '/logout' },
  refresh: { path: '/refresh', body: { refreshToken: '{refreshToken}' } },
};

/**
 * @param {import('./started.js').Test} t
 * @param {Options} [options]
 */
async function openShop(t, options = {}) {
  const shop = new Shop(options);
  const { tls } = options;
  const handle = (/** @type {any} */ req, /** @type {any} */ res) => void shop.handle(req, res);
  const server = tls
    ? https.createServer({ cert: fs.readFileSync(tls.cert), key: fs.readFileSync(tls.key) }, handle)
    : http.createServer(handle);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  const base = `${tls ? 'https' : 'http'}://127.0.0.1:${port}`;
  return { shop, port, base, config: { base, ...DESCRIBED } };
}

module.exports = { LIMITS, openShop };
