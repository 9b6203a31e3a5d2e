// The public contract in its simplest form: one caller, no shared state, no optimization. Written from the contract
// alone. It shares no code and no storage format with the addon. Time is only a bound on instants: the durations of
// the model test are long enough that no data expires.
'use strict';

const { duration, instant, oneOf, text } = require('./expect.js');
const { INPUT, Quotas, Used, charge } = require('./quotas.js');

/** @typedef {import('./expect.js').Span} Span */
/** @typedef {import('./quotas.js').Rule} Rule */
/** @typedef {{ sessionId: string, created: Span, active: Span, idle: number, absolute: number, device?: object }} Session */
/** @typedef {{ limit?: number, onLimit: string, admission: string, idle: number, absolute: number }} Settings */
/** @typedef {{ userId: string, jti: string, sid?: string, stands: boolean, scopes: string[], foreign: boolean, generation: number, iat: number, aheadOfNow: boolean }} Token */

class User {
  /** Most recently active first. @type {Session[]} */
  live = [];
  /** @type {Set<string>} ids of sessions that are over */
  over = new Set();
  /** @type {Set<string>} */
  revokedIds = new Set();
  blocked = false;
  /** Number of own tokens issued so far. */
  generation = 0;
  /** Own tokens up to this number are revoked. */
  fallen = 0;
  everRevoked = false;
  /**
   * The latest future `iat` of a foreign token that was allowed: the token has been issued, regardless of its
   * `iat`.
   */
  seenAhead = 0;
  /** Foreign tokens with an `iat` up to this value are revoked, although it is in the future. */
  fallenAhead = 0;
  /** @type {Map<string, Used>} quotas of policies */
  quotas = new Map();
}

class Reference {
  /** @type {Map<string, User>} */
  #users = new Map();
  #quotas = new Quotas();
  #settings;

  /** @param {Settings} settings */
  constructor(settings) {
    this.#settings = settings;
  }

