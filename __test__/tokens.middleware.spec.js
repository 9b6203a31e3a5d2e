// auth.tokens: issue, verify, and every way to end a token.
'use strict';

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const { describe, it } = require('node:test');
const { serve } = require('./support/app.js');
const { fault, open, unique } = require('./support/auths.js');
const { get } = require('./support/http.js');
const { SECRET, fresh, read, sign, token } = require('./support/jwt.js');

/** @typedef {import('latchgate').Auth} Auth */

/**
 * Returns the reason of the denial, or 'allowed'.
 * @param {Auth} auth
 * @param {string} text
 */
async function outcome(auth, text) {
  const answer = await auth.authenticate({ token: text });
  return answer.ok ? 'allowed' : answer.reason;
}

describe('issue()', () => {
  it('creates a token that this Auth accepts, with id, times and generation', async (t) => {
    const jwt = { secret: SECRET, issuer: 'https://a.test', audience: ['api', 'web'] };
    const auth = open(t, { jwt });
    const user = unique();
    const before = Date.now();
    const text = await auth.tokens.issue(user, {
      sessionId: 's',
      scope: ['a', 'b'],
      claims: { plan: { seats: 3 } },
      ttl: '5m',
    });
    const { jti, iat, exp, gen, ...rest } = read(text);
    assert.deepEqual(rest, {
      iss: 'https://a.test',
      sub: user,
      aud: 'api',
      sid: 's',
      scope: 'a b',
      plan: { seats: 3 },
    });
    assert.equal(Buffer.from(jti, 'base64url').length, 16);
    assert.equal(exp - iat, 300);
    assert.ok(iat * 1000 <= Date.now() && iat * 1000 > before - 1001);
    assert.ok(gen >= before * 1000 && gen <= (Date.now() + 1) * 1000);
    assert.equal(await outcome(auth, text), 'allowed');
    assert.deepEqual(await auth.tokens.verify(text), read(text));
  });

  it('creates a token that lives for accessTtl, 15 minutes by default', async (t) => {
    const usual = read(await open(t).tokens.issue('u'));
    assert.equal(usual.exp - usual.iat, 900);
    const auth = open(t, { jwt: { secret: SECRET, accessTtl: '2m' } });
    const short = read(await auth.tokens.issue('u'));
    assert.equal(short.exp - short.iat, 120);
    const brief = read(await auth.tokens.issue('u', { ttl: 1500 }));
    assert.ok(Math.abs(brief.exp - brief.iat - 1.5) < 1e-6);
  });

  it('never gives two tokens the same id or generation', async (t) => {
    const auth = open(t);
    const user = unique();
    const claims = [];
    for (let count = 0; count < 200; count++) claims.push(read(await auth.tokens.issue(user)));
    assert.equal(new Set(claims.map(({ jti }) => jti)).size, 200);
    assert.equal(new Set(claims.map(({ gen }) => gen)).size, 200);
  });

  it('admits no session', async (t) => {
    const auth = open(t, { sessions: {} });
    const user = unique();
    const text = await auth.tokens.issue(user, { sessionId: 's' });
    assert.equal(await outcome(auth, text), 'session_unknown');
    await auth.sessions.admit(user, { sessionId: 's' });
    assert.equal(await outcome(auth, text), 'allowed');
  });

  it('refuses claims that it sets itself, and values that JSON cannot represent', async (t) => {
    const auth = open(t, { jwt: { secret: SECRET, claims: { userId: 'uid', sessionId: 'tab' } } });
    /** @type {any} */
    const { tokens } = auth;
    for (const name of ['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti', 'gen', 'lgs', 'uid', 'tab']) {
      await assert.rejects(
        tokens.issue('u', { claims: { [name]: 1 } }),
        fault('INPUT', new RegExp(name)),
        name,
      );
    }
    const cyclic = { self: {} };
    cyclic.self = cyclic;
    for (const claims of [
      { a: undefined },
      { a: () => 1 },
      { a: 1n },
      { a: Number.NaN },
      { a: '\ud800' },
      { a: new Date() },
      { a: new Map() },
      [],
      'x',
      7,
      cyclic,
    ]) {
      await assert.rejects(tokens.issue('u', { claims }), fault('INPUT'));
    }
    for (const options of [
      { ttl: '2d' },
      { ttl: 0 },
      { ttl: -1 },
      { ttl: 'soon' },
      { scope: 'a"b' },
      { scope: [] },
      { scopes: 'a' },
      { claims: { scope: 'a' }, scope: 'b' },
    ]) {
      await assert.rejects(tokens.issue('u', options), fault('INPUT'), JSON.stringify(options));
    }
    await assert.rejects(
      tokens.issue('u', { claims: { filling: 'x'.repeat(9000) } }),
      fault('INPUT', /8192/),
    );
  });

  it('without a private key rejects', async (t) => {
    const { publicKey } = crypto.generateKeyPairSync('ed25519');
    const auth = open(t, { jwt: { publicKey } });
    await assert.rejects(auth.tokens.issue('u'), fault('CONFIG', /privateKey/));
  });
});

