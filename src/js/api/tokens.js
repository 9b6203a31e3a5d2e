'use strict';
// auth.tokens: issue, verify and revoke; login and what follows it is in logins.js. Signatures and times are judged in the
// addon; arguments are checked here.

const { decodeClaims, tokenIdOf, userIdOf, claimsJson } = require('../credential/claims.js');
const { MAX_TOKEN } = require('../credential/credential.js');
const { BARE } = require('../native/records.js');
const { waitOf } = require('../options/lock-options.js');
const { barrier } = require('../turns/refresh-barrier.js');
const { YEAR, duration } = require('../util/duration.js');
const { configError, inputError } = require('../util/errors.js');
const { flag, id, instant, optionalId, scopes, token: tokenText } = require('../util/input.js');
const { known } = require('../util/names.js');
const { settleKeys } = require('./api-keys.js');
const logins = require('./logins.js');

/**
 * @typedef {import('../runtime/native-store.js').Engine} Engine
 * @typedef {import('../../../index.js').Claims} Claims
 */

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
    if (engine.keySource !== undefined) await engine.learnKey(token);
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
    if (engine.keySource !== undefined) await engine.learnKey(token);
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
    engine.assertOpen();
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
    if (typeof target === 'string' && engine.keySource !== undefined) await engine.learnKey(target);
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
   * @returns {Promise<{ sessionsEnded: number, fence?: number }>}
   */
  async revokeUser(userId, options = {}) {
    const engine = this.#engine;
    /** @type {number | undefined} */
    let waitMs;
    const outcome = await engine.whole(async () => {
      const own = known(options, ['barrier', 'wait', 'apiKeys'], '', inputError);
      waitMs = barrierWait(own);
      const keys = flag(own.apiKeys, 'apiKeys', false, inputError);
      const ended = await engine.goOn((gate) => gate.revokeUser(id(userId, 'userId'), keys));
      this.#report('user', { userId });
      if (keys) await settleKeys(engine, userId);
      return ended;
    });
    return revoked(engine, userId, outcome, waitMs);
  }

  /**
   * @param {string} userId
   * @param {object} [options]
   * @returns {Promise<{ sessionsEnded: number, fence?: number }>}
   */
  async blockUser(userId, options = {}) {
    const engine = this.#engine;
    /** @type {number | undefined} */
    let waitMs;
    const outcome = await engine.ask((gate) => {
      const own = known(options, ['until', 'barrier', 'wait'], '', inputError);
      waitMs = barrierWait(own);
      return gate.blockUser(
        id(userId, 'userId'),
        own.until === undefined ? NaN : instant(own.until, 'until'),
      );
    });
    this.#report('block', { userId });
    return revoked(engine, userId, outcome, waitMs);
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
   * @returns {Promise<boolean>}
   */
  async isBlocked(userId) {
    const outcome = await this.#engine.ask((gate) => gate.isBlocked(id(userId, 'userId')));
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

  /** @param {string | import('../../../index.js').RequestAuth} tokenOrAuth */
  async logout(tokenOrAuth) {
    return logins.logout(this.#engine, tokenOrAuth);
  }
}

/**
 * @param {string} token with a valid signature
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
 * @returns {number | undefined} milliseconds; undefined without a barrier
 */
function barrierWait({ barrier: asks, wait }) {
  const ms = waitOf(wait, inputError);
  return flag(asks, 'barrier', false, inputError) ? ms : undefined;
}

/**
 * @param {Engine} engine
 * @param {string} userId
 * @param {import('../binding.js').Outcome} outcome
 * @param {number | undefined} waitMs
 */
async function revoked(engine, userId, { count: sessionsEnded = 0 }, waitMs) {
  if (waitMs === undefined) return { sessionsEnded };
  return { sessionsEnded, fence: await barrier(engine, userId, waitMs) };
}

exports.Tokens = Tokens;
