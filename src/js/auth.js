'use strict';
// The Auth that createAuth() returns: middlewares, guards, authenticate(), and the groups of direct calls.

const { ApiKeys } = require('./api/api-keys.js');
const { once, onceRelease } = require('./api/claims-once.js');
const { Counters } = require('./api/counters.js');
const { Quotas } = require('./api/quotas.js');
const { Sessions } = require('./api/sessions.js');
const { Tokens } = require('./api/tokens.js');
const { NONE } = require('./credential/credential.js');
const { denialOf } = require('./http/denial.js');
const { ALLOWED, RECORD } = require('./native/records.js');
const { AUTH_NAMES, ELSEWHERE, assertKey, authOptions } = require('./options/options.js');
const {
  NO_ID,
  POLICY_ELSEWHERE,
  POLICY_NAMES,
  checkPolicy,
  compilePolicy,
  registered,
} = require('./policy/policy.js');
const { RequestDecision } = require('./request/decision.js');
const { createMiddleware } = require('./request/express.js');
const { requireClaims, requireScope } = require('./request/guards.js');
const { byKey, keyAnswered } = require('./request/key.js');
const { mayDegrade } = require('./request/outage-policy.js');
const { RequestAuth } = require('./request/request-auth.js');
const { serialize } = require('./request/serialize.js');
const { reportAllowed, reportDenied, reportStanding } = require('./request/shadow-report.js');
const { byToken } = require('./request/token.js');
const { Engine } = require('./runtime/native-store.js');
const { prometheusText } = require('./telemetry/prometheus.js');
const { Locks } = require('./turns/locks.js');
const { bound } = require('./util/bound.js');
const { LatchgateError, configError, inputError, isStoreFault, storeError } = require('./util/errors.js');
const { token: tokenText } = require('./util/input.js');
const { known } = require('./util/names.js');

/** @typedef {import('./policy/policy.js').Compiled} Compiled */

const NO_POLICY = Object.freeze({});
const CREDENTIALS = ['token', 'apiKey', 'context'];
/** The values come from headers, and from parsers that return null: null and undefined mean that there is none. */
const FROM_HEADERS = { nullable: CREDENTIALS, absent: CREDENTIALS };
/** Calls of authenticate() with one policy after which the policy is registered with the addon, and has a number. */
const OFTEN = 64;
/** Of one Auth: the addon keeps them for as long as it is open. */
const MOST_REGISTERED = 256;

class Auth {
  /** @type {Engine} */
  #engine;
  /** @type {WeakMap<object, Compiled>} */
  #policies = new WeakMap();
  #registered = 0;
  /** @type {Promise<void> | undefined} */
  #closing;

