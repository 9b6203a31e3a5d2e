// Stale refresh tokens. Endless rotations by a thief do not make the owner's token unknown. A caller that only
// guesses at a family cannot end its session.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { KIND, open, unique } = require('./support/auths.js');
const { flipped, numberOf, pasted, withNumber } = require('./support/forged.js');
const { ids, login, passes, refresh, why } = require('./support/logins.js');

/** @typedef {import('latchgate').Auth} Auth */

/**
 * Returns the thief's last token after a number of rotations.
 * @param {Auth} auth
 * @param {string} token
 * @param {number} times
 */
async function rotated(auth, token, times) {
  let last = token;
  for (let n = 0; n < times; n++) last = (await refresh(auth, last)).refreshToken;
  return last;
}

describe('a stale refresh token', () => {
  // A store that completes late takes minutes for thousands of rotations.
  for (const times of KIND === 'memory:' ? [10_001, 30_000] : [300])
    it(`ends the session after ${times} rotations by a thief`, async (t) => {
      const auth = open(t, { refresh: { graceWindow: 0 } });
      const user = unique();
      const { refreshToken } = await login(auth, user);
      const thief = await rotated(auth, refreshToken, times);
      assert.equal(numberOf(thief), times + 1);
      assert.deepEqual(await auth.tokens.refresh(refreshToken), { ok: false, reason: 'reused' });
      assert.deepEqual(await ids(auth, user), []);
      assert.equal(await why(auth, thief), 'revoked');
    });

  it('logs out at any age', async (t) => {
    const auth = open(t, { refresh: { graceWindow: 0 } });
    const user = unique();
    const first = await login(auth, user);
    await rotated(auth, first.refreshToken, 400);
    assert.equal(await auth.tokens.logout(first.refreshToken), true);
    assert.deepEqual(await ids(auth, user), []);
  });

  it('with any forged part is invalid, and ends nothing', async (t) => {
    const auth = open(t, { refresh: { graceWindow: 0 } });
    const [user, other] = [unique(), unique()];
    const first = await login(auth, user);
    const second = await refresh(auth, first.refreshToken);
    const live = await rotated(auth, second.refreshToken, 5);
    const strange = await login(auth, other);
    const spentElsewhere = strange.refreshToken;
    const liveElsewhere = await rotated(auth, spentElsewhere, 8);
    const forged = [first.refreshToken, live].flatMap((token) => flipped(token));
    for (const number of [0, 1, 2, 6, 7, 8, 9, 2 ** 48 - 1])
      if (number !== numberOf(live)) forged.push([`number ${number}`, withNumber(live, number)]);
    for (const token of [spentElsewhere, liveElsewhere]) {
      forged.push(['another family with its number', pasted(token, token, live)]);
      forged.push([
        'another family with the number of a used token',
        pasted(first.refreshToken, token, live),
      ]);
      forged.push(['another family with the number of the live token', pasted(live, token, live)]);
    }
    forged.push(['the form without a number', live.slice(0, 71)]);
    for (const [what, token] of forged) {
      assert.equal(await why(auth, token), 'invalid', what);
      assert.equal(await auth.tokens.logout(token), false, what);
    }
    assert.equal((await ids(auth, user)).length, 1);
    assert.equal((await ids(auth, other)).length, 1);
    assert.ok(await passes(auth, second.accessToken));
    await refresh(auth, live);
    await refresh(auth, liveElsewhere);
  });

  it('is replaced by a retried login, despite endless concurrent rotations', async (t) => {
    const auth = open(t, { refresh: { graceWindow: 0 } });
    const user = unique();
    const options = { requestId: 'r' };
    let token = (await login(auth, user, options)).refreshToken;
    let rotating = true;
    const thief = (async () => {
      while (rotating) {
        const answer = await auth.tokens.refresh(token);
        if (!answer.ok) return answer.reason;
        token = answer.refreshToken;
      }
      return 'none';
    })();
    const again = await login(auth, user, options);
    assert.equal(again.admission.existing, true);
    // The thief then uses a token that the login has replaced. The session ends for both.
    assert.equal(await thief, 'reused');
    rotating = false;
    assert.equal(await why(auth, again.refreshToken), 'revoked');
  });
});
