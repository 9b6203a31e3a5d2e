// Replies that are lost after the server ran the call. The call ran once, the caller learns that the outcome is
// unknown, and nothing is sent again.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { fault, unique } = require('../support/auths.js');
const { faulty, recovered, status } = require('../support/faulty.js');
const { token } = require('../support/jwt.js');
const { CALLS, RULE, subject } = require('../support/mutations.js');
const { KINDS, missing } = require('../support/servers.js');
const { until } = require('../support/started.js');
const { shared } = require('../support/topologies.js');

const POLICY = { quota: { ...RULE, name: 'replies' } };

for (const { kind, name: server } of KINDS) {
  describe(`when the reply is lost after ${server} ran the call,`, async () => {
    const skip = await missing(kind);
    const site = shared((t) => faulty(t, { server: { kind }, options: { apiKeys: {} } }), skip);

    for (const { name, prepare, call, also = 0, check } of CALLS) {
      for (const cut of [true, false]) {
        it(`${name} ran once and its caller gets STORE_TIMEOUT (${cut ? 'connection cut' : 'silence'})`, {
          skip,
        }, async () => {
          const { server, proxy, auth, judge, live } = site();
          const [warm, chosen] = [subject(), subject()];
          // The server must know the script, so that one call is one command.
          await prepare?.(judge, warm, auth);
          await call(auth, warm);
          await prepare?.(judge, chosen, auth);
          const before = await server.scriptsRun();
          const { lost } = proxy;
          proxy.loseReplies(1, { cut });
          await assert.rejects(call(auth, chosen), fault('STORE_TIMEOUT'));
          assert.equal(proxy.lost, lost + 1);
          await until(
            'the later steps of the call have run',
            async () => (await server.scriptsRun()) > before + also,
          );
          assert.equal(await server.scriptsRun(), before + 1 + also);
          const running = await server.scriptsRun();
          let asked = 0;
          await until('it recovers', async () => {
            asked++;
            return (await status(auth, live)) === 200;
          });
          assert.ok((await server.scriptsRun()) <= running + asked, 'nothing was sent again');
          await check(judge, chosen);
        });
      }
    }

    it('a request is 503, admitted once and charged once', { skip }, async (t) => {
      const { server, proxy, auth, judge, live } = await faulty(t, { server: { kind } });
      assert.equal(await status(auth, live, POLICY), 200);
      const user = unique();
      const text = token({ sub: user, sid: 's' });
      const before = await server.scriptsRun();
      proxy.loseReplies(1);
      assert.equal(await status(auth, text, POLICY), 503);
      assert.equal(await server.scriptsRun(), before + 1);
      assert.equal((await judge.sessions.list(user)).length, 1);
      const again = await judge.authenticate(
        { token: text },
        { ...POLICY, quota: { ...POLICY.quota, cost: 0 } },
      );
      assert.ok(again.ok);
      assert.equal(again.auth.quota?.remaining, 9);
    });

    it('of many calls to a server without scripts, one call sends the text of the script', {
      skip,
    }, async (t) => {
      const { server, auth } = await faulty(t, { server: { kind } });
      const rule = { limit: 1000, window: '1h' };
      await auth.quotas.consume('warm', rule);
      await server.scriptFlush();
      await server.resetStats();
      const answers = await Promise.all(Array.from({ length: 500 }, () => auth.quotas.consume('many', rule)));
      assert.deepEqual(new Set(answers.map(({ remaining }) => remaining)).size, 500);
      assert.equal((await server.commandstats()).eval, 1);
    });

    it('a call that sent the text of its script ran once too', { skip }, async (t) => {
      const { server, proxy, auth, judge, live } = await faulty(t, { server: { kind } });
      const user = unique();
      await auth.quotas.consume(unique(), RULE);
      await server.scriptFlush();
      proxy.loseReplies(1, { of: /^eval$/ });
      await assert.rejects(auth.quotas.consume(user, RULE), fault('STORE_TIMEOUT'));
      assert.equal(proxy.lost, 1);
      await recovered(auth, live);
      assert.equal((await judge.quotas.peek(user, RULE)).remaining, 9);
    });
  });
}
