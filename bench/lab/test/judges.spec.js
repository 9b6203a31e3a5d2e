// The judges of the lab: which results are violations, and which results are too uncertain to count.
'use strict';

const assert = require('node:assert/strict');
const { before, describe, it } = require('node:test');
const { entry, logOf, planOf, yes } = require('./support.js');

/** @typedef {import('../lib/drive.js').Entry} Entry */

/** @param {string} id @param {Entry[]} log @param {Parameters<typeof planOf>[1]} [load] */
const judged = async (id, log, load) => (await planOf(id, load)).judge(log);

/** @param {import('../lib/app.js').Judged} found */
const counts = ({ tried, violations }) => ({ tried, violations });

describe('the judge of the session limit (S1)', () => {
  const three = [1, 2, 3].map((at) => entry('login', 'a', [at, at + 0.5], 201));

  it('counts a login that was admitted while the limit was certainly reached', async () => {
    const found = await judged('S1', logOf(...three, entry('login', 'a', [4, 5], 201)));
    assert.deepEqual(counts(found), { tried: 4, violations: 1 });
    assert.deepEqual(found.decisions, { tried: 4, wrong: 1 });
    assert.deepEqual(
      found.caught?.requests.map(({ culprit = false }) => culprit),
      [false, false, false, true],
    );
  });

  it("does not count a login if a logout may have preceded it, if it was refused, or if it is another user's", async () => {
    const out = entry('logout', 'a', [4, 6], 204);
    const log = logOf(...three, out, entry('login', 'a', [4, 5], 201), entry('login', 'a', [7, 8], 403));
    assert.deepEqual(counts(await judged('S1', [...log, entry('login', 'b', [9, 10], 201)])), {
      tried: 6,
      violations: 0,
    });
  });
});

describe('the judge of last activity (S2)', () => {
  const about = { who: 'a', credential: { token: 'x' } };
  const me = (/** @type {[number, number]} */ span, /** @type {number} */ lastActive) =>
    entry('me', about, span, 200, { lastActive });

  it('counts a live session that was lost, and a time that decreased', async () => {
    const found = await judged('S2', logOf(me([1, 2], 100), me([3, 4], 90), entry('me', about, [5, 6], 401)));
    assert.deepEqual(counts(found), { tried: 3, violations: 2 });
    assert.deepEqual(found.notes, { 'sessions lost': 1, 'times that went backwards': 1 });
    assert.deepEqual(found.most, { 'milliseconds backwards': 10 });
  });

  it('counts only the lost session as a wrong decision', async () => {
    const found = await judged('S2', logOf(me([1, 2], 100), me([3, 4], 90), entry('me', about, [5, 6], 401)));
    assert.deepEqual(found.decisions, { tried: 3, wrong: 1 });
  });

  it('does not compare concurrent requests', async () => {
    const found = await judged('S2', logOf(me([1, 4], 100), me([2, 5], 90)));
    assert.deepEqual(counts(found), { tried: 2, violations: 0 });
  });

  it('shows the logins during which a session was lost', async () => {
    const logins = [
      entry('login', { who: 'a' }, [1, 3], 201, { token: 'x' }),
      entry('login', { who: 'a' }, [2, 4], 201, { token: 'y' }),
      entry('login', { who: 'a' }, [7, 8], 201, { token: 'z' }),
    ];
    const found = await judged('S2', logOf(...logins, entry('me', about, [5, 6], 401)));
    assert.deepEqual(
      found.caught?.requests.map(({ label }) => label),
      ['login', 'login', 'me'],
    );
  });
});

for (const [id, forbids, allows] of [
  ['S3', 'ban', 'bet'],
  ['S4', 'revoke', 'bet'],
  ['S9', 'revoke', 'call'],
]) {
  describe(`the judge of requests after a revocation (${id})`, () => {
    const end = entry(forbids, { of: 'a' }, [10, 12]);
    const ask = (/** @type {[number, number]} */ span, /** @type {number} */ status) =>
      entry(allows, { of: 'a' }, span, status);

    it('counts a request that began after the revocation was answered and was allowed', async () => {
      const found = await judged(id, logOf(end, ask([13, 14], 200), ask([15, 16], 201), ask([17, 18], 401)));
      assert.deepEqual(counts(found), { tried: 3, violations: 2 });
      assert.deepEqual(found.most, { 'let through after one': 2 });
    });

    it('does not count a request that began before the answer, or a request of another user', async () => {
      const other = entry(allows, { of: 'b' }, [13, 14], 200);
      assert.deepEqual(counts(await judged(id, logOf(ask([1, 2], 200), ask([11, 13], 200), other, end))), {
        tried: 0,
        violations: 0,
      });
    });

    it('repeats a request with the revoked credential at the end', async () => {
      const plan = await planOf(id, { ask: async (call) => ({ ...(await yes(call)), status: 200 }) });
      const [of] = plan.steps
        .map(({ call }) => call())
        .flatMap((call) => (call?.kind === forbids ? [call.about.of] : []));
      const found = await plan.judge([entry(forbids, { of }, [10, 12])]);
      assert.deepEqual(counts(found), { tried: 1, violations: 1 });
    });

    it('does not count unanswered requests, or a revocation that failed', async () => {
      const failed = entry(forbids, { of: 'a' }, [10, 12], 503);
      assert.equal((await judged(id, logOf(end, ask([13, 14], 0)))).violations, 0);
      assert.equal((await judged(id, logOf(failed, ask([13, 14], 200)))).violations, 0);
    });
  });
}

