'use strict';
// auth.tokens: issue, verify and revoke; login and what follows it is in logins.js. Signatures and times are judged in the
// addon; arguments are checked here.

const { settleKeys } = require('./api-keys.js');
const { decodeClaims, tokenIdOf, userIdOf } = require('./claims.js');
const { YEAR, duration } = require('./duration.js');
const { configError, inputError, unbuiltError } = require('./errors.js');
const { id, instant, optionalId, scopes, token: tokenText } = require('./input.js');
const logins = require('./logins.js');
const { known } = require('./names.js');
const { claimsJson } = require('./token-claims.js');

/**
 * @typedef {import('./engine.js').Engine} Engine
 * @typedef {import('../../index.js').Claims} Claims
 */

/** No longer token is accepted: what is longer need not be copied to the addon to know. */
const MAX_TOKEN = 8192;
const BARE = 1;

class Tokens {
  #engine;

  /** @param {Engine} engine */
  constructor(engine) {
    this.#engine = engine;
  }

  /**
   * @param {string} userId
   * @param {object} [options]
   * @returns {Promise<string>}
   */
  async issue(userId, options = {}) {
    const engine = this.#engine;
    const outcome = await engine.ask((gate) => {
      if (!engine.canSign) throw configError('no key to sign tokens with: set jwt.secret or jwt.privateKey');
      const own = known(options, ['sessionId', 'claims', 'scope', 'ttl'], '', inputError);
      return gate.issue(
        id(userId, 'userId'),
        optionalId(own.sessionId, 'sessionId'),
        claimsJson(own, engine, 'issue()'),
        own.scope === undefined ? undefined : scopes(own.scope, 'scope', inputError).join(' '),
        ttl(own.ttl, engine),
      );
    });
    return /** @type {string} */ (outcome.text);
  }

  /**
   * @param {string} token
   * @returns {Promise<Claims | null>}
   */
  async verify(token) {
    const engine = this.#engine;
    engine.assertOpen();
    if (isOversized(tokenText(token, 'token'), engine)) return null;
    await engine.learnKey(token);
    return engine.call((gate) => gate.verify(token, BARE)) === 0 ? decodeClaims(token) : null;
  }

  /**
   * @param {string} token
   * @returns {Promise<boolean>}
   */
  async revoke(token) {
    const engine = this.#engine;
    engine.assertOpen();
    if (isOversized(tokenText(token, 'token'), engine)) return false;
    await engine.learnKey(token);
    const outcome = await engine.ask((gate) => gate.revoke(token));
    if (outcome.flag === true) this.#report('token', whose(token, engine));
    return outcome.flag === true;
  }

  /**
   * @param {object} target
   * @returns {Promise<boolean>}
   */
  async revokeId(target) {
    const engine = this.#engine;
    const own = known(target, ['jti', 'userId', 'expiresAt', 'iss'], 'id', inputError);
    const outcome = await engine.ask((gate) => {
      const expiresAt = instant(own.expiresAt, 'expiresAt');
      return gate.revokeId(id(own.jti, 'jti'), id(own.userId, 'userId'), expiresAt, issuer(own.iss, engine));
    });
    if (outcome.flag === true) this.#report('token', { userId: own.userId, tokenId: own.jti });
    return outcome.flag === true;
  }

  /**
   * @param {unknown} target token, or what names it
   * @returns {Promise<boolean>}
   */
  async isRevoked(target) {
    const engine = this.#engine;
    engine.assertOpen();
    if (typeof target === 'string' && isOversized(target, engine)) return true;
    if (typeof target === 'string') await engine.learnKey(target);
    const outcome = await engine.ask((gate) => {
      if (typeof target === 'string') return gate.isRevoked(target);
      const own = known(target, ['jti', 'userId', 'iss'], 'id', inputError);
      return gate.isRevokedId(id(own.jti, 'jti'), id(own.userId, 'userId'), issuer(own.iss, engine));
    });
    return outcome.flag === true;
  }

