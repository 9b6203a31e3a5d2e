// The data of a prefix about its users: the version of the layout, and the issuers whose users have no issuer in
// their name.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { fault, open, unique } = require('../support/auths.js');
const { slotOf, startCluster } = require('../support/clusters.js');
const { SECRET, token } = require('../support/jwt.js');
const { KINDS, missing, startServer } = require('../support/servers.js');

const [HERE, THERE] = ['https://here.test', 'https://there.test'];

for (const { kind, name } of KINDS) {
  describe(`on ${name}, a prefix`, async () => {
    const skip = await missing(kind);

    it('stores the version of its layout, and another version is refused at start, with the remedy', {
      skip,
    }, async (t) => {
      const server = await startServer(t, { kind });
      await open(t, { store: server.url() }).ready();
      assert.equal(await server.command('GET', 'lg:v'), '2');
      await open(t, { store: server.url() }).ready();
      for (const version of ['1', '3', 'something else']) {
        await server.command('SET', 'lg:v', version);
        const auth = open(t, { store: server.url() });
        await assert.rejects(
          auth.ready(),
          fault('STORE_UNAVAILABLE', new RegExp(`layout ${version}.*store\\.prefix`)),
        );
        await assert.rejects(auth.sessions.admit(unique()), fault('STORE_UNAVAILABLE'));
        const answer = await auth.authenticate({ token: token({ sub: unique() }) });
        assert.equal(!answer.ok && answer.status, 503);
        const health = await auth.health();
        assert.equal(health.ok, false);
        await open(t, { store: { url: server.url(), prefix: 'other' } }).ready();
      }
      assert.equal(await server.command('GET', 'lg:v'), 'something else', 'nothing was written');
      assert.deepEqual(
        (await server.keys()).filter((key) => key.includes('{')),
        [],
      );
    });

    it('with data of the first layout is refused too', { skip }, async (t) => {
      const server = await startServer(t, { kind });
      await server.command('SET', 'lg:mac', 'x'.repeat(32));
      const auth = open(t, { store: server.url() });
      await assert.rejects(auth.ready(), fault('STORE_UNAVAILABLE', /layout 1/));
      assert.deepEqual(await server.keys(), ['lg:mac']);
    });

    it('that is shared by Auths of different issuers is reported to the second Auth', { skip }, async (t) => {
      const server = await startServer(t, { kind });
      const using = async (/** @type {string | string[] | undefined} */ issuer, prefix = 'lg') => {
        const jwt = issuer === undefined ? { secret: SECRET } : { secret: SECRET, issuer };
        const auth = open(t, { store: { url: server.url(), prefix }, jwt });
        await auth.ready();
        return (await auth.health()).warnings.filter((warning) => /issuer/.test(warning));
      };
      assert.deepEqual(await using(HERE), []);
      assert.deepEqual(await using([HERE, THERE]), [], 'the first issuer is the same');
      assert.deepEqual(await using(undefined), []);
      const [warning, ...others] = await using(THERE);
      assert.match(warning ?? '', new RegExp(`${HERE}, ${THERE}.*one user.*HDEL lg:iss`));
      assert.deepEqual(others, []);
      assert.deepEqual(await using(THERE, 'apart'), []);
      await server.command('HDEL', 'lg:iss', HERE);
      assert.deepEqual(await using(THERE), []);
    });
  });
}

describe('on a Cluster', async () => {
  const skip = await missing('redis');

  it('the node that holds the version refuses another version', { skip }, async (t) => {
    const servers = await startCluster(t, { replicas: 0 });
    await open(t, { store: servers.url() }).ready();
    const holder = await servers.ownerOf(slotOf('lg:v'));
    assert.equal(await holder.command('GET', 'lg:v'), '2');
    await holder.command('SET', 'lg:v', '3');
    await assert.rejects(open(t, { store: servers.url() }).ready(), fault('STORE_UNAVAILABLE', /layout 3/));
  });
});

describe('in one process', () => {
  it('Auths of different issuers on one named store get a warning', async (t) => {
    const store = `memory:${unique()}`.replaceAll('user-', '');
    const first = open(t, { store, jwt: { secret: SECRET, issuer: HERE } });
    await first.ready();
    assert.deepEqual((await first.health()).warnings, []);
    const second = open(t, { store, jwt: { secret: SECRET, issuer: THERE } });
    await second.ready();
    const { warnings } = await second.health();
    assert.ok(
      warnings.some((warning) => /different issuers/.test(warning)),
      warnings.join(),
    );
  });
});
