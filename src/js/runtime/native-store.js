'use strict';
// The parts of one Auth: its gate, its answers, its symbols on the request. It holds no key and no secret.

const { compileAnswers } = require('../http/denial.js');
const { KeySource } = require('../keys/key-source.js');
const { Bridge } = require('../native/bridge.js');
const { native } = require('../native/native.js');
const { BARE } = require('../native/records.js');
const { assertKey } = require('../options/options.js');
const { MODE } = require('../options/session-options.js');
const { measure } = require('../telemetry/measures.js');
const { Metrics } = require('../telemetry/metrics.js');
const { whenTelemetry } = require('../telemetry/telemetry.js');
const { Turns } = require('../turns/turns.js');
const { closedError, fromNative, storeError, revokedError } = require('../util/errors.js');
const {
  DAMAGED,
  embeddedWarnings,
  observeWarnings,
  storeWarnings,
  warnSessionIsToken,
} = require('../util/warnings.js');
const { Events } = require('./events.js');
const { Watches } = require('./watches.js');

/** @typedef {import('../binding.js').Outcome} Outcome */

const SWEEP_EVERY_MS = 1000;

class Engine {
  #isListening = false;
  /** Calls of several steps that have begun. @type {Set<Promise<unknown>>} */
  #begun = new Set();