  /** @param {import('./options/options.js').Settings} settings */
  constructor(settings) {
    this.#engine = new Engine(settings);
    this.sessions = bound(new Sessions(this.#engine));
    this.tokens = bound(new Tokens(this.#engine));
    this.apiKeys = bound(new ApiKeys(this.#engine));
    this.quotas = bound(new Quotas(this.#engine));
    this.locks = bound(new Locks(this.#engine));
    this.counters = bound(new Counters(this.#engine));
    bound(this);
  }

  /** @param {object} [policy] */
  middleware(policy = NO_POLICY) {
    assertCalled(policy, 'middleware');
    this.#engine.assertOpen();
    const compiled = compilePolicy(policy, this.#engine, true);
    if (compiled.bearer) this.#engine.assertKey();
    return createMiddleware(this.#engine, compiled);
  }

  /** @param {string[]} names */
  requireScope(...names) {
    return requireScope(this.#engine, names);
  }

  /** @param {Record<string, unknown>} match */
  requireClaims(match) {
    return requireClaims(this.#engine, match);
  }

  /** @param {object} [options] LockOptions */
  serialize(options = {}) {
    assertCalled(options, 'serialize');
    this.#engine.assertOpen();
    return serialize(this.#engine, options);
  }

  /**
   * @param {object} credentials
   * @param {object} [policy]
   */
  async authenticate(credentials, policy = NO_POLICY) {
    const engine = this.#engine;
    engine.assertOpen();
    const own = known(credentials, CREDENTIALS, 'credentials', inputError, FROM_HEADERS);
    const given = tokenText(own.token ?? NONE, 'credentials.token');
    const key = own.apiKey == null ? undefined : tokenText(own.apiKey, 'credentials.apiKey');
    const compiled = this.#compiled(policy);
    if (compiled.bearer) engine.assertKey();
    const token = compiled.bearer ? given : NONE;
    const isKey = key !== undefined && compiled.keys;
    if (token === NONE && !isKey)
      return denied(engine, compiled.answers[engine.codes.noCredentials], engine.codes.noCredentials);
    if (token !== NONE && engine.keySource !== undefined) await engine.tryKey(token);
    const decision = new RequestDecision(engine, compiled, isKey ? byKey : byToken, true);
    const code = askedOf(engine, () => decision.ask(token, isKey ? key : undefined, own.context, undefined));
    // The record belongs to the addon, and changes with the next answer: it is read before any other call.
    if (code >= 0) return answered(decision, code, engine.verdict);
    const late = await this.#late(decision, -code);
    return answered(decision, late.code, late.record);
  }

  /**
   * Waits for the answer of the store. Copies the record before the next answer changes it.
   * @param {RequestDecision} decision
   * @param {number} ticket
   * @returns {Promise<{ code: number, record: Float64Array }>}
   */
  async #late(decision, ticket) {
    const { bridge, verdict } = this.#engine;
    const isKey = decision.strategy === byKey;
    try {
      return await new Promise((resolve, reject) => {
        bridge.wait(ticket, {
          complete(code, record, at) {
            if (isKey) reject(new TypeError('a use of a key completed without an outcome'));
            else resolve({ code: decision.settled(code), record: record.slice(at, at + RECORD) });
          },
          outcome(outcome) {
            if (!isKey) reject(new TypeError('a decision completed without a verdict'));
            else resolve({ code: keyAnswered(decision, outcome), record: verdict.slice(0, RECORD) });
          },
          fail: reject,
        });
      });
    } catch (error) {
      if (isStoreFault(error)) return { code: decision.withoutStore(), record: verdict };
      throw error;
    }
  }

  /**
   * A call of authenticate() may bring a new policy. Only policies that are used often are registered with the addon.
   * @param {object} policy
   * @returns {Compiled}
   */
  #compiled(policy) {
    const ready = this.#policies.get(policy);
    if (ready === undefined) {
      const compiled = compilePolicy(policy, this.#engine, false);
      this.#policies.set(policy, compiled);
      return compiled;
    }
    if (ready.id !== NO_ID || ++ready.uses < OFTEN || this.#registered === MOST_REGISTERED) return ready;
    this.#registered++;
    const compiled = registered(ready, this.#engine);
    this.#policies.set(policy, compiled);
    return compiled;
  }

  /**
   * @param {string} key
   * @param {object} [options]
   */
  async once(key, options = {}) {
    return once(this.#engine, key, options);
  }

  /**
   * @param {string} key
   * @param {string} by
   */
  async onceRelease(key, by) {
    return onceRelease(this.#engine, key, by);
  }

  async ready() {
    const { keySource } = this.#engine;
    await Promise.all([this.#ping(), keySource?.ready()]);
    const doubts = this.#engine.doubts();
    if (doubts.length > 0) throw configError(`store.strict: ${doubts.join('; ')}`);
  }

  async #ping() {
    const { flag, replicas } = await this.#engine.ask((gate) => gate.ping());
    if (flag !== true) throw storeError('ERR_LATCHGATE_STORE_UNAVAILABLE', 'the store does not answer');
    return { replicas };
  }

  async health() {
    const engine = this.#engine;
    engine.assertOpen();
    const start = performance.now();
    /** @type {string[]} */
    const trouble = [];
    const answer = await this.#ping().catch((error) => void trouble.push(error.message));
    const latencyMs = performance.now() - start;
    engine.assertOpen();
    const state = {
      ok: answer !== undefined && engine.doubts().length === 0 && engine.keySource?.usable !== 0,
      store: engine.store.kind,
      ...engine.topology(),
      degraded: answer === undefined && mayDegrade(engine),
      warnings: [...trouble, ...engine.warnings, ...engine.storeWarnings(), ...engine.keyWarnings()],
    };
    if (answer === undefined) return state;
    return { ...state, latencyMs, ...(answer.replicas && { replicas: answer.replicas }) };
  }

  /** @returns {string} */
  metrics() {
    return prometheusText(this.#engine.metrics.families());
  }

  /**
   * @param {string} event
   * @param {(event: object) => void} listener
   */
  on(event, listener) {
    this.#engine.assertOpen();
    this.#engine.events.on(event, listener);
    return this;
  }

  /**
   * @param {string} event
   * @param {(event: object) => void} listener
   */
  off(event, listener) {
    this.#engine.events.off(event, listener);
    return this;
  }

  close() {
    this.#closing ??= this.#engine.close();
    return this.#closing;
  }
}

/**
 * Without the call, Express calls the factory itself, with a request.
 * @param {object} given
 * @param {string} name
 */
function assertCalled(given, name) {
  if (isRequest(given))
    throw configError(`auth.${name} was given a request: write app.use(auth.${name}()), with the call`);
}

/** @param {unknown} given */
function isRequest(given) {
  try {
    return typeof given === 'object' && given !== null && 'headers' in given && 'socket' in given;
  } catch {
    // A proxy that refuses: what reads it next says so.
    return false;
  }
}

/**
 * @param {Engine} engine
 * @param {() => number} question in which functions of the options and the policy are called
 */
function askedOf(engine, question) {
  try {
    return engine.call(question);
  } catch (cause) {
    if (cause instanceof LatchgateError) throw cause;
    throw inputError('a function of the options or the policy has thrown', cause);
  }
}

/**
 * @param {RequestDecision} decision
 * @param {number} code
 * @param {Float64Array} record
 */
function answered(decision, code, record) {
  const { engine } = decision;
  if (code === ALLOWED) {
    decision.keep(record, 0);
    reportAllowed(decision, record, 0);
    return { ok: /** @type {const} */ (true), auth: new RequestAuth(decision) };
  }
  const answer = decision.refusal(code, record, 0);
  reportStanding(decision, code, record, 0);
  const refused = denied(engine, answer, code, decision);
  if (!engine.observe || !decision.isVerified(answer.reason)) return refused;
  decision.observed = denialOf(answer);
  return { ok: /** @type {const} */ (true), auth: new RequestAuth(decision) };
}

/**
 * @param {Engine} engine
 * @param {import('./http/denial.js').Answer} answer
 * @param {number} code
 * @param {RequestDecision} [decision]
 */
function denied(engine, answer, code, decision) {
  reportDenied(engine, answer, code, decision);
  return { ok: /** @type {const} */ (false), ...denialOf(answer) };
}

/** @param {unknown} [options] AuthOptions */
function createAuth(options = {}) {
  return new Auth(authOptions(options, 'explicit'));
}

/** @param {unknown} [options] AuthOptions and Policy in one */
function authMiddleware(options = {}) {
  const elsewhere = new Map([...ELSEWHERE, ...POLICY_ELSEWHERE]);
  const own = known(options, [...AUTH_NAMES, ...POLICY_NAMES], '', configError, { elsewhere });
  const settings = authOptions(pick(own, AUTH_NAMES), 'first-use');
  const policy = pick(own, POLICY_NAMES);
  // Checks the policy before the Auth opens its store: a wrong option leaves nothing open.
  if (checkPolicy(policy, settings.kinds, true).bearer) assertKey(settings.hasKey);
  const auth = new Auth(settings);
  return Object.assign(auth.middleware(policy), { auth });
}

/**
 * @param {Record<string, unknown>} options
 * @param {readonly string[]} names
 */
function pick(options, names) {
  return Object.fromEntries(Object.entries(options).filter(([name]) => names.includes(name)));
}

exports.Auth = Auth;
exports.authMiddleware = authMiddleware;
exports.createAuth = createAuth;
