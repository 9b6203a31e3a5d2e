// The nodes on which processes of a Cluster subscribe: the subscribers are spread over the masters, so that no
// single master delivers all messages.
'use strict';

const assert = require('node:assert/strict');
const { it } = require('node:test');
const { open, unique } = require('../support/auths.js');
const { startCluster } = require('../support/clusters.js');
const { token } = require('../support/jwt.js');
const { missing } = require('../support/servers.js');
const { until } = require('../support/started.js');

const LISTENERS = 24;

it('subscribers begin at randomly chosen masters', async (t) => {
  const skip = await missing('redis');
  if (skip) return t.skip(skip);
  const servers = await startCluster(t, { kind: 'redis', replicas: 0 });
  const masters = await servers.masters();
  for (let n = 0; n < LISTENERS; n++) {
    const auth = open(t, { store: servers.url() });
    const seen = await auth.authenticate({ token: token({ sub: unique() }) });
    assert.ok(seen.ok && !seen.auth.signal.aborted);
  }
  const listening = async () => {
    const lists = await Promise.all(masters.map((each) => each.command('CLIENT', 'LIST', 'TYPE', 'PUBSUB')));
    return lists.map((list) => String(list).split('\n').filter(Boolean).length);
  };
  await until('all listen', async () => (await listening()).reduce((sum, each) => sum + each) === LISTENERS);
  const counts = await listening();
  t.diagnostic(`listeners by master: ${counts.join(', ')}`);
  // All 24 subscribers choose the same of three masters with a probability of 3^-23.
  assert.ok(counts.filter((each) => each > 0).length >= 2, counts.join());
});