  /** @param {string} userId */
  #user(userId) {
    const user = this.#users.get(userId) ?? new User();
    this.#users.set(userId, user);
    return user;
  }

  /**
   * @param {Span} now
   * @param {string} userId
   * @param {{ sessionId?: string, limit?: number, onLimit?: string, idleTimeout?: number, absoluteTimeout?: number, device?: object }} options
   * @param {() => string} drawn returns the generated id, if the options have no session id
   */
  admit(now, userId, options, drawn) {
    const user = this.#user(userId);
    const { limit = this.#settings.limit, onLimit = this.#settings.onLimit, sessionId } = options;
    const refused = (/** @type {string} */ reason) => ({
      admitted: false,
      reason,
      active: user.live.length,
      limit: limit ?? null,
      retryAfterMs: oneOf(null, duration(Number.MAX_SAFE_INTEGER)),
    });
    if (user.blocked) return refused('blocked');
    const same = user.live.find((session) => session.sessionId === sessionId);
    if (same !== undefined) {
      // A repeated login counts as activity.
      const session = this.#tell(userId, /** @type {Session} */ (this.#touched(user, same.sessionId, now)));
      return {
        admitted: true,
        session,
        active: user.live.length,
        limit: limit ?? null,
        evicted: [],
        existing: true,
      };
    }
    if (sessionId !== undefined && user.over.has(sessionId)) return refused('session_ended');
    const evicted = this.#makeRoom(user, limit, onLimit);
    if (evicted === undefined) return refused('session_limit');
    const {
      idleTimeout: idle = this.#settings.idle,
      absoluteTimeout: absolute = this.#settings.absolute,
      device,
    } = options;
    const created = { sessionId: sessionId ?? drawn(), created: now, active: now, idle, absolute, device };
    user.live.unshift(created);
    return {
      admitted: true,
      session: { ...this.#tell(userId, created), sessionId: sessionId ?? text },
      active: user.live.length,
      limit: limit ?? null,
      evicted: evicted.map((session) => this.#tell(userId, session)),
      existing: false,
    };
  }

  /**
   * @param {User} user
   * @param {number | undefined} limit
   * @param {string} onLimit
   * @returns {Session[] | undefined} the evicted sessions; undefined: there is no free slot
   */
  #makeRoom(user, limit = Number.POSITIVE_INFINITY, onLimit) {
    if (user.live.length < limit) return [];
    if (onLimit !== 'evict-oldest' || limit === 0) return undefined;
    /** @type {Session[]} */
    const evicted = [];
    while (user.live.length >= limit) evicted.push(/** @type {Session} */ (user.live.pop()));
    for (const { sessionId } of evicted) user.over.add(sessionId);
    return evicted;
  }

  /** @param {string} userId @param {Session} session */
  #tell(userId, { sessionId, created, active, idle, absolute, device }) {
    const span = {
      from: Math.min(active.from + idle, created.from + absolute),
      to: Math.min(active.to + idle, created.to + absolute),
    };
    return {
      sessionId,
      userId,
      createdAt: instant(created),
      lastActiveAt: instant(active),
      expiresAt: instant(span),
      ...(device === undefined ? {} : { device }),
    };
  }

  /** @param {Span} now @param {string} userId @param {string} sessionId */
  touch(now, userId, sessionId) {
    const session = this.#touched(this.#user(userId), sessionId, now);
    return session === undefined ? null : this.#tell(userId, session);
  }

  /** @param {User} user @param {string} sessionId @param {Span} now @returns {Session | undefined} */
  #touched(user, sessionId, now) {
    const session = user.live.find((each) => each.sessionId === sessionId);
    if (session === undefined) return undefined;
    session.active = now;
    user.live = [session, ...user.live.filter((each) => each !== session)];
    return session;
  }

  /** @param {Span} _now @param {string} userId @param {string} sessionId */
  end(_now, userId, sessionId) {
    const user = this.#user(userId);
    const there = user.live.some((session) => session.sessionId === sessionId);
    if (there) this.#over(user, (session) => session.sessionId !== sessionId);
    return there;
  }

  /** @param {User} user @param {(session: Session) => boolean} stays @returns {number} number of ended sessions */
  #over(user, stays) {
    const gone = user.live.filter((session) => !stays(session));
    for (const { sessionId } of gone) user.over.add(sessionId);
    user.live = user.live.filter(stays);
    return gone.length;
  }

  /** @param {Span} _now @param {string} userId @param {{ except?: string }} options */
  endAll(_now, userId, { except }) {
    return this.#over(this.#user(userId), (session) => session.sessionId === except);
  }

  /** @param {Span} _now @param {string} userId */
  list(_now, userId) {
    return this.#user(userId).live.map((session) => this.#tell(userId, session));
  }

  /** Returns the position of the next own token in the order of issue. @param {string} userId */
  issued(userId) {
    const user = this.#user(userId);
    user.generation++;
    return user.generation;
  }

  /** @param {Span} _now @param {Token} token */
  revoke(_now, { stands, userId, jti }) {
    if (stands) this.#user(userId).revokedIds.add(jti);
    return stands;
  }

  /** @param {Span} _now @param {{ jti: string, userId: string }} id */
  revokeId(_now, { jti, userId }) {
    this.#user(userId).revokedIds.add(jti);
    return true;
  }

  /** @param {Span} _now @param {Token} token */
  isRevoked(_now, token) {
    const user = this.#user(token.userId);
    return user.blocked || this.#fallen(user, token);
  }

  /** @param {User} user @param {Token} token */
  #fallen(user, { jti, foreign, generation, iat, aheadOfNow }) {
    if (user.revokedIds.has(jti)) return true;
    if (!foreign) return generation <= user.fallen;
    return user.everRevoked && (!aheadOfNow || iat <= user.fallenAhead);
  }

  /** Returns whether a token that was allowed would be allowed again, with its session checked. @param {Token} token */
  stands(token) {
    const user = this.#user(token.userId);
    const live = user.live.some((session) => session.sessionId === (token.sid ?? token.jti));
    return live && !user.blocked && !this.#fallen(user, token);
  }

  /** @param {Span} _now @param {{ jti: string, userId: string }} id */
  isRevokedId(_now, { jti, userId }) {
    const user = this.#user(userId);
    // An id does not contain its time of issue. After revokeUser(), its token may be a revoked token.
    return user.blocked || user.everRevoked || user.revokedIds.has(jti);
  }

  /** @param {Span} _now @param {string} userId */
  revokeUser(_now, userId) {
    const user = this.#user(userId);
    user.fallen = user.generation;
    user.everRevoked = true;
    user.fallenAhead = user.seenAhead;
    return { sessionsEnded: this.#over(user, () => false) };
  }

  /** @param {Span} now @param {string} userId */
  blockUser(now, userId) {
    const { sessionsEnded } = this.revokeUser(now, userId);
    this.#user(userId).blocked = true;
    return { sessionsEnded };
  }

  /** @param {Span} _now @param {string} userId */
  unblockUser(_now, userId) {
    const user = this.#user(userId);
    const was = user.blocked;
    user.blocked = false;
    return was;
  }

  /** @param {Span} now @param {string} key @param {Rule} rule @param {number} cost @param {string} [once] @param {string} [receipt] */
  consume(now, key, rule, cost, once, receipt) {
    return this.#quotas.consume(now, key, rule, cost, once, receipt);
  }

  /** @param {Span} now @param {string} key @param {Rule} rule */
  peek(now, key, rule) {
    return this.#quotas.consume(now, key, rule, 0);
  }

  /** @param {Span} now @param {string} key @param {Rule} rule @param {number} units @param {string} [once] */
  add(now, key, rule, units, once) {
    return this.#quotas.add(now, key, rule, units, once);
  }

  /** @param {Span} _now @param {string | undefined} receipt */
  refund(_now, receipt) {
    return this.#quotas.refund(receipt);
  }

  /** @param {Span} _now @param {string} key */
  reset(_now, key) {
    return this.#quotas.reset(key);
  }

  /**
   * @param {Span} now
   * @param {Token} token
   * @param {{ scope?: string, quota?: Rule & { name: string, by: 'user' | 'session', cost: number }, once?: string }} policy
   */
  authenticate(now, token, { scope, quota, once }) {
    const denied = (/** @type {number} */ status, /** @type {string} */ code) => ({
      ok: false,
      status,
      code,
    });
    if (!token.stands) return denied(401, 'invalid_token');
    const user = this.#user(token.userId);
    if (user.blocked) return denied(403, 'blocked');
    const sessionId = token.sid ?? token.jti;
    const known = user.live.find((session) => session.sessionId === sessionId);
    if (this.#fallen(user, token) || user.over.has(sessionId)) return denied(401, 'invalid_token');
    if (known === undefined && this.#settings.admission === 'explicit') return denied(401, 'invalid_token');
    if (scope !== undefined && !token.scopes.includes(scope)) return denied(403, 'insufficient_scope');
    const { limit, onLimit, idle, absolute } = this.#settings;
    const room = known !== undefined || user.live.length < (limit ?? Number.POSITIVE_INFINITY);
    if (!room && (onLimit !== 'evict-oldest' || limit === 0)) return denied(403, 'session_limit');
    const place = quota === undefined ? '' : `${quota.name} ${quota.by === 'session' ? sessionId : ''}`;
    const used = user.quotas.get(place) ?? new Used();
    const recalled = quota === undefined || once === undefined ? undefined : used.remembered.get(once);
    if (recalled !== undefined && recalled.question !== `${quota?.cost}`) return INPUT;
    const suffices = recalled !== undefined || used.used + Number(quota?.cost) <= Number(quota?.limit);
    if (quota !== undefined && quota.cost > 0 && !suffices) return denied(429, 'quota_exhausted');
    user.quotas.set(place, used);
    const previous = known?.active ?? now;
    if (known === undefined) {
      this.#makeRoom(user, limit, onLimit);
      user.live.unshift({ sessionId, created: now, active: now, idle, absolute });
    }
    const session = /** @type {Session} */ (this.#touched(user, sessionId, now));
    if (token.aheadOfNow) user.seenAhead = Math.max(user.seenAhead, token.iat);
    const consumption = quota && (recalled?.answer ?? charge(now, used, quota, quota.cost));
    if (quota !== undefined && quota.cost > 0 && once !== undefined && recalled === undefined)
      used.remembered.set(once, { question: `${quota.cost}`, answer: consumption });
    return {
      ok: true,
      auth: {
        userId: token.userId,
        sessionId,
        tokenId: token.jti,
        scopes: token.scopes,
        degraded: false,
        session: {
          active: user.live.length,
          limit,
          createdAt: instant(session.created),
          lastActiveAt: instant(now),
          previousActiveAt: instant(previous),
        },
        quota: consumption && {
          limit: consumption.limit,
          remaining: consumption.remaining,
          resetAt: consumption.resetAt,
        },
      },
    };
  }
}

module.exports = { Reference };
