// The public contract of login, refresh and logout in its simplest form: one caller, no shared state. Written from
// the contract alone. It shares no code and no storage format with the addon. Time does not pass: the grace window
// lasts for ever, or does not exist.
'use strict';

const { text } = require('./expect.js');

/** Answer to an invalid call. */
const INPUT = { code: 'ERR_LATCHGATE_INPUT' };

/** @typedef {{ requestId?: string, sessionId?: string, limit?: number, onLimit?: string, scope?: string, claims?: { role: string } }} LoginOptions */
/**
 * @typedef {{ user: string, sessionId: string, scope: string | undefined, role: string | undefined, tokens: string[], cuts: Set<string> }} Family tokens: the live token is the last; cuts: tokens that another login has replaced
 */
/** @typedef {{ user: string, sessionId: string, issued: number }} Access */

class User {
  /** Most recently active first. @type {string[]} */
  live = [];
  /** @type {Set<string>} */
  over = new Set();
  /** @type {Map<string, Family>} */
  requests = new Map();
  blocked = false;
  issued = 0;
  fallen = 0;
}

class LoginReference {
  /** @type {Map<string, User>} */
  #users = new Map();
  /** @type {Family[]} */
  #families = [];
  /** @type {Map<string, Access>} by text */
  #access = new Map();
  #grace;

  /** @param {boolean} grace */
  constructor(grace) {
    this.#grace = grace;
  }

  /** @param {string} name */
  #user(name) {
    const user = this.#users.get(name) ?? new User();
    this.#users.set(name, user);
    return user;
  }

  /** @param {User} user @param {string} sessionId */
  #touch(user, sessionId) {
    user.live = [sessionId, ...user.live.filter((each) => each !== sessionId)];
  }

  /** @param {User} user @param {(sessionId: string) => boolean} stays */
  #keep(user, stays) {
    const gone = user.live.filter((each) => !stays(each));
    for (const each of gone) user.over.add(each);
    user.live = user.live.filter(stays);
    return gone.length;
  }

  /**
   * @param {string} name
   * @param {LoginOptions} options
   * @param {any} actual the answer of the Auth, whose texts and generated id are used
   */
  login(name, options, actual) {
    const user = this.#user(name);
    const { requestId, sessionId, limit = Number.POSITIVE_INFINITY, onLimit, scope, claims } = options;
    const refused = (/** @type {string} */ reason) => ({
      ok: false,
      admitted: false,
      reason,
      active: user.live.length,
    });
    if (user.blocked) return refused('blocked');
    const before = requestId === undefined ? undefined : user.requests.get(requestId);
    if (before !== undefined && user.live.includes(before.sessionId)) {
      this.#touch(user, before.sessionId);
      before.cuts.add(/** @type {string} */ (before.tokens.at(-1)));
      before.tokens.push(actual.refreshToken);
      Object.assign(before, { scope, role: claims?.role });
      this.#issue(user, before, actual);
      return this.#admitted(user, before.sessionId, true, []);
    }
    if (sessionId !== undefined && (user.live.includes(sessionId) || user.over.has(sessionId))) return INPUT;
    const evicted = [];
    if (user.live.length >= limit) {
      if (onLimit !== 'evict-oldest' || limit === 0) return refused('session_limit');
      while (user.live.length >= limit) evicted.push(/** @type {string} */ (user.live.pop()));
      for (const each of evicted) user.over.add(each);
    }
    const id = sessionId ?? actual.admission?.session.sessionId;
    user.live.unshift(id);
    /** @type {Family} */
    const family = {
      user: name,
      sessionId: id,
      scope,
      role: claims?.role,
      tokens: [actual.refreshToken],
      cuts: new Set(),
    };
    this.#families.push(family);
    if (requestId !== undefined) user.requests.set(requestId, family);
    this.#issue(user, family, actual);
    return this.#admitted(user, id, false, evicted);
  }

  /** @param {User} user @param {Family} family @param {any} actual */
  #issue(user, { user: name, sessionId }, { accessToken }) {
    user.issued++;
    this.#access.set(accessToken, { user: name, sessionId, issued: user.issued });
  }

  /** @param {User} user @param {string} sessionId @param {boolean} existing @param {string[]} evicted */
  #admitted(user, sessionId, existing, evicted) {
    return {
      ok: true,
      accessToken: text,
      refreshToken: text,
      admission: {
        existing,
        active: user.live.length,
        session: { sessionId },
        evicted: evicted.map((each) => ({ sessionId: each })),
      },
    };
  }

  /**
   * Returns the expected claims of an access token of a family.
   * @param {string} token
   * @param {{ scope?: string, claims?: { role: string } }} options
   */
  says(token, { scope, claims }) {
    const family = this.#families.find(({ tokens }) => tokens.includes(token));
    return {
      sid: family?.sessionId,
      scope: scope ?? family?.scope,
      role: claims?.role ?? family?.role,
      lgs: 1,
    };
  }

  /** @param {string} token @param {any} actual */
  refresh(token, actual) {
    const refused = (/** @type {string} */ reason) => ({ ok: false, reason });
    const family = this.#families.find(({ tokens }) => tokens.includes(token));
    if (family === undefined) return refused('invalid');
    const user = this.#user(family.user);
    if (user.blocked || !user.live.includes(family.sessionId)) return refused('revoked');
    const at = family.tokens.indexOf(token);
    if (at < family.tokens.length - 1) {
      if (!this.#grace) {
        this.#keep(user, (each) => each !== family.sessionId);
        return refused('reused');
      }
      if (family.tokens.slice(at).some((each) => family.cuts.has(each))) return refused('invalid');
    } else {
      const known = this.#families.some(({ tokens }) => tokens.includes(actual.refreshToken));
      family.tokens.push(known ? 'a token that nobody has seen' : actual.refreshToken);
    }
    this.#touch(user, family.sessionId);
    this.#issue(user, family, actual);
    return { ok: true, accessToken: text, refreshToken: family.tokens.at(-1) };
  }

  /** @param {string} token an access token or a refresh token */
  logout(token) {
    const family = this.#families.find(({ tokens }) => tokens.includes(token)) ?? this.#access.get(token);
    if (family === undefined) return false;
    return this.end(family.user, family.sessionId);
  }

  /** @param {string} token */
  passes(token) {
    const access = this.#access.get(token);
    if (access === undefined) return false;
    const user = this.#user(access.user);
    const stands = !user.blocked && access.issued > user.fallen && user.live.includes(access.sessionId);
    if (stands) this.#touch(user, access.sessionId);
    return stands;
  }

  /** @param {string} name @param {string} sessionId */
  end(name, sessionId) {
    return this.#keep(this.#user(name), (each) => each !== sessionId) === 1;
  }

  /** @param {string} name */
  endAll(name) {
    return this.#keep(this.#user(name), () => false);
  }

  /** @param {string} name */
  list(name) {
    return this.#user(name).live.map((sessionId) => ({ sessionId }));
  }

  /** @param {string} name */
  revokeUser(name) {
    const user = this.#user(name);
    user.fallen = user.issued;
    return { sessionsEnded: this.#keep(user, () => false) };
  }

  /** @param {string} name */
  blockUser(name) {
    const told = this.revokeUser(name);
    this.#user(name).blocked = true;
    return told;
  }

  /** @param {string} name */
  unblockUser(name) {
    const user = this.#user(name);
    const was = user.blocked;
    user.blocked = false;
    return was;
  }
}

module.exports = { LoginReference };
