// User, session and token ids: which ids are refused, and that different ids never share state.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { fault, open, unique } = require('./support/auths.js');

/** @param {import('latchgate').Auth} auth @param {string} user */
const ids = async (auth, user) => (await auth.sessions.list(user)).map(({ sessionId }) => sessionId);

describe('ids', () => {
  const ODD = [
    'a:b',
    'a',
    'a:',
    ':b',
    '{a}',
    '{b}',
    'a{b}c',
    '*',
    '?',
    '[a]',
    '../a',
    'a b',
    ' ',
    '\t',
    '\n',
    '\0',
    'a\0',
    'a\0b',
    'caf\u00e9',
    'cafe\u0301',
    'İ',
    'i̇',
    'ß',
    'ss',
    '🙂',
    '\ufffd',
    '__proto__',
    'constructor',
    'toString',
    '0',
    '00',
    'null',
    'undefined',
    'x'.repeat(512),
    'é'.repeat(256),
  ];

  it('that resemble each other share no state, as user ids', async (t) => {
    const auth = open(t, { sessions: { limit: 1 } });
    for (const [index, user] of ODD.entries()) {
      const admission = await auth.sessions.admit(user, { sessionId: `s${index}` });
      assert.equal(admission.admitted, true, JSON.stringify(user));
    }
    for (const [index, user] of ODD.entries()) assert.deepEqual(await ids(auth, user), [`s${index}`]);
  });

  it('that resemble each other share no state, as session ids', async (t) => {
    const auth = open(t);
    const user = unique();
    for (const sessionId of ODD) await auth.sessions.admit(user, { sessionId });
    assert.deepEqual(await ids(auth, user), ODD.toReversed());
    await auth.sessions.end(user, 'cafe\u0301');
    assert.ok((await ids(auth, user)).includes('caf\u00e9'));
  });

  const BAD = [
    '',
    'x'.repeat(513),
    'é'.repeat(257),
    'x'.repeat(65_536),
    '\ud800',
    'a\udc00b',
    undefined,
    null,
    7,
    {},
    ['a'],
    Symbol('a'),
  ];

  it('other than well-formed strings of 1 to 512 bytes are refused everywhere, and change nothing', async (t) => {
    const auth = open(t);
    const user = unique();
    await auth.sessions.admit(user, { sessionId: 's' });
    /** @type {any} */
    const { sessions, tokens } = auth;
    for (const bad of BAD) {
      const calls = [
        () => sessions.admit(bad),
        () => sessions.touch(bad, 's'),
        () => sessions.touch(user, bad),
        () => sessions.end(bad, 's'),
        () => sessions.end(user, bad),
        () => sessions.endAll(bad),
        () => sessions.list(bad),
        () => tokens.issue(bad),
        () => tokens.revokeUser(bad),
        () => tokens.blockUser(bad),
        () => tokens.unblockUser(bad),
        () => tokens.isBlocked(bad),
        () => tokens.revokeId({ jti: bad, userId: user, expiresAt: Date.now() + 1000 }),
        () => tokens.revokeId({ jti: 'j', userId: bad, expiresAt: Date.now() + 1000 }),
        () => tokens.isRevoked({ jti: bad, userId: user }),
      ];
      if (bad !== undefined) {
        calls.push(
          () => sessions.admit(user, { sessionId: bad }),
          () => sessions.endAll(user, { except: bad }),
          () => tokens.issue(user, { sessionId: bad }),
        );
      }
      for (const call of calls)
        await assert.rejects(call(), fault('INPUT'), `${call} with ${String(bad).slice(0, 20)}`);
    }
    assert.deepEqual(await ids(auth, user), ['s']);
  });
});
