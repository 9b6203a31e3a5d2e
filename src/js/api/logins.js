'use strict';
// tokens.login(), refresh() and logout(). The store decides in its own step; this file checks the arguments.

const { claimsJson } = require('../credential/claims.js');
const { MAX_TOKEN } = require('../credential/credential.js');
const { evictOldest } = require('../options/session-options.js');
const { decisionIn } = require('../request/request-auth.js');
const { configError, inputError } = require('../util/errors.js');
const { deviceJson, id, optionalId, scopes, token: tokenText } = require('../util/input.js');
const { known } = require('../util/names.js');
const { admission, admitLimit, report } = require('./sessions.js');

/**
 * @typedef {import('../runtime/native-store.js').Engine} Engine
 * @typedef {import('../binding.js').NativeGrant} NativeGrant
 * @typedef {import('../binding.js').NativeAdmission} NativeAdmission
 * @typedef {import('../../../index.js').RequestAuth} RequestAuth
 * @typedef {Awaited<ReturnType<import('../../../index.js').Tokens['login']>>} Login
 * @typedef {Awaited<ReturnType<import('../../../index.js').Tokens['refresh']>>} Refreshed
 */

const LOGIN_NAMES = ['requestId', 'claims', 'scope', 'sessionId', 'limit', 'onLimit', 'device'];
/** The form of a refresh token, which no access token has. */
const REFRESH_TOKEN = /^[0-9a-f]{4}\.[\w-]{22}\.[\w-]{43}$/;

/**
 * @param {Engine} engine
 * @param {string} userId
 * @param {object} options
 * @returns {Promise<Login>}
 */
async function login(engine, userId, options) {
  const outcome = await engine.ask((gate) => {
    const own = known(options, LOGIN_NAMES, '', inputError);
    const { sessions } = engine;
    return gate.login({
      userId: id(userId, 'userId'),
      requestId: optionalId(own.requestId, 'requestId'),
      sessionId: optionalId(own.sessionId, 'sessionId'),
      device: deviceJson(own.device),
      limit: admitLimit(own.limit, sessions),
      evictOldest: evictOldest(own.onLimit, 'onLimit', inputError) ?? sessions.evictOldest,
      idleMs: sessions.idleMs,
      absoluteMs: sessions.absoluteMs,
      said: said(own, engine, 'login()'),
      refreshTtlMs: engine.refresh.ttlMs,
    });
  });
  const told = admission(/** @type {NativeAdmission} */ (outcome.admission));
  if (!told.admitted) return { ok: false, ...told };
  report(told, engine);
  return { ...granted(/** @type {NativeGrant} */ (outcome.grant)), admission: told };
}

/**
 * @param {Engine} engine
 * @param {string} refreshToken
 * @param {object} options
 * @returns {Promise<Refreshed>}
 */
async function refresh(engine, refreshToken, options) {
  const { grant, refusal } = await engine.ask((gate) => {
    const own = known(options, ['claims', 'scope'], '', inputError);
    const config = said(own, engine, 'refresh()');
    return gate.refresh(short(tokenText(refreshToken, 'refreshToken')), config);
  });
  if (grant !== undefined) return granted(grant);
  const { reason, userId, sessionId } = /** @type {import('../binding.js').NativeRefusal} */ (refusal);
  if (reason === 'reused') {
    engine.metrics.revoked('session');
    engine.events.emit({ type: 'revoked', kind: 'session', reason, userId, sessionId });
  }
  return { ok: false, reason: /** @type {Extract<Refreshed, { ok: false }>['reason']} */ (reason) };
}

/**
 * @param {Engine} engine
 * @param {string | RequestAuth} tokenOrAuth
 * @returns {Promise<boolean>}
 */
async function logout(engine, tokenOrAuth) {
  engine.assertOpen();
  const token = short(typeof tokenOrAuth === 'string' ? tokenOrAuth : tokenOf(tokenOrAuth, engine));
  engine.assertKey();
  if (engine.keySource !== undefined && !REFRESH_TOKEN.test(token)) await engine.learnKey(token);
  const { flag } = await engine.ask((gate) => gate.logout(token));
  return flag === true;
}

/**
 * The claims of access tokens. A scope among the claims of a login would conflict with the scope of a refresh.
 * @param {Record<string, any>} own
 * @param {Engine} engine
 * @param {string} method
 * @returns {import('../binding.js').TokenConfig}
 */
function said(own, engine, method) {
  if (!engine.canSign) throw configError('no key to sign tokens with: set jwt.secret or jwt.privateKey');
  const claims = claimsJson(own, engine, method);
  if (claims !== undefined && Object.hasOwn(own.claims, 'scope')) {
    throw inputError('claims.scope is set by the scope option: leave it out');
  }
  return {
    claims,
    scope: own.scope === undefined ? undefined : scopes(own.scope, 'scope', inputError).join(' '),
    ttlMs: engine.accessTtlMs,
    graceMs: engine.refresh.graceMs,
  };
}

/**
 * The token behind a request.
 * @param {unknown} auth
 * @param {Engine} engine
 * @returns {string}
 */
function tokenOf(auth, engine) {
  const decision = decisionIn(auth);
  if (decision?.engine !== engine) {
    throw inputError('logout() takes a token, or what a middleware or authenticate() of this Auth has made');
  }
  if (/** @type {RequestAuth} */ (auth).sessionId === undefined) {
    throw inputError('logout() of a request with an API key alone: there is no session to end');
  }
  return decision.token;
}

/**
 * A text that is too long is refused here, without a copy for the addon.
 * @param {string} token
 */
function short(token) {
  return token.length > MAX_TOKEN ? '' : token;
}

/** @param {NativeGrant} grant */
function granted({ accessToken, refreshToken, expiresAt, refreshExpiresAt }) {
  return { ok: /** @type {const} */ (true), accessToken, refreshToken, expiresAt, refreshExpiresAt };
}

module.exports = { login, logout, refresh };
