'use strict';
// What one Auth is made of inside: its gate, its answers, its place on the request. It holds no key and no secret.

const { Bridge } = require('./bridge.js');
const { compileAnswers } = require('./denial.js');
const { closedError, configError, fromNative } = require('./errors.js');
const { native } = require('./native.js');
const { authOptions } = require('./options.js');
const { MODE } = require('./session-options.js');
const { embeddedWarnings, warnSessionIsToken } = require('./warnings.js');

/** @typedef {import('./binding.js').Outcome} Outcome */

const SWEEP_EVERY_MS = 1000;

class Engine {
  /**
   * @param {unknown} options AuthOptions
   * @param {'explicit' | 'first-use'} admission of sessions where none is named
   */
  constructor(options, admission) {
    const settings = authOptions(options, admission);
    const { jwt, sessions } = settings;
    const binding = native();
    const reasons = binding.reasons();
    this.symbol = Symbol('latchgate');
    this.closed = false;
    this.answers = compileAnswers(reasons, settings.realm);
    this.codes = wellKnown(reasons.map(({ reason }) => reason));
    this.userIdClaim = jwt.userIdClaim;
    this.sessionIdClaim = jwt.sessionIdClaim;
    this.issuers = jwt.issuers;
    this.maxAgeMs = jwt.maxAgeMs;
    this.accessTtlMs = jwt.accessTtlMs;
    this.hasKey = jwt.keys.length > 0;
    this.canSign = jwt.signing !== undefined;
    this.sessions = { ...sessions };
    /** Only admission by first use asks for a limit on the way of a request. */
    this.limitFunction = sessions.sessionMode === MODE.firstUse ? sessions.limitFunction : undefined;
    this.storeKind = settings.store.slice(0, settings.store.indexOf(':'));
    this.bridge = new Bridge(gateConfig(settings));
    this.gate = this.bridge.gate;
    /** The way to a decision: a function and a number, which is quicker than a method of the gate. */
    this.decide = binding.decide;
    this.gateNumber = this.gate.number;
    this.verdict = this.bridge.verdict;
    this.warnings = embeddedWarnings();
    this.sessionIsTokenNoted = false;
    this.sweeper = startSweeper(this);
  }

  /** @param {string[]} scopes */
  registerScopes(scopes) {
    try {
      return scopes.length === 0 ? 0 : this.gate.policy(scopes);
    } catch (error) {
      throw fromNative(error);
    }
  }

  assertKey() {
    if (!this.hasKey) {
      throw configError(
        'no key to verify tokens with: set jwt.secret, jwt.publicKey or jwt.jwks, or the environment variable ' +
          'LATCHGATE_JWT_SECRET or LATCHGATE_JWT_PUBLIC_KEY',
      );
    }
  }

  assertOpen() {
    if (this.closed) throw closedError();
  }

  /**
   * A call to the gate that may complete later. Checks of arguments belong into the question: so they reject, and do not throw.
   * @param {(gate: import('./binding.js').Gate) => Outcome | number} question
   * @returns {Promise<Outcome>}
   */
  async ask(question) {
    this.assertOpen();
    let answer;
    try {
      answer = question(this.gate);
    } catch (error) {
      throw fromNative(error);
    }
    return typeof answer === 'number' ? this.bridge.outcome(-answer) : answer;
  }

  noteSessionIsToken() {
    if (this.sessionIsTokenNoted) return;
    this.sessionIsTokenNoted = true;
    this.warnings.push(warnSessionIsToken());
  }

  async close() {
    this.closed = true;
    clearInterval(this.sweeper);
    await this.bridge.idle();
    this.gate.close();
  }
}

/**
 * @param {string[]} order of the reason codes
 */
function wellKnown(order) {
  return {
    noCredentials: order.indexOf('credentials_required'),
    unreadable: order.indexOf('header_unreadable'),
    scopeMissing: order.indexOf('scope_missing'),
    claimsMismatch: order.indexOf('claims_mismatch'),
  };
}

/**
 * @param {import('./options.js').Settings} settings
 * @returns {import('./binding.js').GateConfig}
 */
function gateConfig({ store, jwt, sessions }) {
  const { limitFunction, ...limits } = sessions;
  return { store, ...jwt, ...limits };
}

/**
 * Holds the engine weakly: an Auth that was dropped without close() ends its own timer.
 * @param {Engine} engine
 */
function startSweeper(engine) {
  const weak = new WeakRef(engine);
  const timer = setInterval(() => {
    const alive = weak.deref();
    if (alive === undefined) clearInterval(timer);
    else sweep(alive, timer);
  }, SWEEP_EVERY_MS);
  return timer.unref();
}

/**
 * A sweep that fails must not end the process: what has expired is refused all the same, it is only not cleared away.
 * @param {Engine} engine
 * @param {NodeJS.Timeout} timer
 */
function sweep(engine, timer) {
  try {
    engine.gate.sweep();
  } catch (error) {
    clearInterval(timer);
    process.emitWarning(`the embedded store is no longer swept: ${error}`, { type: 'LatchgateWarning' });
  }
}

exports.Engine = Engine;