  /**
   * @param {string} userId
   * @param {{ apiKeys?: boolean }} [options]
   * @returns {Promise<{ sessionsEnded: number }>}
   */
  async revokeUser(userId, options = {}) {
    const outcome = await this.#engine.ask((gate) => {
      const own = known(options, ['barrier', 'wait', 'apiKeys'], '', inputError);
      refuseBarrier(own, 'revokeUser()');
      return gate.revokeUser(id(userId, 'userId'), flag(own.apiKeys, 'apiKeys'));
    });
    this.#report('user', { userId });
    if (options.apiKeys === true) await settleKeys(this.#engine, userId);
    return { sessionsEnded: outcome.count ?? 0 };
  }

  /**
   * @param {string} userId
   * @param {object} [options]
   * @returns {Promise<{ sessionsEnded: number }>}
   */
  async blockUser(userId, options = {}) {
    const outcome = await this.#engine.ask((gate) => {
      const own = known(options, ['until', 'barrier', 'wait'], '', inputError);
      refuseBarrier(own, 'blockUser()');
      return gate.blockUser(
        id(userId, 'userId'),
        own.until === undefined ? NaN : instant(own.until, 'until'),
      );
    });
    this.#report('block', { userId });
    return { sessionsEnded: outcome.count ?? 0 };
  }

  /**
   * @param {'token' | 'user' | 'block'} kind
   * @param {{ userId: string, tokenId?: string }} whose
   */
  #report(kind, whose) {
    const { events, metrics } = this.#engine;
    metrics.revoked(kind);
    events.emit({ type: 'revoked', kind, ...whose });
  }

  /**
   * @param {string} userId
   * @returns {Promise<boolean>}
   */
  async unblockUser(userId) {
    const outcome = await this.#engine.ask((gate) => gate.unblockUser(id(userId, 'userId')));
    return outcome.flag === true;
  }

  /**
   * @param {string} userId
   * @param {object} [options]
   */
  async login(userId, options = {}) {
    return logins.login(this.#engine, userId, options);
  }

  /**
   * @param {string} refreshToken
   * @param {object} [options]
   */
  async refresh(refreshToken, options = {}) {
    return logins.refresh(this.#engine, refreshToken, options);
  }

  /** @param {string | import('../../index.js').RequestAuth} tokenOrAuth */
  async logout(tokenOrAuth) {
    return logins.logout(this.#engine, tokenOrAuth);
  }
}

/**
 * @param {string} token whose signature stands
 * @param {Engine} engine
 */
function whose(token, engine) {
  const claims = decodeClaims(token);
  return { userId: userIdOf(claims, engine), tokenId: tokenIdOf(claims, token) };
}

/**
 * Also the place where every call that reads a token finds out that there is no key to read it with.
 * @param {string} token
 * @param {Engine} engine
 */
function isOversized(token, engine) {
  engine.assertKey();
  return token.length > MAX_TOKEN;
}

/**
 * @param {unknown} value
 * @param {Engine} engine
 */
function ttl(value, { accessTtlMs, maxAgeMs }) {
  if (value === undefined) return accessTtlMs;
  const ms = duration(value, 'ttl', { min: 1, max: 200 * YEAR }, inputError);
  if (ms > maxAgeMs) throw inputError('ttl must not be longer than jwt.maxAge: the token would be refused');
  return ms;
}

/**
 * Token ids are unique per issuer: where several are configured, an id says nothing without its own.
 * @param {unknown} value
 * @param {Engine} engine
 */
function issuer(value, { issuers }) {
  if (value === undefined && issuers.length > 1)
    throw inputError('iss is required where jwt.issuer lists several');
  const iss = optionalId(value, 'iss');
  if (iss !== undefined && issuers.length > 0 && !issuers.includes(iss)) {
    throw inputError('iss must be one of jwt.issuer: no token of another is accepted');
  }
  return iss;
}

/**
 * @param {Record<string, any>} own
 * @param {string} method
 */
function refuseBarrier({ barrier, wait }, method) {
  if (flag(barrier, 'barrier')) throw unbuiltError(`${method}: barrier`);
  if (wait !== undefined) throw unbuiltError(`${method}: wait`);
}

/**
 * @param {unknown} value
 * @param {string} name
 */
function flag(value, name) {
  if (value !== undefined && typeof value !== 'boolean') throw inputError(`${name} must be true or false`);
  return value === true;
}

exports.Tokens = Tokens;
