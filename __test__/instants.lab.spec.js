// The effect of time on tokens: exp, nbf and iat, and how long revocations, epochs and blocks last.
'use strict';

const assert = require('node:assert/strict');
const { after, beforeEach, describe, it } = require('node:test');
const { open, unique } = require('./support/auths.js');
const { SECRET, fresh, read, sign } = require('./support/jwt.js');
const { DAY, HOUR, MINUTE, SECOND, START, clock } = require('./support/lab.js');

const NOW = Math.floor(START / 1000);

beforeEach(() => clock.set(START));
after(() => clock.release());

/** @param {object} claims */
const signed = (claims) => sign(fresh(claims, START));

/**
 * Returns the reason of the denial, or 'allowed'.
 * @param {import('latchgate').Auth} auth
 * @param {string} token
 */
async function outcome(auth, token) {
  const answer = await auth.authenticate({ token });
  return answer.ok ? 'allowed' : answer.reason;
}

describe('exp', () => {
  it('is checked again on a token that was verified before', async (t) => {
    const auth = open(t);
    const token = signed({ exp: NOW + 10 });
    assert.equal(await outcome(auth, token), 'allowed');
    clock.set((NOW + 10) * 1000 - 1);
    assert.equal(await outcome(auth, token), 'allowed');
    clock.advance(1);
    assert.equal(await outcome(auth, token), 'token_expired');
    assert.equal(await auth.tokens.verify(token), null);
  });

  it('is extended by clockTolerance and no further', async (t) => {
    const auth = open(t, { jwt: { secret: SECRET, clockTolerance: '5s' } });
    const token = signed({ exp: NOW + 10 });
    clock.set((NOW + 15) * 1000 - 1);
    assert.equal(await outcome(auth, token), 'allowed');
    clock.advance(1);
    assert.equal(await outcome(auth, token), 'token_expired');
  });

  it('may contain a fraction of a second', async (t) => {
    const auth = open(t);
    const token = signed({ exp: NOW + 10.25 });
    clock.set((NOW + 10) * 1000 + 249);
    assert.equal(await outcome(auth, token), 'allowed');
    clock.advance(1);
    assert.equal(await outcome(auth, token), 'token_expired');
  });
});

describe('nbf', () => {
  it('denies a token before its time, and allows it from then on', async (t) => {
    const auth = open(t);
    const token = signed({ nbf: NOW + 60 });
    assert.equal(await outcome(auth, token), 'token_not_yet_valid');
    clock.set((NOW + 60) * 1000 - 1);
    assert.equal(await outcome(auth, token), 'token_not_yet_valid');
    clock.advance(1);
    assert.equal(await outcome(auth, token), 'allowed');
  });

  it('is checked again if the clock steps back after the token was verified', async (t) => {
    const auth = open(t);
    const token = signed({ nbf: NOW });
    assert.equal(await outcome(auth, token), 'allowed');
    clock.advance(-HOUR);
    assert.notEqual(await outcome(auth, token), 'allowed');
  });
});

describe('iat', () => {
  it('may be a minute plus the tolerance in the future, and not longer', async (t) => {
    const auth = open(t, { jwt: { secret: SECRET, clockTolerance: '5s' } });
    clock.set(NOW * 1000);
    assert.equal(await outcome(auth, signed({ iat: NOW + 65 })), 'allowed');
    assert.equal(await outcome(auth, signed({ iat: NOW + 66 })), 'token_issued_in_future');
  });

  it('is required, and limits the lifetime of a token to maxAge', async (t) => {
    const auth = open(t, { jwt: { secret: SECRET, maxAge: '2h' } });
    assert.equal(await outcome(auth, signed({ iat: undefined })), 'token_claims');
    assert.equal(await outcome(auth, signed({ exp: NOW + 7200 })), 'allowed');
    assert.equal(await outcome(auth, signed({ exp: NOW + 7201 })), 'token_max_age');
  });
});

describe('revoke()', () => {
  it('outlasts exp and the tolerance, so that the token is never accepted again', async (t) => {
    const auth = open(t, { jwt: { secret: SECRET, clockTolerance: '30s' } });
    const token = signed({ exp: NOW + 10 });
    assert.equal(await auth.tokens.revoke(token), true);
    for (let ms = 0; ms <= 41_000; ms += 250) {
      clock.set(START + ms);
      assert.notEqual(await outcome(auth, token), 'allowed', `${ms} ms later`);
    }
  });

  it('accepts a token between exp and exp + tolerance, and refuses an expired token', async (t) => {
    const auth = open(t, { jwt: { secret: SECRET, clockTolerance: '30s' } });
    const token = signed({ exp: NOW + 10 });
    const other = signed({ exp: NOW + 10 });
    clock.set((NOW + 40) * 1000 - 1);
    assert.equal(await outcome(auth, token), 'allowed');
    assert.equal(await auth.tokens.revoke(token), true);
    assert.equal(await outcome(auth, token), 'token_revoked');
    clock.advance(1);
    assert.equal(await auth.tokens.revoke(other), false);
    assert.equal(await auth.tokens.revoke(token), false);
  });

  it('keeps the later expiry if the same id is revoked again for a shorter time', async (t) => {
    const auth = open(t);
    const userId = unique();
    const jti = unique('jti');
    await auth.tokens.revokeId({ jti, userId, expiresAt: START + 5 * HOUR });
    await auth.tokens.revokeId({ jti, userId, expiresAt: START + MINUTE });
    clock.set(START + 5 * HOUR - 1);
    assert.equal(await auth.tokens.isRevoked({ jti, userId }), true);
  });

  it('accepts a token that is not valid yet', async (t) => {
    const auth = open(t);
    const token = signed({ nbf: NOW + 60 });
    assert.equal(await auth.tokens.revoke(token), true);
    clock.advance(2 * MINUTE);
    assert.equal(await outcome(auth, token), 'token_revoked');
  });
});

