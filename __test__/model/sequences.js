// Random sequences of operations. Each operation runs on an Auth and on the reference, and the answers are compared
// one by one. A sequence is plain data, so that a failing sequence can be repeated without some of its operations.
'use strict';

const { createAuth } = require('latchgate');
const { SECRET, read } = require('../support/jwt.js');
const {
  Counting,
  WEIGHTS: COUNTING,
  countingOptions,
  countingStep,
  defined,
  told,
} = require('./counting.js');
const { differ } = require('./expect.js');
const { foreign, policyOf } = require('./inputs.js');
const { Reference } = require('./reference.js');

/** @typedef {{ name: string, user: number, pick: number, options: any }} Step */
/** @typedef {{ settings: import('./reference.js').Settings, quotas: boolean, steps: Step[] }} Sequence */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Returns a generator that gives the same numbers for the same seed (mulberry32). @param {number} seed */
function randomOf(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (/** @type {number} */ n) => Math.floor(next() * n);
  return { below, of: (/** @type {any[]} */ list) => list[below(list.length)] };
}

/** Operations, and the frequency of each. @type {Array<[string, number]>} */
const WEIGHTS = [
  ['admit', 8],
  ['touch', 3],
  ['end', 3],
  ['endAll', 1],
  ['list', 3],
  ['issue', 6],
  ['foreign', 4],
  ['authenticate', 14],
  ['revoke', 3],
  ['revokeId', 1],
  ['isRevoked', 2],
  ['isRevokedId', 1],
  ['verify', 1],
  ['revokeUser', 1],
  ['blockUser', 1],
  ['unblockUser', 2],
];
/** @type {Array<[string, number]>} */
const QUOTA_WEIGHTS = [
  ['consume', 8],
  ['add', 2],
  ['refund', 4],
  ['peek', 2],
  ['reset', 1],
];

const SESSION_IDS = ['s0', 's1', 's2', 's3', 's4', 's5'];
/** The rule of a key never changes its kind, only its limit. @type {Array<{ window?: number, algorithm?: string }>} */
const KINDS = [{}, { window: HOUR }, { window: 2 * HOUR }, { window: 8 * HOUR, algorithm: 'bucket' }];
const POLICY_QUOTAS = [
  { name: 'calls', by: 'user', limit: 9, window: HOUR },
  { name: 'prepaid', by: 'user', limit: 12 },
  { name: 'tab', by: 'session', limit: 4, window: HOUR },
  { name: 'flow', by: 'user', limit: 9, window: 9 * HOUR, algorithm: 'bucket' },
];

/**
 * @param {number} seed
 * @param {{ length?: number, quotas?: boolean }} [options] quotas: whether the build has quotas
 * @returns {Sequence}
 */
function sequenceOf(seed, { length = 60, quotas = true } = {}) {
  const random = randomOf(seed);
  const settings = {
    limit: random.of([undefined, 0, 1, 2, 3]),
    onLimit: random.of(['reject', 'evict-oldest']),
    admission: random.of(['explicit', 'first-use']),
    idle: random.of([30 * MINUTE, 2 * HOUR]),
    absolute: random.of([HOUR, 12 * HOUR]),
  };
  const bag = [...WEIGHTS, ...COUNTING, ...(quotas ? QUOTA_WEIGHTS : [])].flatMap(([name, weight]) =>
    Array(weight).fill(name),
  );
  const steps = Array.from({ length }, () => {
    const name = random.of(bag);
    return {
      name,
      user: random.below(3),
      pick: random.below(1 << 20),
      options: optionsOf(name, random, quotas),
    };
  });
  return { settings, quotas, steps };
}