describe('without any key', () => {
  it('sessions and revocation by user work, and calls that need a key are ERR_LATCHGATE_CONFIG', async (t) => {
    const auth = open(t, { jwt: {} });
    const user = unique();
    await auth.sessions.admit(user);
    assert.deepEqual(await auth.tokens.revokeUser(user), { sessionsEnded: 1 });
    assert.equal(await auth.tokens.revokeId({ jti: 'j', userId: user, expiresAt: Date.now() + 1000 }), true);
    assert.equal(await auth.tokens.isRevoked({ jti: 'j', userId: user }), true);
    assert.throws(() => auth.middleware(), fault('CONFIG', /jwt\.secret/));
    const needy = [
      auth.tokens.issue(user),
      auth.tokens.verify('x'),
      auth.tokens.revoke('x'),
      auth.tokens.isRevoked('x'),
      auth.authenticate({ token: 'x' }),
    ];
    for (const answer of needy) await assert.rejects(answer, fault('CONFIG'));
  });
});

describe('verify()', () => {
  it('resolves with the frozen claims, or with null, and ignores revocations', async (t) => {
    const auth = open(t);
    const claims = fresh({ sub: unique(), deep: { x: 1 } });
    const text = sign(claims);
    const verified = await auth.tokens.verify(text);
    assert.ok(verified !== null && Object.isFrozen(verified) && Object.isFrozen(verified.deep));
    assert.deepEqual(verified, claims);
    assert.equal(await auth.tokens.verify(`${text}x`), null);
    await auth.tokens.revoke(text);
    assert.deepEqual(await auth.tokens.verify(text), claims);
  });

  it('resolves with null for a token over the size limit, even with a million characters', async (t) => {
    const auth = open(t);
    const exact = (/** @type {number} */ size) => {
      const base = sign(fresh({ filling: '' }));
      return sign({ ...read(base), filling: 'x'.repeat(Math.floor(((size - base.length) * 3) / 4)) });
    };
    assert.ok(exact(8192).length <= 8192 && exact(8192).length > 8180);
    assert.notEqual(await auth.tokens.verify(exact(8192)), null);
    assert.equal(await auth.tokens.verify(exact(8210)), null);
    const huge = exact(1_000_000);
    assert.equal(await auth.tokens.verify(huge), null);
    assert.equal(await outcome(auth, huge), 'token_too_large');
    assert.equal(await auth.tokens.revoke(huge), false);
    assert.equal(await auth.tokens.isRevoked(huge), true);
  });

  it('rejects a value that is not a string', async (t) => {
    /** @type {any} */
    const { tokens } = open(t);
    for (const bad of [undefined, null, 7, {}, ['x'], Buffer.from('x')]) {
      await assert.rejects(tokens.verify(bad), fault('INPUT'));
      await assert.rejects(tokens.revoke(bad), fault('INPUT'));
      await assert.rejects(tokens.isRevoked(bad), fault('INPUT'));
    }
  });
});

