// Tokens of several issuers and of foreign keys: which user they belong to, and which claims count.
'use strict';

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const { describe, it } = require('node:test');
const { fault, open, unique } = require('./support/auths.js');
const { SECRET, jwkOf, read, token } = require('./support/jwt.js');

const OURS = 'https://ours.test';
const THEIRS = 'https://theirs.test';
const jwt = { secret: SECRET, issuer: [OURS, THEIRS] };

/** @param {import('latchgate').Auth} auth @param {string} text */
async function outcome(auth, text) {
  const answer = await auth.authenticate({ token: text });
  return answer.ok ? 'allowed' : answer.reason;
}

describe('of several issuers', () => {
  it('users of the first issuer have their sub as id, all other users have iss and sub', async (t) => {
    const auth = open(t, { jwt });
    const sub = unique();
    const ours = await auth.authenticate({ token: token({ sub, iss: OURS }) });
    const theirs = await auth.authenticate({ token: token({ sub, iss: THEIRS }) });
    assert.equal(ours.ok && ours.auth.userId, sub);
    assert.equal(theirs.ok && theirs.auth.userId, `${THEIRS} ${sub}`);
    assert.equal(await outcome(auth, token({ sub, iss: 'https://other.test' })), 'token_issuer');
    assert.equal(await outcome(auth, token({ sub })), 'token_issuer');
    assert.equal(await outcome(auth, token({ sub, iss: [OURS] })), 'token_claims');
  });

  it('with the same sub, a call about one user does not affect the other', async (t) => {
    const auth = open(t, { jwt, sessions: { limit: 1, admission: 'first-use' } });
    const sub = unique();
    const ours = token({ sub, iss: OURS, sid: 's' });
    const theirs = token({ sub, iss: THEIRS, sid: 's' });
    assert.equal(await outcome(auth, ours), 'allowed');
    assert.equal(await outcome(auth, theirs), 'allowed');
    await auth.tokens.revokeUser(`${THEIRS} ${sub}`);
    assert.equal(await outcome(auth, ours), 'allowed');
    assert.equal(await outcome(auth, theirs), 'user_revoked');
    await auth.tokens.blockUser(sub);
    assert.equal(await outcome(auth, ours), 'user_blocked');
    assert.equal(await outcome(auth, theirs), 'user_revoked');
  });

  it('the same jti from each issuer is a different token', async (t) => {
    const auth = open(t, { jwt });
    const sub = unique();
    const ours = token({ sub, iss: OURS, jti: 'j' });
    const theirs = token({ sub, iss: THEIRS, jti: 'j' });
    await auth.tokens.revoke(theirs);
    assert.equal(await outcome(auth, theirs), 'token_revoked');
    assert.equal(await outcome(auth, ours), 'allowed');
    const id = { jti: 'j', userId: sub, expiresAt: read(ours).exp * 1000 };
    await assert.rejects(auth.tokens.revokeId(id), fault('INPUT', /iss/));
    await assert.rejects(auth.tokens.isRevoked({ jti: 'j', userId: sub }), fault('INPUT', /iss/));
    await assert.rejects(auth.tokens.revokeId({ ...id, iss: 'https://other.test' }), fault('INPUT', /iss/));
    assert.equal(await auth.tokens.isRevoked({ jti: 'j', userId: sub, iss: OURS }), false);
    assert.equal(await auth.tokens.isRevoked({ jti: 'j', userId: `${THEIRS} ${sub}`, iss: THEIRS }), true);
    assert.equal(await auth.tokens.revokeId({ ...id, iss: OURS }), true);
    assert.equal(await outcome(auth, ours), 'token_revoked');
  });

  it('a sub of the first issuer that looks like a user id of another issuer is refused', async (t) => {
    const auth = open(t, { jwt });
    assert.equal(await outcome(auth, token({ sub: `${THEIRS} eve`, iss: OURS })), 'token_claims');
    assert.equal(await outcome(auth, token({ sub: THEIRS, iss: OURS })), 'allowed');
    assert.equal(await outcome(auth, token({ sub: `${THEIRS}.eve x`, iss: OURS })), 'allowed');
    assert.equal(await outcome(auth, token({ sub: `${THEIRS} eve`, iss: THEIRS })), 'allowed');
    await assert.rejects(auth.tokens.issue(`${THEIRS} eve`), fault('INPUT'));
  });

  it("issue() writes the first issuer, and its tokens belong to that issuer's user", async (t) => {
    const auth = open(t, { jwt });
    const user = unique();
    const text = await auth.tokens.issue(user);
    assert.equal(read(text).iss, OURS);
    const answer = await auth.authenticate({ token: text });
    assert.equal(answer.ok && answer.auth.userId, user);
  });
});

describe('a configured audience', () => {
  it('must be in the token’s aud, with the right JSON type', async (t) => {
    const auth = open(t, { jwt: { secret: SECRET, audience: ['api', 'web'] } });
    for (const aud of ['api', 'web', ['other', 'web']])
      assert.equal(await outcome(auth, token({ aud })), 'allowed');
    for (const aud of ['other', [], 'API', 'api web', undefined]) {
      assert.notEqual(await outcome(auth, token({ aud })), 'allowed', JSON.stringify(aud));
    }
    for (const aud of [7, { api: true }, [['api']], ['api', 7], null, true]) {
      assert.notEqual(await outcome(auth, token({ aud })), 'allowed', JSON.stringify(aud));
    }
  });
});

