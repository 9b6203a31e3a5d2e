// docs/options.md and the code list the same options.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');
const { createAuth } = require('latchgate');
const { open } = require('./support/auths.js');
const { SECRET } = require('./support/jwt.js');

const TEXT = fs.readFileSync(path.join(__dirname, '..', 'docs', 'options.md'), 'utf8');
const jwt = { secret: SECRET };
/** An unknown option name that resembles no option. The error message then lists all known options. */
const UNKNOWN = { qqqqqqqqqqqqqqqqqqqq: 1 };
const RULE = { limit: 1 };

/** @typedef {import('latchgate').Auth} Auth */

/**
 * For each section, by its heading: calls that refuse an unknown option of that section.
 * @type {Record<string, Array<(auth: any) => unknown>>}
 */
const SECTIONS = {
  'createAuth(options)': [() => createAuth(/** @type {any} */ (UNKNOWN))],
  store: [() => createAuth({ store: /** @type {any} */ (UNKNOWN) })],
  onStoreError: [() => createAuth({ onStoreError: /** @type {any} */ (UNKNOWN) })],
  jwt: [() => createAuth({ jwt: /** @type {any} */ (UNKNOWN) })],
  'jwt.claims': [() => createAuth({ jwt: { ...jwt, claims: /** @type {any} */ (UNKNOWN) } })],
  sessions: [() => createAuth({ jwt, sessions: /** @type {any} */ (UNKNOWN) })],
  refresh: [() => createAuth({ jwt, refresh: /** @type {any} */ (UNKNOWN) })],
  apiKeys: [() => createAuth({ jwt, apiKeys: /** @type {any} */ (UNKNOWN) })],
  'auth.middleware(policy)': [
    (auth) => auth.middleware(UNKNOWN),
    (auth) => auth.authenticate({ token: 'x' }, UNKNOWN),
  ],
  'quota of a policy': [(auth) => auth.middleware({ quota: UNKNOWN })],
  'auth.authenticate(credentials, policy)': [(auth) => auth.authenticate(UNKNOWN)],
  'Options of a turn': [
    (auth) => auth.serialize(UNKNOWN),
    (auth) => auth.locks.acquire('key', UNKNOWN),
    (auth) => auth.locks.runExclusive('key', () => {}, UNKNOWN),
  ],
  'issue(userId, options)': [(auth) => auth.tokens.issue('ada', UNKNOWN)],
  'login(userId, options)': [(auth) => auth.tokens.login('ada', UNKNOWN)],
  'refresh(refreshToken, options)': [(auth) => auth.tokens.refresh('x', UNKNOWN)],
  'revokeId(id)': [(auth) => auth.tokens.revokeId(UNKNOWN)],
  'isRevoked(tokenOrId)': [(auth) => auth.tokens.isRevoked(UNKNOWN)],
  'revokeUser(userId, options)': [(auth) => auth.tokens.revokeUser('ada', UNKNOWN)],
  'blockUser(userId, options)': [(auth) => auth.tokens.blockUser('ada', UNKNOWN)],
  'admit(userId, options)': [(auth) => auth.sessions.admit('ada', UNKNOWN)],
  'endAll(userId, options)': [(auth) => auth.sessions.endAll('ada', UNKNOWN)],
  'create(options)': [(auth) => auth.apiKeys.create(UNKNOWN)],
  'check(key, options)': [(auth) => auth.apiKeys.check('x', UNKNOWN)],
  'rotate(keyId, options)': [(auth) => auth.apiKeys.rotate('x', UNKNOWN)],
  'addQuota(keyId, units, options)': [(auth) => auth.apiKeys.addQuota('x', 1, UNKNOWN)],
  'update(keyId, patch)': [(auth) => auth.apiKeys.update('x', UNKNOWN)],
  "A quota's rule": [
    (auth) => auth.quotas.consume('key', UNKNOWN),
    (auth) => auth.quotas.add('key', UNKNOWN, 1),
    (auth) => auth.quotas.peek('key', UNKNOWN),
    (auth) => auth.apiKeys.create({ ownerId: 'ada', quota: UNKNOWN }),
  ],
  'consume(key, rule, options)': [(auth) => auth.quotas.consume('key', RULE, UNKNOWN)],
  'add(key, rule, units, options)': [(auth) => auth.quotas.add('key', RULE, 1, UNKNOWN)],
  'counters.add(userId, name, delta, options)': [(auth) => auth.counters.add('ada', 'x', 1, UNKNOWN)],
  'counters.apply(userId, changes, options)': [
    (auth) => auth.counters.apply('ada', [{ name: 'x', delta: 1 }], UNKNOWN),
  ],
  'A change of counters.apply': [(auth) => auth.counters.apply('ada', [UNKNOWN])],
  'once(key, options)': [(auth) => auth.once('key', UNKNOWN)],
};

/** Returns the options in the tables of each section. @returns {Map<string, string[]>} */
function listed() {
  const sections = new Map();
  for (const part of TEXT.split(/^#+ /m).slice(1)) {
    const heading = part.slice(0, part.indexOf('\n')).replaceAll('`', '');
    const [, table] = /^\| option \|.*\n\|[-|]+\|\n((?:\|.*\n)+)/m.exec(part) ?? [];
    if (table === undefined) continue;
    assert.ok(!sections.has(heading), `two sections have the heading ${heading}`);
    sections.set(
      heading,
      [...table.matchAll(/^\| `(\w+)` \| [^|\s]/gm)].map(([, name]) => name),
    );
  }
  return sections;
}

/** Returns the known options from the message of the refusal. @param {(auth: any) => unknown} ask @param {Auth} auth */
async function known(ask, auth) {
  const message = await Promise.resolve()
    .then(() => ask(auth))
    .then(
      () => 'nothing was refused',
      (error) => error.message,
    );
  const [, names] = /unknown option .*known are (.+)$/s.exec(message) ?? assert.fail(message);
  return names.split(', ').map((name) => name.split('.').at(-1) ?? '');
}

describe('docs/options.md', () => {
  it('has a table for each tested section, and no other table', () => {
    assert.deepEqual([...listed().keys()].sort(), Object.keys(SECTIONS).sort());
  });

  for (const [heading, asks] of Object.entries(SECTIONS)) {
    it(`lists the accepted options, each with a default: ${heading}`, async (t) => {
      const auth = open(t, { jwt, apiKeys: {}, sessions: { limit: 3 } });
      const names = listed().get(heading)?.sort();
      for (const ask of asks) assert.deepEqual(names, (await known(ask, auth)).sort());
    });
  }

  it('lists every method of an Auth and its parts', (t) => {
    const auth = open(t, { jwt });
    const parts = [auth, auth.tokens, auth.sessions, auth.apiKeys, auth.quotas, auth.counters, auth.locks];
    const methods = parts.flatMap((part) => Object.getOwnPropertyNames(Object.getPrototypeOf(part)));
    for (const method of methods.filter((name) => name !== 'constructor'))
      assert.match(TEXT, new RegExp(`\\b${method}\\(`), method);
  });
});