describe('revoke()', () => {
  it('revokes only this token, immediately, on every Auth of the store', async (t) => {
    const auth = open(t);
    const sub = unique();
    const [first, second] = [token({ sub }), token({ sub })];
    assert.equal(await outcome(auth, first), 'allowed', 'the token is allowed and cached');
    assert.equal(await auth.tokens.isRevoked(first), false);
    assert.equal(await auth.tokens.revoke(first), true);
    assert.equal(await outcome(auth, first), 'token_revoked');
    assert.equal(await auth.tokens.isRevoked(first), true);
    assert.equal(await outcome(auth, second), 'allowed');
  });

  it('resolves with true for both of two concurrent calls', async (t) => {
    const auth = open(t);
    const text = token({ sub: unique() });
    assert.deepEqual(await Promise.all([auth.tokens.revoke(text), auth.tokens.revoke(text)]), [true, true]);
    assert.equal(await outcome(auth, text), 'token_revoked');
  });

  it('resolves with false for an expired, foreign or damaged token', async (t) => {
    const auth = open(t);
    const now = Math.floor(Date.now() / 1000);
    assert.equal(await auth.tokens.revoke(token({ iat: now - 7200, exp: now - 3600 })), false);
    assert.equal(await auth.tokens.revoke(token({}, { key: 'x'.repeat(64) })), false);
    assert.equal(await auth.tokens.revoke('x'), false);
    assert.equal(await auth.tokens.revoke(''), false);
    assert.equal(await auth.tokens.isRevoked('x'), true, 'a token that does not verify counts as revoked');
  });

  it('also covers the other form of an ES256 signature', async (t) => {
    const { publicKey, privateKey } = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const auth = open(t, { jwt: { publicKey } });
    for (const jti of [unique('jti'), undefined]) {
      const text = sign({ ...fresh({ sub: unique() }), jti }, { alg: 'ES256', key: privateKey });
      const [header, payload, signature] = text.split('.');
      const bytes = Buffer.from(signature, 'base64url');
      const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
      const s = order - BigInt(`0x${bytes.subarray(32).toString('hex')}`);
      bytes.write(s.toString(16).padStart(64, '0'), 32, 'hex');
      const other = `${header}.${payload}.${bytes.toString('base64url')}`;
      assert.notEqual(other, text);
      assert.equal(await outcome(auth, text), 'allowed');
      assert.equal(await outcome(auth, other), 'allowed', 'both forms verify');
      await auth.tokens.revoke(text);
      assert.equal(await outcome(auth, text), 'token_revoked');
      assert.equal(await outcome(auth, other), 'token_revoked');
    }
  });

  it('distinguishes two tokens of one user if the jti of one equals the hash of the other', async (t) => {
    const auth = open(t);
    const sub = unique();
    const nameless = sign({ ...fresh({ sub }), jti: undefined });
    const digest = crypto
      .createHash('sha256')
      .update(nameless.slice(0, nameless.lastIndexOf('.')))
      .digest('base64url');
    const named = token({ sub, jti: digest });
    await auth.tokens.revoke(named);
    assert.equal(await outcome(auth, nameless), 'allowed');
    assert.equal(await outcome(auth, named), 'token_revoked');
  });

  it('keeps the claims of similar tokens separate', async (t) => {
    const auth = open(t);
    const port = await serve(t, (app) => {
      app.use(auth.middleware());
      app.get('/', (req, res) => void res.json(req.auth?.claims));
    });
    const sub = unique();
    const texts = Array.from({ length: 20 }, (_, mark) => sign({ ...fresh({ sub, jti: 'same' }), mark }));
    const bodies = await Promise.all([...texts, ...texts].map((text) => get(port, '/', text)));
    for (const [index, { body }] of bodies.entries()) assert.equal(JSON.parse(body).mark, index % 20);
  });
});

describe('revokeId() and isRevoked()', () => {
  it('revoke a token by its id, and report its state', async (t) => {
    const auth = open(t);
    const userId = unique();
    const text = token({ sub: userId, jti: 'the-id' });
    assert.equal(await auth.tokens.isRevoked({ jti: 'the-id', userId }), false);
    assert.equal(
      await auth.tokens.revokeId({ jti: 'the-id', userId, expiresAt: read(text).exp * 1000 }),
      true,
    );
    assert.equal(await outcome(auth, text), 'token_revoked');
    assert.equal(await auth.tokens.isRevoked({ jti: 'the-id', userId }), true);
    assert.equal(
      await outcome(auth, token({ sub: unique(), jti: 'the-id' })),
      'allowed',
      'a token of another user',
    );
  });

  it('return false for an expired id, and reject seconds in place of milliseconds', async (t) => {
    const auth = open(t);
    const id = { jti: 'j', userId: unique() };
    assert.equal(await auth.tokens.revokeId({ ...id, expiresAt: Date.now() - 1 }), false);
    const seconds = Math.floor(Date.now() / 1000) + 60;
    await assert.rejects(auth.tokens.revokeId({ ...id, expiresAt: seconds }), fault('INPUT', /milliseconds/));
    /** @type {any} */
    const { tokens } = auth;
    for (const expiresAt of [undefined, Number.NaN, -1, '2030-01-01', Number.POSITIVE_INFINITY, 1e300]) {
      await assert.rejects(tokens.revokeId({ ...id, expiresAt }), fault('INPUT', /expiresAt/));
    }
    await assert.rejects(tokens.revokeId({ ...id, exp: 1 }), fault('INPUT'));
    await assert.rejects(tokens.revokeId('j'), fault('INPUT'));
    assert.equal(await auth.tokens.isRevoked(id), false);
  });
});

