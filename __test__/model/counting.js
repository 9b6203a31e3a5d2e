// Counters and keys of once(), as the contract defines them: the expected answer of each operation, and the
// operations that are tried. Time does not pass here: the keys of once() have no ttl, or a ttl longer than a test.
'use strict';

const MOST = Number.MAX_SAFE_INTEGER;
const REFUSED = { rejected: 'ERR_LATCHGATE_INPUT' };

/** @typedef {{ name: string, delta: number, min?: number, max?: number }} Change */

class Counting {
  /** @type {Map<string, number>} by user and name */
  #values = new Map();
  /** @type {Map<string, { question: string, answer: object }>} by user and idempotency key */
  #answers = new Map();
  /** @type {Map<string, string>} */
  #holders = new Map();

  /** @param {string} user @param {Change} change @param {string} [key] */
  add(user, change, key) {
    return this.#once(user, key, ['add', change], () => {
      const { applied, values } = this.#change(user, [change]);
      return { applied, value: values[change.name] };
    });
  }

  /** @param {string} user @param {Change[]} changes @param {string} [key] */
  apply(user, changes, key) {
    const sorted = [...changes].sort((a, b) => (a.name < b.name ? -1 : 1));
    return this.#once(user, key, ['apply', ...sorted], () => this.#change(user, changes));
  }

  /** @param {string} user @param {string} name */
  get(user, name) {
    return this.#values.get(JSON.stringify([user, name])) ?? 0;
  }

  /** @param {string} key @param {string} by */
  take(key, by) {
    if (!this.#holders.has(key)) this.#holders.set(key, by);
    return this.#holders.get(key) === by;
  }

  /** @param {string} key @param {string} by */
  release(key, by) {
    return this.#holders.get(key) === by && this.#holders.delete(key);
  }

  /** @param {string} user @param {Change[]} changes */
  #change(user, changes) {
    const after = changes.map(({ name, delta }) => BigInt(this.get(user, name)) + BigInt(delta));
    const applied = changes.every(
      ({ min = -MOST, max = MOST }, index) => after[index] >= BigInt(min) && after[index] <= BigInt(max),
    );
    if (applied)
      for (const [index, { name }] of changes.entries())
        this.#values.set(JSON.stringify([user, name]), Number(after[index]));
    return { applied, values: Object.fromEntries(changes.map(({ name }) => [name, this.get(user, name)])) };
  }

  /**
   * @param {string} user
   * @param {string | undefined} key
   * @param {Array<string | Change>} question
   * @param {() => any} act
   */
  #once(user, key, question, act) {
    const place = JSON.stringify([user, key]);
    // An omitted bound is the widest bound. A call that states this bound is the same call.
    const parts = question.map((part) => {
      if (typeof part === 'string') return part;
      const { name, delta, min = -MOST, max = MOST } = part;
      return [name, delta, min, max];
    });
    const plain = JSON.stringify(parts);
    const known = key === undefined ? undefined : this.#answers.get(place);
    if (known !== undefined) return known.question === plain ? { ...known.answer, replayed: true } : REFUSED;
    const answer = act();
    const changes = question.some((part) => typeof part !== 'string' && part.delta !== 0);
    if (key !== undefined && answer.applied && changes) this.#answers.set(place, { question: plain, answer });
    return { ...answer, replayed: undefined };
  }
}

/** Operations, and the frequency of each. @type {Array<[string, number]>} */
const WEIGHTS = [
  ['count', 6],
  ['countSeveral', 4],
  ['countWith', 6],
  ['value', 1],
  ['take', 3],
  ['release', 1],
];

const NAMES = ['c0', 'c1', '{c}'];
const DELTAS = [0, 1, -1, 2, -3, MOST, -MOST, MOST - 1];

/** @type {Change[][]} */
const USUAL = [
  [{ name: 'c0', delta: 1 }],
  [{ name: 'c1', delta: -1, min: -4 }],
  [
    { name: 'c0', delta: 2, max: 9 },
    { name: '{c}', delta: -2 },
  ],
];

/** @param {{ below: (n: number) => number, of: (list: any[]) => any }} random */
function countingOptions(random) {
  const maybe = (/** @type {any} */ value) => (random.below(3) === 0 ? value : undefined);
  const [min, max] = [random.of([-5, 0, -MOST]), random.of([0, 3, MOST])];
  const changes = NAMES.slice(random.below(NAMES.length)).map((name) => {
    const bounds = { min: maybe(min), max: maybe(max) };
    return defined({ name, delta: random.of(DELTAS), ...bounds });
  });
  if (random.below(2) === 0) changes.reverse();
  const key = maybe(random.below(USUAL.length));
  // Mostly the same call under a key, so that answers are replayed.
  const usual = key !== undefined && random.below(4) > 0;
  return {
    changes: usual ? USUAL[key] : changes,
    key: key === undefined ? undefined : `key-${key}`,
    by: `by-${random.below(3)}`,
    place: random.below(3),
    ttl: maybe('1h'),
  };
}

/** @param {Record<string, any>} object @returns {Record<string, any>} the object without undefined members */
const defined = (object) =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));

/** Returns the result of an operation, or its rejection. @param {Promise<any>} answer */
const told = (answer) => answer.catch((error) => ({ rejected: error.code }));

/**
 * Returns one operation without a credential: the call, and its expected answer. Returns undefined for any other
 * name.
 * @param {string} name
 * @param {any} auth
 * @param {Counting} counting
 * @param {{ user: string, run: string, options: any }} step
 * @returns {{ ask: () => Promise<any>, expected: () => any } | undefined}
 */
function countingStep(name, auth, counting, { user, run, options }) {
  const { counters } = auth;
  const { changes, key, by, place, ttl } = options;
  const once = key === undefined ? {} : { idempotencyKey: key };
  const held = `once-${place}-${run}`;
  switch (name) {
    case 'count': {
      const { name: counter, delta, ...bounds } = changes[0];
      return {
        ask: () => told(counters.add(user, counter, delta, { ...bounds, ...once })),
        expected: () => counting.add(user, changes[0], key),
      };
    }
    case 'countSeveral':
      return {
        ask: () => told(counters.apply(user, changes, once)),
        expected: () => counting.apply(user, changes, key),
      };
    case 'value':
      return {
        ask: () => counters.get(user, changes[0].name),
        expected: () => counting.get(user, changes[0].name),
      };
    case 'take':
      return {
        ask: () => auth.once(held, defined({ by, ttl })),
        expected: () => counting.take(held, by),
      };
    case 'release':
      return {
        ask: () => auth.onceRelease(held, by),
        expected: () => counting.release(held, by),
      };
    default:
      return undefined;
  }
}

module.exports = { Counting, WEIGHTS, countingOptions, countingStep, defined, told };
