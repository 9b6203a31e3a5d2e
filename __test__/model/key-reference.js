// The public contract of API keys in its simplest form: one caller, no shared state. Written from the contract
// alone. It shares no code and no storage format with the addon. Time does not pass: every window and every expiry
// is long.
'use strict';

const { instant } = require('./expect.js');

/** Answer to an invalid call. */
const INPUT = { code: 'ERR_LATCHGATE_INPUT' };

/** Time of the last use of a key: during the test. */
const recent = instant({ from: Date.now(), to: Date.now() + 3_600_000 });

/** @typedef {{ limit: number, window?: number, algorithm?: string }} Rule */
/** @typedef {{ scopes?: string[], quota?: Rule, expired?: boolean, name?: string, metadata?: any }} Facts */

const kindOf = (/** @type {Rule} */ { window, algorithm }) =>
  algorithm ?? (window === undefined ? 'balance' : 'window');

class Key {
  used = 0;
  added = 0;
  revoked = false;
  wasUsed = false;
  /** @type {Array<{ text: string, works: boolean }>} replaced keys, the latest first */
  old = [];
  /** @type {Map<string, { question: string, answer: any }>} */
  answers = new Map();

  /** @param {string} owner @param {string} text @param {Facts} facts */
  constructor(owner, text, facts) {
    this.owner = owner;
    this.text = text;
    this.facts = facts;
  }

  get quota() {
    const { quota } = this.facts;
    if (quota === undefined) return undefined;
    const limit = quota.limit + this.added;
    return { limit, remaining: Math.max(limit - this.used, 0) };
  }
}

class KeyReference {
  /** @type {Map<string, Key>} by id */
  #keys = new Map();
  /** @type {Set<string>} texts that were imported */
  #imported = new Set();
  /** @type {Set<string>} */
  #blocked = new Set();
  /** Units that the policy charged to each user. @type {Map<string, number>} */
  #charged = new Map();

  /**
   * @param {string} owner
   * @param {Facts} facts
   * @param {string | undefined} text of a key that is imported
   * @param {any} actual the answer of the Auth, whose id and text are used
   */
  create(owner, facts, text, actual) {
    if (text !== undefined && this.#imported.has(text)) return INPUT;
    if (text !== undefined) this.#imported.add(text);
    this.#keys.set(actual.keyId, new Key(owner, text ?? actual.key, facts));
    return text === undefined ? {} : { key: text };
  }

  /** @param {string} text @returns {{ id: string, key: Key, state: string } | undefined} */
  #find(text) {
    for (const [id, key] of this.#keys) {
      const replaced = key.old.findIndex((old) => old.text === text);
      if (key.text !== text && replaced === -1) continue;
      const stands = !key.revoked && (key.text === text || (replaced === 0 && key.old[0].works));
      return { id, key, state: stands ? 'stands' : 'revoked' };
    }
    return undefined;
  }

  /** @param {Key} key @param {boolean} revoked @param {string[]} scope */
  #reason(key, revoked, scope) {
    if (revoked) return 'revoked';
    if (this.#blocked.has(key.owner)) return 'blocked';
    if (key.facts.expired) return 'expired';
    return scope.every((each) => key.facts.scopes?.includes(each)) ? undefined : 'insufficient_scope';
  }

  /** @param {string} text @param {{ cost: number, scope?: string[], once?: string }} options */
  check(text, { cost, scope = [], once }) {
    const found = this.#find(text);
    if (found === undefined) return { valid: false, code: 'not_found', quota: undefined };
    const { id, key, state } = found;
    const code = this.#reason(key, state === 'revoked', scope);
    if (code !== undefined) return { valid: false, code, quota: undefined };
    const charge = this.#charge(key, cost, once);
    if (charge === INPUT) return INPUT;
    if (charge?.allowed === false) return { valid: false, code: 'quota_exhausted', quota: charge };
    const { scopes = [], metadata } = key.facts;
    return { valid: true, keyId: id, ownerId: key.owner, scopes, metadata, quota: charge };
  }

