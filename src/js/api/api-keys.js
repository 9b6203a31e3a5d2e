'use strict';
// auth.apiKeys: keys of an owner, each with a quota of its own. The text of a key passes through once; the store has its hash.

const { RULE_NAMES, quotaRule, units } = require('../policy/quota-rule.js');
const { YEAR, duration } = require('../util/duration.js');
const { inputError, storeError } = require('../util/errors.js');
const { id, instant, jsonValue, optionalId, scopes, token } = require('../util/input.js');
const { bare, known } = require('../util/names.js');
const { told } = require('./quotas.js');

/**
 * @typedef {import('../runtime/native-store.js').Engine} Engine
 * @typedef {import('../binding.js').ApiKeyConfig} KeyConfig
 * @typedef {import('../binding.js').NativeKeyInfo} NativeKeyInfo
 * @typedef {import('../binding.js').Outcome} Outcome
 * @typedef {import('../binding.js').NativeKeyUse} NativeKeyUse
 * @typedef {import('../../../index.js').ApiKeyInfo} ApiKeyInfo
 */

const MAX_METADATA_BYTES = 4096;
const FACTS = ['name', 'scopes', 'quota', 'expiresAt', 'metadata'];
const NULLABLE = ['expiresAt', 'metadata'];

/** Number of keys per question to the store. */
const CHUNK = 200;

/** The codes of check(), by reason. */
const CODES = new Map([
  ['key_unknown', 'not_found'],
  ['key_revoked', 'revoked'],
  ['user_blocked', 'blocked'],
  ['key_expired', 'expired'],
  ['scope_missing', 'insufficient_scope'],
  ['quota_exhausted', 'quota_exhausted'],
]);

class ApiKeys {
  #engine;

  /** @param {Engine} engine */
  constructor(engine) {
    this.#engine = engine;
  }

  /**
   * @param {object} options
   * @returns {Promise<{ key: string, keyId: string }>}
   */
  async create(options) {
    return this.#engine.whole(() => this.#create(options));
  }