/** @param {string} name @param {ReturnType<typeof randomOf>} random @param {boolean} quotas @returns {any} */
function optionsOf(name, random, quotas) {
  const maybe = (/** @type {any} */ value) => (random.below(3) === 0 ? value : undefined);
  const sessionId = random.of(SESSION_IDS);
  const index = random.below(KINDS.length);
  const rule = { limit: 1 + random.below(8), ...KINDS[index] };
  const once = maybe(random.of(['i0', 'i1']));
  switch (name) {
    case 'admit':
      return defined({
        sessionId: random.below(4) === 0 ? undefined : sessionId,
        limit: maybe(random.below(4)),
        onLimit: maybe(random.of(['reject', 'evict-oldest'])),
        idleTimeout: maybe(random.of([20 * MINUTE, 3 * HOUR])),
        absoluteTimeout: maybe(2 * HOUR),
        device: maybe({ name: random.of(['phone', 'tablet \u{1f4f1}', '']) }),
      });
    case 'issue':
      return defined({
        sessionId: random.below(5) === 0 ? undefined : sessionId,
        scope: maybe(random.of(['read', 'read write'])),
      });
    case 'foreign':
      return {
        sid: random.below(5) === 0 ? undefined : sessionId,
        scope: maybe('read'),
        form: random.of(['old', 'old', 'ahead', 'expired', 'tampered']),
      };
    case 'authenticate': {
      const quota =
        quotas && random.below(2) === 0 ? { ...random.of(POLICY_QUOTAS), cost: random.below(4) } : undefined;
      return defined({ scope: maybe(random.of(['read', 'write'])), quota, once: quota && once });
    }
    case 'endAll':
      return defined({ except: maybe(sessionId) });
    case 'blockUser':
      return defined({ until: maybe(24 * HOUR) });
    case 'consume':
      return defined({ index, rule, cost: random.below(6), once });
    case 'add':
      return defined({ index: 0, rule: { limit: rule.limit }, units: 1 + random.below(5), once });
    case 'peek':
    case 'reset':
      return { index, rule };
    case 'count':
    case 'countSeveral':
    case 'countWith':
    case 'value':
    case 'take':
    case 'release':
      return countingOptions(random);
    default:
      return { sessionId, jti: `id-${random.below(6)}` };
  }
}

let runs = 0;

/**
 * @param {string} store
 * @param {Sequence} sequence
 * @returns {Promise<{ at: number, step: Step, problem: string } | undefined>} the first answer that differs from the expected answer
 */
async function play(store, { settings, steps, quotas }) {
  const { limit, onLimit, admission, idle, absolute } = settings;
  const sessions = defined({ limit, onLimit, admission, idleTimeout: idle, absoluteTimeout: absolute });
  const auth = /** @type {any} */ (
    createAuth({ store, jwt: { secret: SECRET, issuerClockLead: 0 }, sessions })
  );
  const reference = new Reference(settings);
  const run = `${process.pid}-${Date.now()}-${runs++}`;
  const player = new Player(auth, reference, run);
  try {
    // The sequence ends with every read operation.
    const looks = [0, 1, 2].flatMap((user) => [
      { name: 'list', user, pick: 0, options: {} },
      { name: 'isRevokedId', user, pick: 0, options: { jti: 'id-0' } },
    ]);
    const peeks = KINDS.map((kind, index) => ({
      name: 'peek',
      user: 0,
      pick: 0,
      options: { index, rule: { limit: 8, ...kind } },
    }));
    for (const [at, step] of [...steps, ...looks, ...(quotas ? peeks : [])].entries()) {
      const problem = await player.step(step);
      if (problem !== undefined) return { at, step, problem };
    }
    return undefined;
  } finally {
    await auth.close();
  }
}

class Player {
  /** @type {Array<{ text: string, token: import('./reference.js').Token }>} */
  #tokens = [];
  /** @type {string[]} */
  #receipts = [];
  /** @type {Array<{ auth: any, token: import('./reference.js').Token }>} allowed requests */
  #passed = [];
  #counting = new Counting();
  #auth;
  #reference;
  #run;

  /** @param {any} auth @param {Reference} reference @param {string} run */
  constructor(auth, reference, run) {
    this.#auth = auth;
    this.#reference = reference;
    this.#run = run;
  }

