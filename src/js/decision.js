'use strict';
// One credential put before the gate under one policy, and what came out. It outlives the call as the state behind req.auth.

const { decodeClaims } = require('./claims.js');
const { inputError } = require('./errors.js');
const { isLimit } = require('./input.js');
const { NO_ID } = require('./policy.js');

/** Flags of a question. */
const BARE = 1;
const AGAIN = 2;

/** Where a verdict record keeps what, and the flags in it. */
const FLAGS = 2;
const ACTIVE = 3;
const LIMIT = 4;
const CREATED = 5;
const LAST_ACTIVE = 6;
const PREVIOUS_ACTIVE = 7;
const SESSION_CHECKED = 1;
const SESSION_IS_TOKEN = 4;

const ALLOWED = 0;

/** @typedef {{ active: number, limit?: number, createdAt: number, lastActiveAt: number, previousActiveAt: number }} SessionView */

class Decision {
  /**
   * @param {import('./engine.js').Engine} engine
   * @param {import('./policy.js').Compiled} policy
   * @param {boolean} bare the credential is a token, not a header
   */
  constructor(engine, policy, bare) {
    this.engine = engine;
    this.policy = policy;
    this.bare = bare;
    this.credential = '';
    this.limit = NaN;
    /** @type {Decision | undefined} */
    this.prior = undefined;
    /** @type {SessionView | undefined} */
    this.session = undefined;
    /** @type {import('../../index.js').Claims | undefined} */
    this.decoded = undefined;
  }

  get token() {
    return this.bare ? this.credential : this.credential.slice(this.credential.lastIndexOf(' ') + 1);
  }

  get claims() {
    this.decoded ??= decodeClaims(this.token);
    return this.decoded;
  }

  /**
   * @param {string} credential
   * @param {unknown} subject what a limit function is given beside the claims
   * @param {Decision | undefined} prior this Auth's decision on the same request: the same credential is not charged twice
   * @returns {number} reason code, or a negative ticket
   */
  ask(credential, subject, prior) {
    const { engine, policy } = this;
    this.credential = credential;
    if (prior !== undefined && prior.token === this.token) this.prior = prior;
    const flags = (this.bare ? BARE : 0) | (this.prior === undefined ? 0 : AGAIN);
    if (engine.limitFunction !== undefined) {
      const code = engine.gate.verify(credential, flags);
      if (code !== ALLOWED) return code;
      this.limit =
        this.prior === undefined ? this.#askLimit(engine.limitFunction, subject) : this.prior.limit;
    }
    if (policy.id === NO_ID)
      return engine.gate.decideScopes([...policy.scopes], credential, flags, this.limit);
    return engine.decide(engine.gateNumber, policy.id, credential, flags, this.limit);
  }

  /**
   * @param {import('./session-options.js').LimitFunction} limitFunction
   * @param {unknown} subject
   * @returns {number}
   */
  #askLimit(limitFunction, subject) {
    const limit = limitFunction(this.claims, subject);
    if (!isLimit(limit))
      throw inputError('sessions.limit must return an integer from 0 to 4294967295, and no promise');
    return /** @type {number} */ (limit);
  }

  /**
   * Copies what an allowing verdict says: the record belongs to the addon, and changes with the next question.
   * @param {Float64Array} record
   * @param {number} at
   */
  keep(record, at) {
    const flags = record[at + FLAGS];
    if (flags & SESSION_CHECKED) this.session = sessionView(record, at, this.prior?.session);
    if (flags & SESSION_IS_TOKEN) this.engine.noteSessionIsToken();
    this.prior = undefined;
  }
}

/**
 * @param {Float64Array} record
 * @param {number} at
 * @param {SessionView | undefined} prior
 * @returns {SessionView}
 */
function sessionView(record, at, prior) {
  const limit = record[at + LIMIT];
  /** @type {SessionView} */
  const view = {
    active: record[at + ACTIVE],
    limit,
    createdAt: record[at + CREATED],
    lastActiveAt: record[at + LAST_ACTIVE],
    previousActiveAt: prior === undefined ? record[at + PREVIOUS_ACTIVE] : prior.previousActiveAt,
  };
  if (Number.isNaN(limit)) delete view.limit;
  return view;
}

exports.ALLOWED = ALLOWED;
exports.Decision = Decision;