  /**
   * @param {object} options
   * @returns {Promise<{ key: string, keyId: string }>}
   */
  async #create(options) {
    const engine = this.#engine;
    const own = known(options, ['ownerId', 'key', ...FACTS], '', inputError);
    const ownerId = id(own.ownerId, 'ownerId');
    const key = own.key === undefined ? undefined : token(own.key, 'key');
    const config = keyConfig(own);
    if (key !== undefined) await this.#claim(ownerId, key);
    const made = await engine.goOn((gate) => gate.createKey(ownerId, key, engine.keys.prefix, config));
    if (key !== undefined) await this.#confirm(ownerId, key, config.expiresAt);
    if (made.key === undefined) throw knownKey();
    return made.key;
  }

  /**
   * The name of an imported key is in another slot than its owner. It is claimed first, for a minute, so that one of two
   * imports is refused. It is kept once the key exists, so that an aborted import blocks no later import.
   * @param {string} ownerId
   * @param {string} key
   */
  async #claim(ownerId, key) {
    const { place, flag } = await this.#engine.goOn((gate) => gate.claimKey(ownerId, key));
    if (flag === false) throw knownKey();
    if (place === undefined) return;
    // That import was confirmed: a missing key is gone permanently, and no longer expected.
    const { keyInfos = [], indexUpdates } = await this.#engine.goOn((gate) =>
      gate.keyInfos(place.ownerId, [place.keyId]),
    );
    await updateIndex(this.#engine, indexUpdates);
    if (keyInfos.length > 0) throw knownKey();
    const again = await this.#engine.goOn((gate) => gate.claimKey(ownerId, key, place));
    if (again.place !== undefined || again.flag === false) throw knownKey();
  }

  /**
   * @param {string} ownerId
   * @param {string} key
   * @param {number} [expiresAt]
   */
  async #confirm(ownerId, key, expiresAt = NaN) {
    const { flag } = await this.#engine.goOn((gate) => gate.confirmKey(ownerId, key, expiresAt));
    if (flag === true) return;
    throw storeError(
      'ERR_LATCHGATE_STORE_TIMEOUT',
      'the import took too long: the key may not be found by its text; import it again',
    );
  }

  /**
   * @param {string} key
   * @param {object} [options]
   */
  async check(key, options = {}) {
    const engine = this.#engine;
    engine.assertOpen();
    const own = known(options, ['cost', 'idempotencyKey', 'scope'], '', inputError);
    const demanded = own.scope === undefined ? [] : scopes(own.scope, 'scope', inputError);
    const asked = {
      __proto__: null,
      key: token(key, 'key'),
      limit: NaN,
      cost: own.cost === undefined ? 1 : units(own.cost, 'cost', inputError),
      idempotencyKey: optionalId(own.idempotencyKey, 'idempotencyKey'),
      touch: false,
      chargeOwn: true,
    };
    const outcome = await engine.ask((gate) => gate.useKeyAdhoc(demanded, undefined, asked, undefined, true));
    return checked(/** @type {NativeKeyUse} */ (outcome.keyUse), engine);
  }

  /**
   * @param {string} keyId
   * @param {object} [options]
   * @returns {Promise<{ key: string, keyId: string }>}
   */
  async rotate(keyId, options = {}) {
    const engine = this.#engine;
    const outcome = await engine.ask((gate) => {
      const { grace = 0 } = known(options, ['grace'], '', inputError);
      const graceMs = duration(grace, 'grace', { min: 0, max: YEAR }, inputError);
      return gate.rotateKey(id(keyId, 'keyId'), engine.keys.prefix, graceMs);
    });
    return /** @type {{ key: string, keyId: string }} */ (outcome.key);
  }

  /**
   * @param {string} keyId
   * @returns {Promise<boolean>}
   */
  async revoke(keyId) {
    return this.#engine.whole(() => this.#revoke(keyId));
  }

  /** @param {string} keyId */
  async #revoke(keyId) {
    const { flag, indexUpdates } = await this.#engine.goOn((gate) => gate.revokeApiKey(id(keyId, 'keyId')));
    if (flag === true) {
      this.#engine.metrics.revoked('api_key');
      this.#engine.events.emit({ type: 'revoked', kind: 'api_key', keyId });
    }
    await updateIndex(this.#engine, indexUpdates);
    return flag === true;
  }

  /**
   * @param {string} keyId
   * @param {number} count
   * @param {object} [options]
   */
  async addQuota(keyId, count, options = {}) {
    const outcome = await this.#engine.ask((gate) => {
      const { idempotencyKey } = known(options, ['idempotencyKey'], '', inputError);
      const once = optionalId(idempotencyKey, 'idempotencyKey');
      return gate.addKeyQuota(id(keyId, 'keyId'), units(count, 'units', inputError, 1), once);
    });
    return told(/** @type {import('../binding.js').NativeConsumption} */ (outcome.consumption));
  }

  /**
   * @param {string} keyId
   * @param {object} patch
   * @returns {Promise<ApiKeyInfo>}
   */
  async update(keyId, patch) {
    return this.#engine.whole(() => this.#update(keyId, patch));
  }

  /**
   * @param {string} keyId
   * @param {object} patch
   */
  async #update(keyId, patch) {
    const ask = (/** @type {boolean} */ pointed) =>
      this.#engine.goOn((gate) => gate.updateKey(id(keyId, 'keyId'), patchConfig(patch), pointed));
    let outcome = await ask(false);
    if (outcome.keyInfos === undefined) outcome = await this.#changeExpiry(outcome, ask);
    return keyInfo(/** @type {NativeKeyInfo[]} */ (outcome.keyInfos)[0]);
  }

  /**
   * The name of an imported key ends with the key, and is in another slot. During a change of the expiry the name does not
   * end. So an aborted change leaves an unused name, and never a key that is not found.
   * @param {Outcome} before
   * @param {(pointed: boolean) => Promise<Outcome>} ask
   */
  async #changeExpiry({ indexUpdates = [] }, ask) {
    const [changing] = indexUpdates;
    await this.#engine.goOn((gate) => gate.updateKeyIndex(changing));
    try {
      const outcome = await ask(true);
      await updateIndex(this.#engine, outcome.indexUpdates);
      return outcome;
    } catch (error) {
      const { code } = /** @type {{ code?: string }} */ (error);
      if (code === 'ERR_LATCHGATE_INPUT') await updateIndex(this.#engine, [{ ...changing, version: 0 }]);
      throw error;
    }
  }

  /**
   * @param {string} keyId
   * @returns {Promise<ApiKeyInfo | null>}
   */
  async get(keyId) {
    const engine = this.#engine;
    return engine.whole(async () => {
      const { keyInfos = [], indexUpdates } = await engine.goOn((gate) => gate.getKey(id(keyId, 'keyId')));
      await updateIndex(engine, indexUpdates);
      return keyInfos.length === 0 ? null : keyInfo(keyInfos[0]);
    });
  }

  /**
   * @param {string} ownerId
   * @returns {Promise<ApiKeyInfo[]>} the oldest first
   */
  async list(ownerId) {
    const engine = this.#engine;
    const all = await engine.whole(() => keysOf(engine, ownerId));
    return all.sort((a, b) => a.createdAt - b.createdAt || (a.keyId < b.keyId ? -1 : 1));
  }
}