  /** @param {Key} key @param {number} cost @param {string | undefined} once @returns {any} */
  #charge(key, cost, once) {
    const quota = key.quota;
    const known = cost > 0 && quota !== undefined && once !== undefined ? key.answers.get(once) : undefined;
    if (known !== undefined && known.question !== `check ${cost}`) return INPUT;
    if (known !== undefined) {
      key.wasUsed = true;
      return { ...known.answer, replayed: true };
    }
    if (quota !== undefined && cost > quota.remaining)
      return { allowed: false, ...quota, replayed: undefined };
    if (cost > 0) key.wasUsed = true;
    if (quota === undefined) return undefined;
    key.used += cost;
    const answer = { allowed: true, ...key.quota };
    if (cost > 0 && once !== undefined) key.answers.set(once, { question: `check ${cost}`, answer });
    return { ...answer, replayed: undefined };
  }

  /**
   * A request with only this key. It charges one unit of a quota of the owner, and one unit of the quota of the
   * key.
   * @param {string} text
   * @param {number} limit
   */
  request(text, limit) {
    const found = this.#find(text);
    if (found === undefined) return { ok: false, code: 'invalid_api_key' };
    const { id, key, state } = found;
    const reason = this.#reason(key, state === 'revoked', []);
    if (reason === 'blocked') return { ok: false, code: 'blocked' };
    if (reason !== undefined) return { ok: false, code: 'invalid_api_key' };
    const charged = this.#charged.get(key.owner) ?? 0;
    const enough = charged < limit && (key.quota === undefined || key.quota.remaining > 0);
    if (!enough) return { ok: false, code: 'quota_exhausted', status: 429 };
    this.#charged.set(key.owner, charged + 1);
    this.#charge(key, 1, undefined);
    return {
      ok: true,
      auth: { userId: key.owner, apiKey: { keyId: id }, quota: { remaining: limit - charged - 1 } },
    };
  }

  /** @param {string} id @param {boolean} grace @param {any} actual the answer of the Auth, whose text is used */
  rotate(id, grace, actual) {
    const key = this.#keys.get(id);
    if (key === undefined || key.revoked) return INPUT;
    key.old = [{ text: key.text, works: grace }, ...key.old].slice(0, 8);
    key.text = actual.key;
    return { keyId: id };
  }

  /** @param {string} id */
  revoke(id) {
    const key = this.#keys.get(id);
    if (key === undefined || key.revoked) return false;
    key.revoked = true;
    return true;
  }

  /** @param {string} id @param {number} units @param {string} [once] */
  add(id, units, once) {
    const key = this.#keys.get(id);
    if (key?.facts.quota === undefined || kindOf(key.facts.quota) !== 'balance') return INPUT;
    const known = once === undefined ? undefined : key.answers.get(once);
    if (known !== undefined && known.question !== `add ${units}`) return INPUT;
    if (known !== undefined) return { ...known.answer, replayed: true };
    key.added += units;
    const answer = { allowed: true, ...key.quota };
    if (once !== undefined) key.answers.set(once, { question: `add ${units}`, answer });
    return { ...answer, replayed: undefined };
  }

  /** @param {string} id @param {Facts} patch */
  update(id, patch) {
    const key = this.#keys.get(id);
    if (key === undefined) return INPUT;
    const { quota } = key.facts;
    if (patch.quota !== undefined && quota !== undefined && kindOf(quota) !== kindOf(patch.quota)) {
      key.used = 0;
      key.added = 0;
    }
    key.facts = { ...key.facts, ...patch };
    return this.get(id);
  }

  /** @param {string} id */
  get(id) {
    const key = this.#keys.get(id);
    if (key === undefined) return null;
    const { name, scopes = [], metadata } = key.facts;
    return {
      keyId: id,
      ownerId: key.owner,
      name,
      scopes,
      metadata,
      revoked: key.revoked,
      lastUsedAt: key.wasUsed ? recent : null,
      quota: key.quota,
    };
  }

  /** @param {string} owner */
  list(owner) {
    return [...this.#keys].filter(([, key]) => key.owner === owner).map(([id]) => this.get(id));
  }

  /** @param {string} owner @param {boolean} keys */
  revokeUser(owner, keys) {
    for (const key of this.#keys.values()) if (keys && key.owner === owner) key.revoked = true;
    return { sessionsEnded: 0 };
  }

  /** @param {string} owner */
  blockUser(owner) {
    this.#blocked.add(owner);
    return { sessionsEnded: 0 };
  }

  /** @param {string} owner */
  unblockUser(owner) {
    return this.#blocked.delete(owner);
  }
}

module.exports = { KeyReference };