describe('claims that only the own key may set', () => {
  const own = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const foreign = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwks = {
    keys: [
      { ...jwkOf(own.publicKey), kid: 'own' },
      { ...jwkOf(foreign.publicKey), kid: 'foreign' },
    ],
  };
  const mixed = { jwks, privateKey: own.privateKey };
  /** @param {object} claims */
  const ownToken = (claims) => token(claims, { alg: 'ES256', key: own.privateKey, header: { kid: 'own' } });
  /** @param {object} claims */
  const foreignToken = (claims) =>
    token(claims, { alg: 'ES256', key: foreign.privateKey, header: { kid: 'foreign' } });

  it('gen of a foreign key does not exempt a token from revokeUser()', async (t) => {
    const auth = open(t, { jwt: mixed });
    const sub = unique();
    const gen = (Date.now() + 3_600_000) * 1000;
    await auth.tokens.revokeUser(sub);
    assert.equal(await outcome(auth, foreignToken({ sub, gen })), 'user_revoked');
    assert.equal(await outcome(auth, ownToken({ sub, gen })), 'allowed');
    assert.equal(await outcome(auth, ownToken({ sub, gen: 1 })), 'user_revoked');
    assert.equal(await outcome(auth, ownToken({ sub })), 'user_revoked', 'without gen, iat decides');
  });

  it('gen and lgs of a wrong type invalidate a token of the own key', async (t) => {
    const auth = open(t, { jwt: mixed });
    for (const claims of [
      { gen: '1' },
      { gen: -1 },
      { gen: 1.5 },
      { gen: 2 ** 60 },
      { lgs: '1' },
      { lgs: true },
      { lgs: 2 },
      { lgs: 0 },
    ]) {
      assert.equal(await outcome(auth, ownToken(claims)), 'token_claims', JSON.stringify(claims));
      assert.equal(await outcome(auth, foreignToken(claims)), 'allowed', JSON.stringify(claims));
    }
  });

  it('lgs of the own key enables the session check even if sessions are not configured', async (t) => {
    const auth = open(t, { jwt: mixed });
    const sub = unique();
    assert.equal(await outcome(auth, ownToken({ sub, sid: 's', lgs: 1 })), 'session_unknown');
    assert.equal(await outcome(auth, ownToken({ sub, sid: 's' })), 'allowed');
    assert.equal(await outcome(auth, foreignToken({ sub, sid: 's', lgs: 1 })), 'allowed');
    await auth.sessions.admit(sub, { sessionId: 's' });
    assert.equal(await outcome(auth, ownToken({ sub, sid: 's', lgs: 1 })), 'allowed');
    await auth.sessions.end(sub, 's');
    assert.equal(await outcome(auth, ownToken({ sub, sid: 's', lgs: 1 })), 'session_ended');
  });

  it('lgs of the own key is never admitted by first use', async (t) => {
    const auth = open(t, { jwt: mixed, sessions: { admission: 'first-use' } });
    const sub = unique();
    assert.equal(await outcome(auth, ownToken({ sub, sid: 's', lgs: 1 })), 'session_unknown');
    assert.deepEqual(await auth.sessions.list(sub), []);
    assert.equal(await outcome(auth, foreignToken({ sub, sid: 's', lgs: 1 })), 'allowed');
    assert.equal(
      await outcome(auth, ownToken({ sub, sid: 's', lgs: 1 })),
      'allowed',
      'the session is live now',
    );
  });

  it('with only a public key, no token counts as issued by this Auth', async (t) => {
    const auth = open(t, { jwt: { publicKey: own.publicKey } });
    const sub = unique();
    await auth.tokens.revokeUser(sub);
    assert.equal(await outcome(auth, ownToken({ sub, gen: (Date.now() + 60_000) * 1000 })), 'user_revoked');
    assert.equal(await outcome(auth, ownToken({ sub: unique(), lgs: 1 })), 'session_unknown');
  });
});

describe('ids in tokens', () => {
  it('are printable strings of 1 to 512 bytes, otherwise the token is invalid', async (t) => {
    const auth = open(t);
    for (const name of ['sub', 'jti', 'sid']) {
      for (const bad of ['', 'x'.repeat(513), 'é'.repeat(257), 'a\0b', 'a\nb', 7, null, true, ['a'], {}]) {
        assert.equal(
          await outcome(auth, token({ [name]: bad })),
          'token_claims',
          `${name}: ${JSON.stringify(bad)}`,
        );
      }
      for (const good of ['a:b', '{a}', '*', 'x'.repeat(512), 'café', 'cafe\u0301', '🙂']) {
        assert.equal(
          await outcome(auth, token({ [name]: good })),
          'allowed',
          `${name}: ${JSON.stringify(good)}`,
        );
      }
    }
  });
});