describe('revokeUser()', () => {
  it('revokes every token issued in the same millisecond or before, and no token issued later', async (t) => {
    const auth = open(t);
    const user = unique();
    const before = [];
    for (let count = 0; count < 50; count++) before.push(await auth.tokens.issue(user));
    await auth.tokens.revokeUser(user);
    const afterwards = [];
    for (let count = 0; count < 50; count++) afterwards.push(await auth.tokens.issue(user));
    for (const token of before) assert.equal(await outcome(auth, token), 'user_revoked');
    for (const token of afterwards) assert.equal(await outcome(auth, token), 'allowed');
    const generations = [...before, ...afterwards].map((token) => read(token).gen);
    assert.equal(new Set(generations).size, 100, 'no two tokens of a user share a gen');
    assert.deepEqual(
      generations,
      generations.toSorted((a, b) => a - b),
    );
  });

  it('revokes the tokens issued before the clock stepped back, and no token issued later', async (t) => {
    const auth = open(t);
    const user = unique();
    const before = await auth.tokens.issue(user);
    clock.advance(-30 * SECOND);
    await auth.tokens.revokeUser(user);
    const afterwards = await auth.tokens.issue(user);
    assert.equal(await outcome(auth, before), 'user_revoked');
    assert.equal(await outcome(auth, afterwards), 'allowed');
    clock.advance(60 * SECOND);
    assert.equal(await outcome(auth, before), 'user_revoked');
    assert.equal(await outcome(auth, afterwards), 'allowed');
  });

  it('revokes foreign tokens with an iat up to this second plus the clock lead of their issuer, and no later token', async (t) => {
    const jwt = { secret: SECRET, clockTolerance: '1m', issuerClockLead: '5s' };
    const auth = open(t, { jwt });
    const sub = unique();
    await auth.tokens.revokeUser(sub);
    assert.equal(await outcome(auth, signed({ sub, iat: NOW - 100 })), 'user_revoked');
    assert.equal(await outcome(auth, signed({ sub, iat: NOW })), 'user_revoked');
    assert.equal(await outcome(auth, signed({ sub, iat: NOW + 0.9 })), 'user_revoked');
    assert.equal(await outcome(auth, signed({ sub, iat: NOW + 5 })), 'user_revoked');
    assert.equal(await outcome(auth, signed({ sub, iat: NOW + 6 })), 'allowed');
  });

  it('is kept for as long as an older token could be accepted', async (t) => {
    const auth = open(t, {
      jwt: { secret: SECRET, maxAge: '2h', clockTolerance: '1m', issuerClockLead: '1m' },
    });
    const sub = unique();
    clock.set(NOW * 1000);
    await auth.tokens.revokeUser(sub);
    // The longest-lived token that the revocation covers: its iat is ahead by the full lead.
    const token = signed({ sub, iat: NOW + 60, exp: NOW + 60 + 7200 });
    for (let minutes = 0; minutes <= 2 * 60 + 4; minutes++) {
      clock.set(NOW * 1000 + minutes * MINUTE);
      assert.notEqual(await outcome(auth, token), 'allowed', `${minutes} minutes later`);
    }
  });

  it('is not undone by a second call while the clock is set back', async (t) => {
    const auth = open(t);
    const sub = unique();
    const token = signed({ sub });
    await auth.tokens.revokeUser(sub);
    clock.advance(-2 * MINUTE);
    await auth.tokens.revokeUser(sub);
    clock.advance(3 * MINUTE);
    assert.equal(await outcome(auth, token), 'user_revoked');
  });
});

describe('blockUser()', () => {
  it('lasts until its end, and the tokens that it revoked stay revoked', async (t) => {
    const auth = open(t);
    const user = unique();
    const old = await auth.tokens.issue(user, { ttl: '10h' });
    await auth.tokens.blockUser(user, { until: START + HOUR });
    const during = await auth.tokens.issue(user, { ttl: '10h' });
    clock.set(START + HOUR - 1);
    assert.equal(await outcome(auth, during), 'user_blocked');
    assert.deepEqual(await auth.sessions.admit(user), {
      admitted: false,
      reason: 'blocked',
      active: 0,
      limit: null,
      retryAfterMs: 1,
    });
    clock.advance(1);
    assert.equal(await outcome(auth, during), 'allowed');
    assert.equal((await auth.sessions.admit(user)).admitted, true);
    assert.equal(await outcome(auth, old), 'user_revoked');
    assert.equal(await auth.tokens.unblockUser(user), false);
  });

  it('without an end is permanent, even after all tokens of the user expired', async (t) => {
    const auth = open(t);
    const user = unique();
    await auth.tokens.blockUser(user);
    clock.advance(400 * DAY);
    const iat = Math.floor(clock.now() / 1000);
    assert.equal(await outcome(auth, sign(fresh({ sub: user, iat, exp: iat + 60 }))), 'user_blocked');
    assert.equal(await auth.tokens.unblockUser(user), true);
    assert.equal(await outcome(auth, sign(fresh({ sub: user, iat, exp: iat + 60 }))), 'allowed');
  });
});