it('a revocation that is checked at every request (S4) does not contribute to the share', async () => {
  const log = logOf(entry('revoke', { of: 'a' }, [1, 2]), entry('bet', { of: 'a' }, [3, 4], 201));
  assert.equal((await judged('S4', log)).decisions, undefined);
});

describe('the judge of rotation (S9)', () => {
  const call = (/** @type {number} */ at, status = 200) =>
    entry('shared', { of: 'a' }, [at, at + 0.5], status);

  it('counts calls that the old and the new key served beyond the paid units', async () => {
    const served = Array.from({ length: 22 }, (_, at) => call(at));
    const found = await judged('S9', logOf(...served, call(30, 429)));
    assert.deepEqual(counts(found), { tried: 23, violations: 2 });
  });

  it('does not count such calls as races', async () => {
    const served = Array.from({ length: 22 }, (_, at) => call(at));
    assert.deepEqual((await judged('S9', logOf(...served))).decisions, { tried: 0, wrong: 0 });
  });
});

describe('the judge of a request in flight (S5)', () => {
  const ban = entry('ban', 'a', [10, 20]);
  const bet = (/** @type {number} */ committedAt) => entry('bet', 'a', [5, 30], 201, { committedAt });

  it('counts a request that was committed after the answer, by the clock of the database', async () => {
    assert.deepEqual(counts(await judged('S5', logOf(ban, bet(21.5)))), { tried: 1, violations: 1 });
  });

  it('does not count a commit in the same millisecond, or a refused request', async () => {
    const refused = entry('bet', 'a', [5, 30], 401, { stopped: 'signal' });
    const found = await judged('S5', logOf(ban, bet(21), bet(19), refused));
    assert.deepEqual(counts(found), { tried: 3, violations: 0 });
    assert.equal(found.notes?.['stopped in flight by the signal'], 1);
  });
});

describe('the judge of sums (S6)', () => {
  const wager = (/** @type {number} */ at, status = 200) =>
    entry('wager', 'a', [at, at + 0.5], status, { progress: at });
  const told = (/** @type {number} */ progress) => ({
    ask: async (/** @type {{ path: string }} */ call) =>
      call.path === '/progress' ? { status: 200, body: { progress } } : yes(call),
  });

  it('counts confirmed requests that are missing', async () => {
    const found = await judged('S6', [wager(1), wager(2), wager(3)], told(1));
    assert.deepEqual(counts(found), { tried: 3, violations: 2 });
  });

  it('counts units that no request wagered', async () => {
    assert.equal((await judged('S6', [wager(1), wager(2, 429)], told(2))).violations, 1);
  });

  it('does not count a difference that unanswered requests can explain', async () => {
    for (const progress of [1, 2])
      assert.equal((await judged('S6', [wager(1), wager(2, 503)], told(progress))).violations, 0);
  });
});

describe('the judge of seats (S7)', () => {
  it('counts each seat beyond the first of the same player in the same tournament', async () => {
    const seat = (/** @type {string} */ about, status = 201) => entry('register', about, [1, 2], status);
    const log = [seat('a in x'), seat('a in x'), seat('a in x'), seat('a in y'), seat('a in y', 409)];
    assert.deepEqual(counts(await judged('S7', log)), { tried: 5, violations: 2 });
  });
});

describe('the judge of API-key quotas (S8)', () => {
  const who = 't-partner-1';
  const call = (/** @type {number} */ at, /** @type {number} */ left, status = 200) =>
    entry('call', who, [at, at + 0.5], status, { left });
  const bought = (status = 201) => entry('purchase', who, [40, 41], status);
  const twenty = Array.from({ length: 20 }, (_, at) => call(at, 19 - at));
  /** @param {number} left of that partner, in the end @param {() => Promise<number>} [keys] */
  const world = (left, keys) => ({
    ...(keys ? { keys } : {}),
    ask: async (/** @type {{ path: string, body?: any }} */ { path, ...more }) => {
      if (!path.startsWith('/keys/')) return yes({ path, ...more });
      return { status: 200, body: { left: path.includes(`"${who}"`) ? left : 20 } };
    },
  });

  it('accepts served and remaining units that match exactly', async () => {
    const found = await judged('S8', logOf(...twenty, call(30, 0, 429)), world(0));
    assert.equal(found.violations, 0);
    assert.equal((await judged('S8', logOf(...twenty, bought()), world(5))).violations, 0);
  });

  it('counts a call that was served with no units left', async () => {
    const found = await judged('S8', logOf(...twenty, call(30, -1)), world(-1));
    assert.equal(found.violations, 1);
    assert.deepEqual(found.decisions, { tried: 21, wrong: 1 });
  });

  it('counts units that are lost or without a source', async () => {
    assert.equal((await judged('S8', logOf(...twenty, bought()), world(4))).violations, 1);
    assert.equal((await judged('S8', logOf(...twenty), world(2))).violations, 2);
  });

  it('does not count a difference that unanswered requests can explain', async () => {
    for (const left of [0, 5])
      assert.equal((await judged('S8', logOf(...twenty, bought(503)), world(left))).violations, 0);
  });

  it('counts data that unknown keys leave', async () => {
    let keys = 0;
    const found = await judged(
      'S8',
      [],
      world(20, async () => keys++),
    );
    assert.equal(found.notes?.['made by unknown keys'], 1);
    assert.equal(found.violations, 1);
  });
});

