'use strict';
// auth.sessions: admission and everything after it, by user and session id. The limit is kept in the store's own step.

const { setImmediate } = require('node:timers/promises');
const { evictOldest, limitNumber, timeout } = require('../options/session-options.js');
const { inputError } = require('../util/errors.js');
const { deviceJson, id, optionalId } = require('../util/input.js');
const { bare, known } = require('../util/names.js');

/**
 * @typedef {import('../runtime/native-store.js').Engine} Engine
 * @typedef {import('../binding.js').NativeSession} NativeSession
 * @typedef {import('../../../index.js').Session} Session
 * @typedef {import('../../../index.js').Admission} Admission
 */

const ADMIT_NAMES = ['sessionId', 'device', 'limit', 'onLimit', 'idleTimeout', 'absoluteTimeout'];

class Sessions {
  #engine;

  /** @param {Engine} engine */
  constructor(engine) {
    this.#engine = engine;
  }

  /**
   * @param {string} userId
   * @param {object} [options]
   * @returns {Promise<Admission>}
   */
  async admit(userId, options = {}) {
    const { sessions } = this.#engine;
    const outcome = await this.#engine.ask((gate) => {
      const own = known(options, ADMIT_NAMES, '', inputError);
      return gate.admit(
        id(userId, 'userId'),
        optionalId(own.sessionId, 'sessionId'),
        deviceJson(own.device),
        admitLimit(own.limit, sessions),
        evictOldest(own.onLimit, 'onLimit', inputError) ?? sessions.evictOldest,
        timeout(own.idleTimeout, 'idleTimeout', inputError) ?? sessions.idleMs,
        timeout(own.absoluteTimeout, 'absoluteTimeout', inputError) ?? sessions.absoluteMs,
      );
    });
    const native = /** @type {import('../binding.js').NativeAdmission} */ (outcome.admission);
    const answer = admission(native);
    report(answer, this.#engine);
    return answer;
  }

  /**
   * @param {string} userId
   * @param {string} sessionId
   * @returns {Promise<Session | null>}
   */
  async touch(userId, sessionId) {
    const outcome = await this.#engine.ask((gate) =>
      gate.touch(id(userId, 'userId'), id(sessionId, 'sessionId')),
    );
    return outcome.session ? session(outcome.session) : null;
  }

  /**
   * @param {string} userId
   * @param {string} sessionId
   * @returns {Promise<boolean>}
   */
  async end(userId, sessionId) {
    const outcome = await this.#engine.ask((gate) =>
      gate.end(id(userId, 'userId'), id(sessionId, 'sessionId')),
    );
    return outcome.flag === true;
  }

  /**
   * @param {string} userId
   * @param {object} [options]
   * @returns {Promise<number>}
   */
  async endAll(userId, options = {}) {
    const outcome = await this.#engine.ask((gate) => {
      const { except } = known(options, ['except'], '', inputError);
      return gate.endAll(id(userId, 'userId'), optionalId(except, 'except'));
    });
    return outcome.count ?? 0;
  }

  /**
   * @param {string} userId
   * @returns {Promise<Session[]>}
   */
  async list(userId) {
    const engine = this.#engine;
    return engine.whole(async () => {
      /** @type {Map<string, Session>} */
      const all = new Map();
      /** @type {import('../binding.js').NativeCursor | undefined} */
      let from;
      let pages = 0;
      do {
        pages++;
        const outcome = await engine.goOn((gate) => gate.list(id(userId, 'userId'), from));
        for (const native of outcome.sessions ?? []) all.set(native.sessionId, session(native));
        from = outcome.next;
        // The embedded store answers immediately. Other callers must get a turn of the event loop between two pages.
        if (from !== undefined) await setImmediate();
      } while (from !== undefined);
      const listed = [...all.values()];
      // A page is in order. Sessions that were touched between two pages are not.
      return pages === 1 ? listed : listed.sort((a, b) => b.lastActiveAt - a.lastActiveAt);
    });
  }
}

/**
 * @param {unknown} given
 * @param {Engine['sessions']} defaults
 */
function admitLimit(given, defaults) {
  if (given === undefined && defaults.limitFunction !== undefined) {
    throw inputError('limit is required where sessions.limit is a function');
  }
  return given === undefined ? defaults.limit : limitNumber(given, 'limit', inputError);
}

/**
 * @param {NativeSession} native
 * @returns {Session}
 */
function session(native) {
  const { sessionId, userId, createdAt, lastActiveAt, expiresAt, device } = bare(native);
  const plain = { sessionId, userId, createdAt, lastActiveAt, expiresAt };
  return typeof device === 'string' ? { ...plain, device: JSON.parse(device) } : plain;
}

/**
 * @param {import('../binding.js').NativeAdmission} native
 * @returns {Admission}
 */
function admission({ admitted, reason, active, limit, retryAfterMs, existing, session: native, evicted }) {
  if (admitted && native) {
    return {
      admitted,
      session: session(native),
      active,
      limit: limit ?? null,
      evicted: evicted.map(session),
      existing,
    };
  }
  const refusal = /** @type {Extract<Admission, { admitted: false }>['reason']} */ (reason);
  return {
    admitted: false,
    reason: refusal,
    active,
    limit: limit ?? null,
    retryAfterMs: retryAfterMs ?? null,
  };
}

/**
 * Counts a new session, and emits its event.
 * @param {Admission} admission
 * @param {Engine} engine
 */
function report(admission, { events, metrics }) {
  if (!admission.admitted || admission.existing) return;
  const { session, active, limit, evicted } = admission;
  const { userId, sessionId } = session;
  metrics.sessionAdmitted(evicted.length);
  for (const { sessionId } of evicted) events.emit({ type: 'evicted', userId, sessionId });
  events.emit({ type: 'admitted', userId, sessionId, active, limit: limit ?? undefined });
}

module.exports = { Sessions, admission, admitLimit, report };
