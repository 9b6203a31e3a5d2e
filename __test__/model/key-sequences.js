// Random sequences of operations on API keys. Each operation runs on an Auth and on the reference, and the answers
// are compared one by one.
'use strict';

const { createAuth } = require('latchgate');
const { SECRET } = require('../support/jwt.js');
const { differ } = require('./expect.js');
const { KeyReference } = require('./key-reference.js');
const { randomOf } = require('./sequences.js');

const HOUR = 3_600_000;
const LIMIT = 6;
const QUOTA = { limit: LIMIT, name: 'model', by: /** @type {const} */ ('user') };

/** Operations, and the frequency of each. @type {Array<[string, number]>} */
const WEIGHTS = [
  ['create', 6],
  ['import', 3],
  ['check', 20],
  ['request', 6],
  ['rotate', 4],
  ['revoke', 2],
  ['add', 4],
  ['update', 4],
  ['get', 3],
  ['list', 3],
  ['revokeUser', 1],
  ['blockUser', 1],
  ['unblockUser', 2],
];
const RULES = [{}, { window: 8 * HOUR }, { window: 800 * HOUR, algorithm: 'bucket' }];

let runs = 0;

/** @param {ReturnType<typeof randomOf>} random */
function factsOf(random) {
  const maybe = (/** @type {any} */ value) => (random.below(2) === 0 ? value : undefined);
  return defined({
    name: maybe(random.of(['n', 'näme'])),
    scopes: maybe(random.of([[], ['a'], ['a', 'b']])),
    quota: maybe({ limit: 1 + random.below(8), ...random.of(RULES) }),
    metadata: maybe(random.of([0, 'text', { a: [null, true] }])),
    expired: random.below(6) === 0 ? true : undefined,
  });
}

/** @param {Record<string, any>} object @returns {Record<string, any>} the object without undefined members */
const defined = (object) =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));

/** Converts facts to options of the contract. @param {any} facts */
const given = ({ expired, ...facts }) =>
  expired === undefined ? facts : { ...facts, expiresAt: expired ? Date.now() - 1000 : Date.now() + HOUR };

/**
 * @param {string} store
 * @param {number} seed
 * @param {number} [length]
 * @returns {Promise<string | undefined>} the first answer that differs from the expected answer
 */
async function playKeys(store, seed, length = 80) {
  const random = randomOf(seed);
  const bag = WEIGHTS.flatMap(([name, weight]) => Array(weight).fill(name));
  const auth = /** @type {any} */ (createAuth({ store, jwt: { secret: SECRET }, apiKeys: {} }));
  const reference = new KeyReference();
  const run = `${process.pid}-${Date.now()}-k${runs++}`;
  /** @type {string[]} */
  const texts = [`lg_${'0'.repeat(20)}_${'A'.repeat(43)}`, `an unknown key ${run}`.replaceAll(' ', '-')];
  const ids = ['0'.repeat(20)];
  const played = [];
  try {
    for (let n = 0; n < length; n++) {
      const name = random.of(bag);
      const owner = `owner-${random.below(3)}-${run}`;
      const [text, id] = [random.of(texts), random.of(ids)];
      const once = random.below(3) === 0 ? random.of(['i0', 'i1']) : undefined;
      const units = random.below(5);
      const facts = factsOf(random);
      played.push(name);
      const [actual, expected] = await step(name);
      if (actual?.keyId !== undefined && actual.key !== undefined) {
        texts.push(actual.key);
        if (!ids.includes(actual.keyId)) ids.push(actual.keyId);
      }
      const problem = differ(expected(), actual);
      if (problem !== undefined) return `operation ${n} of seed ${seed} (${played.join(' ')}): ${problem}`;

      /** @param {string} what @returns {Promise<[any, () => any]>} */
      async function step(what) {
        const { apiKeys, tokens } = auth;
        const imported = `imported-${units}-${run}`;
        const scope = random.below(3) === 0 ? ['a'] : undefined;
        const asked = (/** @type {Promise<any>} */ promise) =>
          promise.catch((error) => {
            if (error.code !== 'ERR_LATCHGATE_INPUT') throw error;
            return error;
          });
        const answered = async (
          /** @type {Promise<any>} */ promise,
          /** @type {(actual: any) => any} */ expect,
        ) => {
          const told = await asked(promise);
          return /** @type {[any, () => any]} */ ([told, () => expect(told)]);
        };
        switch (what) {
          case 'create':
            return answered(apiKeys.create({ ownerId: owner, ...given(facts) }), (told) =>
              reference.create(owner, facts, undefined, told),
            );
          case 'import':
            return answered(apiKeys.create({ ownerId: owner, key: imported, ...given(facts) }), (told) =>
              reference.create(owner, facts, imported, told),
            );
          case 'check':
            return answered(apiKeys.check(text, defined({ cost: units, scope, idempotencyKey: once })), () =>
              reference.check(text, { cost: units, scope, once }),
            );
          case 'request': {
            const policy = { credentials: ['api-key'], quota: QUOTA };
            return answered(auth.authenticate({ apiKey: text }, policy), () =>
              reference.request(text, LIMIT),
            );
          }
          case 'rotate': {
            const grace = units > 1;
            return answered(apiKeys.rotate(id, { grace: grace ? HOUR : 0 }), (told) =>
              reference.rotate(id, grace, told),
            );
          }
          case 'revoke':
            return answered(apiKeys.revoke(id), () => reference.revoke(id));
          case 'add':
            return answered(apiKeys.addQuota(id, units + 1, defined({ idempotencyKey: once })), () =>
              reference.add(id, units + 1, once),
            );
          case 'update': {
            const patch = facts.expired === undefined && units === 0 ? { ...facts, expired: false } : facts;
            return answered(apiKeys.update(id, given(patch)), () => reference.update(id, patch));
          }
          case 'get':
            return answered(apiKeys.get(id), () => reference.get(id));
          case 'list': {
            // The contract defines no order of keys that were created in the same millisecond.
            const byId = (/** @type {any[]} */ list) => list.sort((a, b) => (a.keyId < b.keyId ? -1 : 1));
            return answered(apiKeys.list(owner).then(byId), () => byId(reference.list(owner)));
          }
          case 'revokeUser':
            return answered(tokens.revokeUser(owner, { apiKeys: units > 1 }), () =>
              reference.revokeUser(owner, units > 1),
            );
          case 'blockUser':
            return answered(tokens.blockUser(owner), () => reference.blockUser(owner));
          default:
            return answered(tokens.unblockUser(owner), () => reference.unblockUser(owner));
        }
      }
    }
    return undefined;
  } finally {
    await auth.close();
  }
}

module.exports = { playKeys };