describe('the judge of accounts (S10)', () => {
  it("counts changes of another user's account, and does not count changes of the own account", async () => {
    const put = (/** @type {string} */ kind, /** @type {number} */ status) =>
      entry(kind, 'x', [1, 2], status);
    const log = [put('own', 200), put('other', 200), put('other', 403)];
    assert.deepEqual(counts(await judged('S10', log)), { tried: 2, violations: 1 });
  });
});

describe('the judge of refreshes (S11)', () => {
  /** @type {import('../lib/app.js').Plan} */
  let plan;
  /** Status for a refresh token of a family that has ended. */
  let live = 401;
  before(async () => {
    plan = await planOf('S11', {
      ask: async (call) => {
        const answer = await yes(call);
        return { ...answer, status: call.path === '/refresh' ? live : 200 };
      },
    });
  });
  const refresh = (
    /** @type {string} */ token,
    /** @type {[number, number]} */ span,
    /** @type {string | undefined} */ next,
  ) => entry('refresh', { who: 'a', token }, span, next ? 200 : 401, { refreshToken: next });
  const judge = async (/** @type {Entry[]} */ ...log) => {
    const { tried, violations, notes } = await plan.judge(logOf(...log));
    return { tried, violations, notes };
  };

  it('accepts two tabs that got the same successor', async () => {
    assert.equal((await judge(refresh('1', [1, 3], '2'), refresh('1', [2, 4], '2'))).violations, 0);
  });

  it('accepts a slow tab that got a later successor', async () => {
    const log = [refresh('1', [1, 3], '2'), refresh('2', [4, 5], '3'), refresh('1', [2, 6], '3')];
    assert.equal((await judge(...log)).violations, 0);
    // The response may have arrived before the response that created the later successor.
    assert.equal((await judge(log[0], refresh('2', [4, 7], '3'), log[2])).violations, 0);
  });

  it('counts two successors of one token', async () => {
    const { violations, notes } = await judge(refresh('1', [1, 3], '2'), refresh('1', [2, 4], '9'));
    assert.equal(violations, 1);
    assert.equal(notes?.['with two successors'], 1);
  });

  it('counts a user who is logged out, by a second refresh or by a single refresh', async () => {
    const { violations } = await judge(
      refresh('1', [1, 3], '2'),
      refresh('1', [2, 4], undefined),
      refresh('5', [5, 6], undefined),
    );
    assert.equal(violations, 2);
  });

  it('does not count a second refresh that may have arrived long after the first', async () => {
    assert.equal((await judge(refresh('1', [1, 3], '2'), refresh('1', [2, 4000], undefined))).violations, 0);
  });

  it('counts a token used long ago that does not end its family', async () => {
    const { tried } = await judge(refresh('1', [1, 3], '2'));
    live = 200;
    const { violations } = await judge(refresh('1', [1, 3], '2'));
    live = 401;
    assert.equal(violations, tried - 1);
  });
});

describe('the judge of answers (S12)', () => {
  it('counts a denial that differs from the response to garbage', async () => {
    const me = (/** @type {string} */ kind, /** @type {number} */ status, /** @type {string} */ error) =>
      entry(kind, kind, [1, 2], status, { error });
    const same = [me('garbage', 401, 'x'), me('expired', 401, 'x'), me('revoked', 401, 'x')];
    assert.deepEqual(counts(await judged('S12', [...same, me('good', 200, '')])), {
      tried: 3,
      violations: 0,
    });
    const log = [...same, me('expired', 401, 'expired'), me('revoked', 403, 'x'), me('changed', 503, 'busy')];
    assert.deepEqual(counts(await judged('S12', log)), { tried: 5, violations: 2 });
  });
});

describe('the judge of charges (S13)', () => {
  it('counts a unit granted twice, and a charge that was abandoned because other charges were faster', async () => {
    const spend = (/** @type {number} */ at, /** @type {number} */ left, status = 200, error = '') =>
      entry('spend', 0, [at, at + 2], status, { left, error });
    const log = logOf(spend(1, 9), spend(1.5, 9), spend(3, 8), spend(4, 0, 503, 'busy'), spend(6, 0, 503));
    assert.deepEqual(counts(await judged('S13', log)), { tried: 4, violations: 2 });
  });
});