describe('revokeUser(), blockUser() and unblockUser()', () => {
  it('revokeUser() ends all sessions and tokens, and an immediate login works', async (t) => {
    const auth = open(t, { sessions: { admission: 'first-use' } });
    const user = unique();
    const old = await auth.tokens.issue(user, { sessionId: 'a' });
    const foreign = token({ sub: user, sid: 'b' });
    assert.equal(await outcome(auth, old), 'allowed');
    assert.equal(await outcome(auth, foreign), 'allowed');
    assert.deepEqual(await auth.tokens.revokeUser(user), { sessionsEnded: 2 });
    const next = await auth.tokens.issue(user, { sessionId: 'c' });
    assert.equal(await outcome(auth, old), 'user_revoked');
    assert.equal(await outcome(auth, foreign), 'user_revoked');
    assert.equal(await outcome(auth, next), 'allowed');
    assert.equal(await auth.tokens.isRevoked(old), true);
    assert.equal(await auth.tokens.isRevoked(next), false);
    assert.deepEqual(await auth.tokens.revokeUser(user), { sessionsEnded: 1 });
    assert.equal(await outcome(auth, next), 'user_revoked');
  });

  it('revokeUser() revokes no token of another user', async (t) => {
    const auth = open(t);
    const [user, other] = [unique(), unique()];
    const text = await auth.tokens.issue(other);
    await auth.tokens.revokeUser(user);
    assert.equal(await outcome(auth, text), 'allowed');
  });

  it('blockUser() denies all tokens, including new tokens, until unblockUser()', async (t) => {
    const auth = open(t);
    const user = unique();
    await auth.sessions.admit(user);
    const old = await auth.tokens.issue(user);
    assert.deepEqual(await auth.tokens.blockUser(user), { sessionsEnded: 1 });
    const during = await auth.tokens.issue(user);
    assert.equal(await outcome(auth, during), 'user_blocked');
    assert.equal(
      await outcome(auth, token({ sub: user, iat: Math.floor(Date.now() / 1000) + 30 })),
      'user_blocked',
    );
    assert.equal(await auth.tokens.isRevoked(during), true);
    const refused = await auth.sessions.admit(user);
    assert.deepEqual([refused.admitted, !refused.admitted && refused.reason], [false, 'blocked']);
    assert.equal(await auth.tokens.isBlocked(user), true);
    assert.equal(await auth.tokens.unblockUser(user), true);
    assert.equal(await auth.tokens.unblockUser(user), false);
    assert.equal(await auth.tokens.isBlocked(user), false);
    assert.equal(await outcome(auth, during), 'allowed');
    assert.equal(await outcome(auth, old), 'user_revoked');
    assert.equal((await auth.sessions.admit(user)).admitted, true);
  });

  it('invalid arguments are refused, and revoke nothing', async (t) => {
    const auth = open(t);
    const user = unique();
    const text = await auth.tokens.issue(user);
    /** @type {any} */
    const { tokens } = auth;
    for (const until of [Number.NaN, -1, '1h', Math.floor(Date.now() / 1000) + 60, 1e300, true]) {
      await assert.rejects(tokens.blockUser(user, { until }), fault('INPUT', /until/), String(until));
    }
    for (const options of [{ barier: true }, { barrier: 'yes' }, 'x', { apiKeys: 1 }]) {
      await assert.rejects(tokens.revokeUser(user, options), fault('INPUT'), JSON.stringify(options));
    }
    assert.equal(await outcome(auth, text), 'allowed');
  });
});