  /** @param {import('../options/options.js').Settings} settings */
  constructor(settings) {
    const { jwt, sessions, store } = settings;
    const binding = native();
    const reasons = binding.reasons();
    this.symbol = Symbol('latchgate');
    /** Nothing is denied. */
    this.observe = settings.observe;
    /** Marks requests that would have been. */
    this.denied = Symbol('latchgate.denied');
    /** For the 'close' of a response. */
    this.over = letGo(this.symbol);
    this.closed = false;
    this.keys = settings.keys;
    this.realm = settings.realm;
    this.hasKey = settings.hasKey;
    this.kinds = settings.kinds;
    this.answers = compileAnswers(reasons, settings.realm, this.kinds);
    this.codes = wellKnown(reasons.map(({ reason }) => reason));
    this.userIdClaim = jwt.userIdClaim;
    this.sessionIdClaim = jwt.sessionIdClaim;
    this.issuers = jwt.issuers;
    this.maxAgeMs = jwt.maxAgeMs;
    this.accessTtlMs = jwt.accessTtlMs;
    this.canSign = jwt.signing !== undefined;
    this.sessions = { ...sessions };
    this.refresh = settings.refresh;
    /** Only admission by first use asks for a limit on the way of a request. */
    this.limitFunction = sessions.sessionMode === MODE.firstUse ? sessions.limitFunction : undefined;
    /** The rules of this Auth's quotas by name. @type {Map<string, import('../policy/policy-quota.js').PolicyQuota>} */
    this.quotas = new Map();
    this.lenience = settings.lenience;
    this.store = { kind: store.kind, networked: store.networked, strict: store.strict };
    this.events = new Events(this.observe, () => this.metrics.warned('LATCHGATE_LISTENER'));
    this.metrics = new Metrics(
      reasons.map(({ reason }) => reason),
      this.observe ? 'observed' : 'denied',
    );
    this.turns = new Turns(this);
    this.watches = new Watches(this);
    this.bridge = new Bridge(gateConfig(settings), this.metrics, (event) => this.#tell(event));
    this.gate = this.bridge.gate;
    /** The way to a decision: a function and a number, which is quicker than a method of the gate. */
    this.decide = binding.decide;
    this.decideWith = binding.decideWith;
    this.gateNumber = this.gate.number;
    this.verdict = this.bridge.verdict;
    /** The source of fetched keys. */
    this.keySource =
      jwt.keysUri === undefined ? undefined : new KeySource(jwt.keysUri, this.gate, this.codes);
    this.warnings = [
      ...(store.networked ? [] : embeddedWarnings()),
      ...(this.observe ? observeWarnings() : []),
    ];
    this.sessionIsTokenNoted = false;
    this.sweeper = store.networked ? undefined : startSweeper(this);
    measure(this);
    /** @type {import('../telemetry/telemetry.js').Telemetry | undefined} */
    this.telemetry = undefined;
    whenTelemetry((found) => this.#watchedBy(found));
  }

  /**
   * @param {string[]} scopes
   * @param {import('../binding.js').QuotaConfig | undefined} quota
   */
  registerPolicy(scopes, quota) {
    return scopes.length === 0 && quota === undefined ? 0 : this.call((gate) => gate.policy(scopes, quota));
  }

  assertKey() {
    assertKey(this.hasKey);
  }

  assertOpen() {
    if (this.closed) throw closedError();
  }

  /**
   * Calls the gate; the call may complete later. Checks of arguments belong in `question`, so that they reject and do not throw.
   * @param {(gate: import('../binding.js').Gate) => Outcome | number} question
   * @returns {Promise<Outcome>}
   */
  async ask(question) {
    this.assertOpen();
    return this.goOn(question);
  }

  /**
   * A further step of a call that is a `whole`: it is taken after close() too.
   * @param {(gate: import('../binding.js').Gate) => Outcome | number} question
   * @returns {Promise<Outcome>}
   */
  async goOn(question) {
    const answer = this.call(question);
    return typeof answer === 'number' ? this.bridge.outcome(-answer) : answer;
  }

  /**
   * A call of several steps. One that has begun is not left half done: close() waits for its last step.
   * @template T
   * @param {() => Promise<T>} steps
   * @returns {Promise<T>}
   */
  async whole(steps) {
    this.assertOpen();
    const done = steps();
    this.#begun.add(done);
    try {
      return await done;
    } finally {
      this.#begun.delete(done);
    }
  }

  /**
   * A call to the gate that is done when it returns.
   * @template T
   * @param {(gate: import('../binding.js').Gate) => T} question
   * @returns {T}
   */
  call(question) {
    try {
      return question(this.gate);
    } catch (error) {
      throw fromNative(error);
    }
  }

  /** Subscribes to turns and revocations of the store, from the first waiter or watch on. */
  listen() {
    if (this.#isListening) return;
    this.#isListening = true;
    this.call((gate) => gate.listen());
  }

  /** @param {import('../binding.js').NativeEvent} event */
  #tell(event) {
    const { type, ticket, userId } = event;
    if (type === 'turn') {
      this.turns.wake(/** @type {number} */ (ticket));
    } else if (type === 'revoked') {
      this.watches.ask(/** @type {string} */ (userId));
    } else if (type === 'damaged') {
      this.storeWarnings();
    } else if (type === 'listening') {
      this.turns.wakeAll();
      this.watches.askAll();
    } else {
      if (type === 'store-error') this.metrics.storeLost();
      else if (type === 'store-recovered') this.metrics.storeRecovered();
      this.events.emit({ ...event });
    }
  }

  /**
   * @param {string} userId
   * @param {import('../turns/turns.js').Credential} credential
   * @returns {Promise<boolean>} whether the credential of a request is valid in the store now
   */
  async standing(userId, { token, key }) {
    const { count } = await this.ask((gate) => gate.standing(userId, token, key));
    return count === 0;
  }

  /**
   * @param {string} userId
   * @param {import('../turns/turns.js').Credential} credential
   */
  async assertStanding(userId, credential) {
    if (!(await this.standing(userId, credential))) throw revokedError();
  }

  /**
   * Waits for the key that a token names, where keys are fetched and it is not among them.
   * @param {string} token
   * @returns {Promise<number>} what is said of the token then
   */
  async tryKey(token) {
    const { keySource } = this;
    const ask = () => this.call((gate) => gate.verify(token, BARE));
    const code = ask();
    if (!keySource?.mayTeach(code)) return code;
    await keySource.learn();
    this.assertOpen();
    return ask();
  }

  /**
   * The same for calls that decide nothing: rejects if the key cannot be fetched.
   * @param {string} token
   */
  async learnKey(token) {
    if ((await this.tryKey(token)) === this.codes.keysUnavailable)
      throw storeError(
        'ERR_LATCHGATE_STORE_UNAVAILABLE',
        'jwt.jwksUri does not answer: the key may be in its key set',
      );
  }

  /** @returns {string[]} what the checks of the server have found, and what was met there */
  storeWarnings() {
    const { warnings, damaged } = this.call((gate) => gate.health());
    return storeWarnings(damaged ? [...warnings, DAMAGED] : warnings);
  }

  /** @returns {string[]} what is wrong with the keys that are fetched */
  keyWarnings() {
    return this.keySource?.warnings() ?? [];
  }

  /** The topology of the store. The primary is unknown before the first connection. */
  topology() {
    const { topology, primaries, unreachable } = this.call((gate) => gate.health());
    if (primaries.length === 0) return { topology };
    return topology === 'cluster'
      ? { topology, primary: primaries, unreachable }
      : { topology, primary: primaries[0] };
  }

  /** @returns {string[]} why the store is not what store.strict asks for */
  doubts() {
    const { networked, strict } = this.store;
    if (!strict) return [];
    if (!networked) return ['the embedded store keeps nothing on disk'];
    // One value that is damaged is no reason to serve nobody.
    return storeWarnings(this.call((gate) => gate.health().warnings));
  }

  noteSessionIsToken() {
    if (this.sessionIsTokenNoted) return;
    this.sessionIsTokenNoted = true;
    this.warnings.push(warnSessionIsToken());
  }

  /** @param {import('../telemetry/telemetry.js').Telemetry} telemetry */
  #watchedBy(telemetry) {
    if (this.closed) return;
    this.telemetry = telemetry;
    telemetry.watch(this.metrics);
  }

  async close() {
    this.closed = true;
    clearInterval(this.sweeper);
    this.watches.close();
    await this.turns.close();
    await this.keySource?.close();
    await Promise.allSettled(this.#begun);
    await this.bridge.idle();
    // Waiters are notified before close() resolves.
    await new Promise(setImmediate);
    this.telemetry?.forget(this.metrics);
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
    quotaExhausted: order.indexOf('quota_exhausted'),
    tokenKey: order.indexOf('token_key'),
    keysUnavailable: order.indexOf('keys_unavailable'),
    claimsMismatch: order.indexOf('claims_mismatch'),
    storeUnavailable: order.indexOf('store_unavailable'),
    queueFull: order.indexOf('queue_full'),
    noTurn: order.indexOf('no_turn'),
  };
}

/**
 * @param {import('../options/options.js').Settings} settings
 * @returns {import('../binding.js').GateConfig}
 */
function gateConfig({ store, jwt, sessions, observe }) {
  const { kind, networked, ...server } = store;
  const { limitFunction, ...limits } = sessions;
  return { ...server, ...jwt, ...limits, observe, ownLoop: isOwnLoop() };
}

/** Other runtimes name functions of Node's event loop, and end the process where they are called. */
function isOwnLoop() {
  return process.versions.bun === undefined && process.versions.deno === undefined;
}

/**
 * Releases the response: a decision may be kept for long, and must not keep the response with it.
 * @param {symbol} symbol of the decision on the response
 */
function letGo(symbol) {
  /** @this {any} */
  return function latchgateOver() {
    /** @type {import('../request/decision.js').RequestDecision | undefined} */
    let each = this[symbol];
    this[symbol] = undefined;
    while (each !== undefined) {
      const { before } = each;
      each.res = null;
      each.before = undefined;
      each = before;
    }
  };
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