  /** @param {Step} step @returns {Promise<string | undefined>} the difference from the expected answer */
  async step({ name, user: number, pick, options }) {
    const reference = this.#reference;
    const { sessions, tokens, quotas } = this.#auth;
    const user = `user-${number}-${this.#run}`;
    const { sessionId } = options;
    const chosen = this.#tokens[pick % Math.max(1, this.#tokens.length)];
    const key = `key-${options.index}-${this.#run}`;
    const id = { jti: options.jti, userId: user };
    const counting = countingStep(name, this.#auth, this.#counting, { user, run: this.#run, options });
    if (counting !== undefined) return this.#both(counting.ask, counting.expected);
    if (name === 'countWith') return this.#countWith(pick, options);
    switch (name) {
      case 'admit':
        return this.#both(
          () => sessions.admit(user, options),
          (now, actual) => reference.admit(now, user, options, () => actual.session?.sessionId),
        );
      case 'touch':
      case 'end':
        return this.#both(
          () => sessions[name](user, sessionId),
          (now) => reference[name](now, user, sessionId),
        );
      case 'endAll':
        return this.#both(
          () => sessions.endAll(user, options),
          (now) => reference.endAll(now, user, options),
        );
      case 'list':
        return this.#both(
          () => sessions.list(user),
          (now) => reference.list(now, user),
        );
      case 'issue': {
        const text = await tokens.issue(user, options);
        const claims = read(text);
        const { scope = '', sessionId: sid } = options;
        const scopes = scope.split(' ').filter(Boolean);
        const generation = reference.issued(user);
        this.#tokens.push({
          text,
          token: {
            userId: user,
            jti: claims.jti,
            sid,
            stands: true,
            scopes,
            foreign: false,
            generation,
            iat: claims.iat,
            aheadOfNow: false,
          },
        });
        return differ({ sub: user, sid, scope: scope || undefined }, claims, 'the token');
      }
      case 'foreign':
        this.#tokens.push(foreign(user, options));
        return undefined;
      case 'blockUser': {
        const until = options.until === undefined ? {} : { until: Date.now() + options.until };
        return this.#both(
          () => tokens.blockUser(user, until),
          (now) => reference.blockUser(now, user),
        );
      }
      case 'revokeUser':
      case 'unblockUser':
        return this.#both(
          () => tokens[name](user),
          (now) => reference[name](now, user),
        );
      case 'revokeId':
        return this.#both(
          () => tokens.revokeId({ ...id, expiresAt: Date.now() + HOUR }),
          (now) => reference.revokeId(now, id),
        );
      case 'isRevokedId':
        return this.#both(
          () => tokens.isRevoked(id),
          (now) => reference.isRevokedId(now, id),
        );
      case 'consume':
        return this.#both(
          () =>
            quotas.consume(key, options.rule, defined({ cost: options.cost, idempotencyKey: options.once })),
          (now, actual) => {
            if (actual.receipt !== undefined) this.#receipts.push(actual.receipt);
            return reference.consume(now, key, options.rule, options.cost, options.once, actual.receipt);
          },
        );
      case 'add':
        return this.#both(
          () => quotas.add(key, options.rule, options.units, defined({ idempotencyKey: options.once })),
          (now) => reference.add(now, key, options.rule, options.units, options.once),
        );
      case 'refund': {
        const receipt = this.#receipts[pick % Math.max(1, this.#receipts.length)] ?? 'none';
        return this.#both(
          () => quotas.refund(receipt),
          (now) => reference.refund(now, receipt),
        );
      }
      case 'peek':
        return this.#both(
          () => quotas.peek(key, options.rule),
          (now) => reference.peek(now, key, options.rule),
        );
      case 'reset':
        return this.#both(
          () => quotas.reset(key),
          (now) => reference.reset(now, key),
        );
      default:
        return chosen && this.#ofToken(name, chosen, options);
    }
  }

  /** @param {string} name @param {{ text: string, token: import('./reference.js').Token }} chosen @param {any} options */
  async #ofToken(name, { text, token }, options) {
    const { tokens } = this.#auth;
    const reference = this.#reference;
    if (name === 'authenticate')
      return this.#both(
        () => this.#auth.authenticate({ token: text }, policyOf(options)),
        (now, actual) => {
          if (actual.ok) this.#passed.push({ auth: actual.auth, token });
          return reference.authenticate(now, token, options);
        },
      );
    if (name === 'revoke')
      return this.#both(
        () => tokens.revoke(text),
        (now) => reference.revoke(now, token),
      );
    // The contract does not define whether an invalid token is revoked.
    if (name === 'isRevoked' && token.stands)
      return this.#both(
        () => tokens.isRevoked(text),
        (now) => reference.isRevoked(now, token),
      );
    if (name === 'verify') {
      const expected = token.stands ? { sub: token.userId, jti: token.jti } : null;
      return this.#both(
        () => tokens.verify(text),
        () => expected,
      );
    }
    return undefined;
  }

  /** Makes changes with the credential of an allowed request. @param {number} pick @param {any} options */
  async #countWith(pick, { changes, key }) {
    if (this.#passed.length === 0) return undefined;
    const { auth, token } = this.#passed[pick % this.#passed.length];
    const once = defined({ auth, idempotencyKey: key });
    return this.#both(
      () => told(this.#auth.counters.apply(token.userId, changes, once)),
      () =>
        this.#reference.stands(token)
          ? this.#counting.apply(token.userId, changes, key)
          : { rejected: 'ERR_LATCHGATE_REVOKED' },
    );
  }

  /** @param {() => Promise<any>} ask @param {(now: import('./expect.js').Span, actual: any) => any} expected */
  async #both(ask, expected) {
    const from = Date.now();
    // An input error is an answer too.
    const actual = await ask().catch((error) => {
      if (error.code !== 'ERR_LATCHGATE_INPUT') throw error;
      return error;
    });
    return differ(expected({ from, to: Date.now() }, actual), actual);
  }
}

module.exports = { play, randomOf, sequenceOf };