/**
 * Keys that are revoked with the tokens of their owner are refused from that step on. The end of their listing is recorded
 * when they are read: now, or, if that fails, when a caller lists them.
 * @param {Engine} engine
 * @param {string} ownerId
 */
async function settleKeys(engine, ownerId) {
  if (!engine.store.networked) return;
  await keysOf(engine, ownerId).catch(() => {});
}

/**
 * Within a `whole`.
 * @param {Engine} engine
 * @param {string} ownerId
 */
async function keysOf(engine, ownerId) {
  /** @type {Set<string>} */
  const ids = new Set();
  /** @type {string | undefined} */
  let from;
  do {
    const page = await engine.goOn((gate) => gate.keyIds(id(ownerId, 'ownerId'), from));
    for (const keyId of page.keyIds ?? []) ids.add(keyId);
    from = page.nextKey;
  } while (from !== undefined);
  /** @type {ApiKeyInfo[]} */
  const all = [];
  const keyIds = [...ids];
  for (let at = 0; at < keyIds.length; at += CHUNK) {
    const some = keyIds.slice(at, at + CHUNK);
    const { keyInfos = [], indexUpdates } = await engine.goOn((gate) => gate.keyInfos(ownerId, some));
    await updateIndex(engine, indexUpdates);
    all.push(...keyInfos.map(keyInfo));
  }
  return all;
}

/**
 * Updates the index of imported keys after their keys changed, within a `whole`. After a failure a stale entry stays until it expires.
 * @param {Engine} engine
 * @param {import('../binding.js').NativeIndexUpdate[]} [indexUpdates]
 */
async function updateIndex(engine, indexUpdates = []) {
  await Promise.allSettled(indexUpdates.map((update) => engine.goOn((gate) => gate.updateKeyIndex(update))));
}

function knownKey() {
  return inputError('key is known already, or is being imported at this moment');
}

/**
 * The data of a key.
 * @param {Record<string, any>} own
 * @returns {KeyConfig}
 */
function keyConfig({ name, scopes: list, quota, expiresAt, metadata }) {
  return {
    name: optionalId(name, 'name'),
    scopes: list === undefined ? undefined : scopeList(list),
    quota:
      quota === undefined
        ? undefined
        : quotaRule(known(quota, RULE_NAMES, 'quota', inputError), 'quota', inputError),
    expiresAt: expiresAt === undefined ? undefined : instant(expiresAt, 'expiresAt'),
    metadata: metadata === undefined ? undefined : metadataJson(metadata),
  };
}

/**
 * The same, but null removes the value.
 * @param {unknown} patch
 * @returns {KeyConfig}
 */
function patchConfig(patch) {
  const own = known(patch, FACTS, '', inputError, { nullable: NULLABLE });
  const forEver = own.expiresAt === null;
  const bare = own.metadata === null;
  if (forEver) delete own.expiresAt;
  if (bare) delete own.metadata;
  const config = keyConfig(own);
  if (forEver) config.expiresAt = NaN;
  if (bare) config.metadata = '';
  return config;
}

/** @param {unknown} value a list; an empty one: none */
function scopeList(value) {
  if (!Array.isArray(value)) throw inputError('scopes must be an array of strings');
  return value.length === 0 ? [] : scopes(value, 'scopes', inputError);
}

/** @param {unknown} value */
function metadataJson(value) {
  jsonValue(value, 'metadata', inputError);
  const json = JSON.stringify(value);
  if (Buffer.byteLength(json) > MAX_METADATA_BYTES) {
    throw inputError(`metadata must have at most ${MAX_METADATA_BYTES} bytes as JSON`);
  }
  return json;
}

/**
 * @param {NativeKeyUse} use
 * @param {Engine} engine
 */
function checked(use, { answers }) {
  const { code, keyId, ownerId, scopes: list, metadata, own } = bare(use);
  const quota = own === undefined ? {} : { quota: told(own) };
  if (code !== 0) return { valid: false, code: CODES.get(answers[code].reason), ...quota };
  const facts = { valid: true, keyId, ownerId, scopes: list, ...quota };
  return metadata === undefined ? facts : { ...facts, metadata: JSON.parse(metadata) };
}

/**
 * @param {NativeKeyInfo} native
 * @returns {ApiKeyInfo}
 */
function keyInfo(native) {
  const { name, expiresAt, lastUsedAt, quota, metadata, ...rest } = bare(native);
  return {
    ...rest,
    ...(name === undefined ? {} : { name }),
    expiresAt: expiresAt ?? null,
    lastUsedAt: lastUsedAt ?? null,
    ...(quota === undefined ? {} : { quota: told(quota) }),
    ...(metadata === undefined ? {} : { metadata: JSON.parse(metadata) }),
  };
}

exports.ApiKeys = ApiKeys;
exports.settleKeys = settleKeys;
