// Logins behind Sentinels and in a Cluster. A reply is lost at every point of a login, a refresh and a logout. A
// retry gets one slot and one successor.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { fault, open } = require('../support/auths.js');
const { DEADLINES } = require('../support/faulty.js');
const { SECRET } = require('../support/jwt.js');
const { ACTS, GRACE, warmUp } = require('../support/login-acts.js');
const { PROXIED } = require('../support/proxied.js');
const { until } = require('../support/started.js');
const { shared } = require('../support/topologies.js');

const OPTIONS = { jwt: { secret: SECRET }, refresh: GRACE };
/**
 * With this number, each of three servers gets a call. The probability of a server without a call is one in ten
 * million.
 */
const WARM = 45;

for (const { name: where, missing, start } of PROXIED) {
  describe(`on ${where}`, async () => {
    const skip = await missing();
    const servers = shared(start, skip);

    for (const { name, commands, prepare, call, again } of ACTS) {
      for (let n = 1; n <= commands; n++) {
        for (const cut of [true, false])
          it(`${name} whose reply ${n} is lost is completed by a retry (${cut ? 'connection cut' : 'silence'})`, {
            skip,
          }, async (t) => {
            const set = servers();
            const judge = open(t, { ...OPTIONS, store: set.url });
            const other = open(t, { ...OPTIONS, store: set.url });
            const auth = open(t, { ...OPTIONS, store: { url: set.url, ...DEADLINES } });
            // The checks at the start of a process are scripts too.
            await Promise.all([judge, other, auth].map((each) => each.ready()));
            await Promise.all(Array.from({ length: WARM }, () => warmUp(judge, other)));
            for (const node of set.nodes) await node.flushAll();
            const subject = await prepare(judge);
            const ask = new Function('auth', 'user', 'token', `return ${call}`);
            const lost = set.lost;
            set.loseReply({ cut, after: n - 1 });
            await assert.rejects(ask(auth, subject.user, subject.token), fault('STORE_TIMEOUT'));
            assert.equal(set.lost, lost + 1);
            await set.pass();
            await until('it recovers', () => auth.ready().then(() => true));
            await ask(auth, subject.user, subject.token);
            await again(judge, set.nodes, subject);
          });
      }
    }
  });
}
