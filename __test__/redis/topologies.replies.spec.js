// Replies that are lost behind Sentinels and in a Cluster. A call that ran is never sent again, neither to the same
// server nor to another. Its caller learns that the outcome is unknown.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { fault, open, unique } = require('../support/auths.js');
const { DEADLINES, status } = require('../support/faulty.js');
const { SECRET, token } = require('../support/jwt.js');
const { CALLS, RULE, subject } = require('../support/mutations.js');
const { PROXIED } = require('../support/proxied.js');
const { until } = require('../support/started.js');
const { shared } = require('../support/topologies.js');

/**
 * On a Cluster, an observed lead costs a separate call before the revocation. A fixed lead makes each call one
 * script.
 */
const OPTIONS = {
  jwt: { secret: SECRET, issuerClockLead: 0 },
  sessions: { admission: /** @type {const} */ ('first-use') },
  apiKeys: {},
};
/**
 * With this number, each of three servers gets a call. The probability of a server without a call is one in ten
 * million.
 */
const WARM = 45;
const POLICY = { quota: { ...RULE, name: 'replies' } };

for (const { name: where, missing, start } of PROXIED) {
  describe(`when the reply is lost after ${where} ran the call,`, async () => {
    const skip = await missing();
    const servers = shared(start, skip);

    /** @param {import('node:test').TestContext} t */
    const auths = async (t) => {
      const { url } = servers();
      const pair = [{ url, ...DEADLINES }, url].map((store) => open(t, { ...OPTIONS, store }));
      // The checks at the start of a process are scripts too.
      await Promise.all(pair.map((auth) => auth.ready()));
      return pair;
    };

    /**
     * Calls until every server has answered.
     * @param {import('latchgate').Auth} auth
     * @returns {Promise<number>} the maximum number of calls that the servers got
     */
    const heard = async (auth) => {
      let asked = 0;
      await until('it recovers', async () => {
        asked += WARM;
        const texts = Array.from({ length: WARM }, () => token({ sub: unique(), sid: 's' }));
        return (await Promise.all(texts.map((text) => status(auth, text)))).every((got) => got === 200);
      });
      return asked;
    };

    /**
     * Asserts that nothing was sent again: a repeated call would have run by the time that every server has
     * answered again.
     * @param {import('latchgate').Auth} auth
     */
    const nothingMore = async (auth) => {
      const running = await servers().scriptsRun();
      const asked = await heard(auth);
      assert.ok((await servers().scriptsRun()) <= running + asked, 'nothing was sent again');
    };

    for (const { name, prepare, call, also = 0, check } of CALLS) {
      for (const cut of [true, false]) {
        it(`${name} ran once in all, and its caller gets STORE_TIMEOUT (${cut ? 'connection cut' : 'silence'})`, {
          skip,
        }, async (t) => {
          const set = servers();
          const [auth, judge] = await auths(t);
          // Each server must know the scripts, so that one call is one command.
          await heard(auth);
          const warmUp = async (/** @type {import('../support/mutations.js').Subject} */ warm) => {
            await prepare?.(judge, warm, auth);
            await call(auth, warm);
          };
          // This test does not cover connections that are slow to open.
          const again = () => heard(auth).then(() => warmUp(subject()));
          await Promise.all(Array.from({ length: WARM }, () => warmUp(subject()).catch(again)));
          const chosen = subject();
          await prepare?.(judge, chosen, auth);
          const [before, lost] = [await set.scriptsRun(), set.lost];
          set.loseReply({ cut });
          await assert.rejects(call(auth, chosen), fault('STORE_TIMEOUT'));
          assert.equal(set.lost, lost + 1);
          await set.pass();
          await until(
            'the later steps of the call have run',
            async () => (await set.scriptsRun()) >= before + 1 + also,
          );
          assert.equal(await set.scriptsRun(), before + 1 + also);
          await nothingMore(auth);
          await check(judge, chosen);
        });
      }
    }

    for (const cut of [true, false])
      it(`a request is 503, admitted once and charged once (${cut ? 'connection cut' : 'silence'})`, {
        skip,
      }, async (t) => {
        const set = servers();
        const [auth, judge] = await auths(t);
        const ask = (/** @type {import('latchgate').Auth} */ by, /** @type {string} */ sub, cost = 1) =>
          by.authenticate(
            { token: token({ sub, sid: 's' }) },
            { ...POLICY, quota: { ...POLICY.quota, cost } },
          );
        const warm = await Promise.all(Array.from({ length: WARM }, () => ask(auth, unique())));
        assert.ok(warm.every(({ ok }) => ok));
        const user = unique();
        const [before, lost] = [await set.scriptsRun(), set.lost];
        set.loseReply({ cut });
        const answer = await ask(auth, user);
        assert.ok(!answer.ok && answer.status === 503);
        assert.equal(set.lost, lost + 1);
        await set.pass();
        assert.equal(await set.scriptsRun(), before + 1);
        await nothingMore(auth);
        const again = await ask(judge, user, 0);
        assert.ok(again.ok);
        assert.equal(again.auth.quota?.remaining, 9);
      });
  });
}
