// Input of latchgate audit: which users it logs in, its bounds, its permitted hosts, and how it reads the file.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');
const { Client } = require('../src/cli/audit/client.js');
const { assertOwned, checked } = require('../src/cli/audit/config.js');
const { audit, told } = require('./support/audit.js');
const { makeCertificates } = require('./support/certificates.js');
const { openShop } = require('./support/shop.js');
const { ownDirectory } = require('./support/started.js');

/** @param {import('./support/shop.js').Seen[]} log */
const loggedIn = (log) => log.filter(({ path }) => path === '/login').map(({ user }) => user);

describe('latchgate audit logs in', () => {
  it('the given users in turn, with their passwords', async (t) => {
    const accounts = { ada: 'one "two" \\ three', bob: 'b', eve: 'e' };
    const { shop, config } = await openShop(t, { accounts });
    const users = Object.entries(accounts).map(([user, password]) => ({ user, password }));
    const { base, login, use, once } = config;
    const whole = { base, login, use, once, users, bounds: { rounds: 4 } };
    const { status, stdout } = await audit(t, whole, ['--only', 'done twice']);
    assert.equal(status, 0, stdout);
    assert.deepEqual([...new Set(loggedIn(shop.log))].sort(), ['ada', 'bob', 'eve']);
    const [first, second, third, fourth] = loggedIn(shop.log);
    assert.equal(fourth, first);
    assert.equal(new Set([first, second, third]).size, 3);
    assert.ok(shop.log.every((seen) => seen.path !== '/login' || seen.status === 201));
  });

  it('no user twice for wrong refusal, because the user may have no units left', async (t) => {
    const { shop, config } = await openShop(t);
    const whole = { ...config, users: [{ user: 'ada' }], bounds: { rounds: 3 } };
    const first = await audit(t, whole, ['--only', 'wrong refusal', '--json']);
    assert.equal(first.status, 0, first.stdout);
    const [{ verdict, rounds, says }] = told(first).findings;
    assert.deepEqual([verdict, rounds, says], ['clean', 1, 'no user is left who has not been used']);
    assert.deepEqual(loggedIn(shop.log), ['ada']);
    const { base, login, use, quota } = config;
    const unlimited = { ...login, sessionLimit: undefined };
    const again = await audit(t, {
      base,
      login: unlimited,
      use,
      quota,
      users: whole.users,
      bounds: { rounds: 1 },
    });
    assert.equal(again.status, 0, again.stdout);
    assert.match(again.stdout, /^clean +overspending/m);
    assert.match(again.stdout, /^left out +wrong refusal: \(no user is left/m);
  });

  it('generated users: the same users for the same seed, other users for another seed', async (t) => {
    const { shop, config } = await openShop(t);
    const users = async (/** @type {string[]} */ ...args) => {
      shop.log.length = 0;
      const ending = await audit(t, { ...config, bounds: { rounds: 3 } }, [
        '--only',
        'overspending',
        '--json',
        ...args,
      ]);
      return { seed: told(ending).seed, users: loggedIn(shop.log) };
    };
    const first = await users();
    assert.deepEqual(await users('--seed', first.seed), first);
    assert.equal(new Set(first.users).size, 3);
    const other = await users();
    assert.notEqual(other.seed, first.seed);
    assert.ok(other.users.every((user) => !first.users.includes(user)));
  });

  it('by a cookie if the configuration names no token', async (t) => {
    const { config } = await openShop(t);
    const { base, use, quota, once } = config;
    const login = { ...config.login, token: undefined, refreshToken: undefined };
    const { status, stdout } = await audit(t, { base, login, use, quota, once, bounds: { rounds: 1 } });
    assert.equal(status, 0, stdout);
  });

  it('and takes other values that later requests need from the response', async (t) => {
    const { shop, config } = await openShop(t);
    const { base, use } = config;
    const login = { ...config.login, values: { id: 'body.id' } };
    const once = { path: '/seats/{id}/{user}', method: 'POST' };
    const whole = { base, login, use, once, users: [{ user: 'a/b c' }] };
    await audit(t, whole, ['--only', 'done twice']);
    assert.ok(shop.log.some((seen) => seen.path === '/seats/1/a%2Fb%20c'));
    const amiss = { ...whole, login: { ...login, values: { id: 'body.nothing' } } };
    const { status, stdout } = await audit(t, amiss, ['--only', 'done twice']);
    assert.equal(status, 2);
    assert.match(stdout, /there is no body\.nothing in the answer to login/);
  });
});

describe('latchgate audit stays within', () => {
  it('bounds.requests', async (t) => {
    const { shop, config } = await openShop(t);
    const ending = await audit(t, { ...config, bounds: { requests: 50, rounds: 5 } }, ['--json']);
    assert.equal(ending.status, 2);
    const { requests, findings } = told(ending);
    assert.equal(requests, shop.log.length);
    assert.ok(requests > 0 && requests <= 50, `${requests}`);
    assert.match(findings[findings.length - 1].says, /bounds\.requests \(50\) are used up/);
  });

  it('bounds.seconds, even if a response never arrives', async (t) => {
    const { shop, config } = await openShop(t, { hangs: '/login' });
    const login = { ...config.login, sessionLimit: undefined };
    const ending = await audit(t, { ...config, login, bounds: { seconds: 2 } }, ['--json'], {
      deadline: 30_000,
    });
    assert.equal(ending.status, 2, ending.stderr);
    const { findings } = told(ending);
    const [first, ...others] = findings.filter(({ verdict }) => verdict !== 'left out');
    assert.equal(others.length, 5);
    assert.equal(first.says, 'login was not answered');
    for (const { verdict, says } of others)
      assert.deepEqual([verdict, says], ['not run', 'bounds.seconds (2) have passed']);
    assert.equal(shop.log.length, 1);
  });

  it('bounds.parallel', async (t) => {
    const { shop, config } = await openShop(t);
    const client = new Client(checked({ ...config, bounds: { parallel: 3 } }));
    const asked = Array.from({ length: 4 }, () => ({ request: config.use, values: {} }));
    await assert.rejects(client.together(asked), /bounds\.parallel/);
    assert.equal(shop.log.length, 0);
    assert.equal((await client.all(asked)).length, 4);
    assert.equal(shop.log.length, 4);
  });
});

describe('latchgate audit sends requests', () => {
  it('to a host that --i-own-this names, with or without its port, and to no other host', () => {
    for (const owned of ['staging.example.com', 'staging.example.com:8443'])
      assertOwned('https://staging.example.com:8443', owned);
    for (const owned of [undefined, '', 'example.com', 'www.staging.example.com', 'staging.example.com:443'])
      assert.throws(
        () => assertOwned('https://staging.example.com:8443', owned),
        /--i-own-this staging\.example\.com/,
      );
  });

  it('to this machine without --i-own-this, and not to a name that only looks like this machine', () => {
    for (const host of ['127.0.0.1', '127.9.9.9', 'localhost', '[::1]', '0x7f.1'])
      assertOwned(`http://${host}:80`, undefined);
    for (const host of ['127.0.0.1.example.com', 'localhost.example.com', '128.0.0.1', '[::2]', '0.0.0.0'])
      assert.throws(() => assertOwned(`http://${host}`, undefined), /is not this machine/);
  });

  it('if --i-own-this names the host of the file, and not if it names another host', async (t) => {
    const { shop, config, port } = await openShop(t);
    // The loopback interface, under a name that is not a known loopback name.
    const base = `http://[::ffff:127.0.0.1]:${port}`;
    const { hostname } = new URL(base);
    for (const args of [[], ['--i-own-this', 'example.com']]) {
      const { status, stderr } = await audit(t, { ...config, base }, args);
      assert.equal(status, 2);
      assert.match(stderr, /is not this machine/);
    }
    assert.equal(shop.log.length, 0);
    const whole = { ...config, base, bounds: { rounds: 1 } };
    const { status, stdout } = await audit(t, whole, ['--only', 'done twice', '--i-own-this', hostname]);
    if (/EAFNOSUPPORT|EADDRNOTAVAIL|ENETUNREACH|EINVAL/.test(stdout)) return t.skip('no IPv6 here');
    assert.equal(status, 0, stdout);
    assert.ok(shop.log.length > 0);
  });

  it('over https if Node trusts the certificate', async (t) => {
    const { ca, cert, key } = makeCertificates(ownDirectory(t, 'tls'));
    const { shop, config } = await openShop(t, { tls: { cert, key } });
    const whole = { ...config, bounds: { rounds: 1 } };
    const distrusted = await audit(t, whole, ['--only', 'overspending']);
    assert.equal(distrusted.status, 2);
    assert.match(distrusted.stdout, /cannot be asked: \w*(VERIFY|CERT)\w*\)/);
    assert.equal(shop.log.length, 0);
    const env = { NODE_EXTRA_CA_CERTS: ca };
    const trusted = await audit(t, whole, ['--only', 'overspending'], { env });
    assert.equal(trusted.status, 0, trusted.stdout);
    assert.ok(shop.log.length > 0);
  });
});

describe('latchgate audit reads', () => {
  for (const [name, head] of [
    ['audit.js', 'module.exports ='],
    ['audit.cjs', 'module.exports ='],
    ['audit.mjs', 'export default'],
  ]) {
    it(`a module, ${name}`, async (t) => {
      const { base, config } = await openShop(t);
      const { base: _, ...parts } = config;
      const text = `${head} { base: process.env.SHOP, ...${JSON.stringify({ ...parts, bounds: { rounds: 1 } })} };`;
      const { status, stdout, stderr } = await audit(t, text, ['--only', 'done twice'], {
        name,
        env: { SHOP: base },
      });
      assert.equal(status, 0, stdout + stderr);
    });
  }

  it('the example in docs/audit.md', async () => {
    const text = fs.readFileSync(path.join(__dirname, '..', 'docs', 'audit.md'), 'utf8');
    const examples = [...text.matchAll(/```json\n(.+?)```/gs)].map(([, json]) => checked(JSON.parse(json)));
    assert.equal(examples.length, 1);
  });

  const good = {
    base: 'http://127.0.0.1:1',
    login: { path: '/login', refreshToken: 'body.next' },
    use: { path: '/me' },
  };
  for (const [what, config, says] of /** @type {Array<[string, object, RegExp]>} */ ([
    ['an unknown option', { ...good, logn: {} }, /did you mean login/],
    ['no login', { base: good.base, use: good.use }, /login must be an object/],
    ['an undefined login', { ...good, login: undefined }, /login must not be undefined/],
    ['an invalid route', { ...good, use: { path: 'me' } }, /use\.path must begin with/],
    ['an invalid method', { ...good, use: { path: '/me', method: 'get' } }, /use\.method/],
    ['invalid headers', { ...good, use: { path: '/me', headers: { a: 1 } } }, /use\.headers/],
    ['a list of headers', { ...good, use: { path: '/me', headers: ['a'] } }, /use\.headers/],
    ['a base that is not an http URL', { ...good, base: 'ftp://127.0.0.1' }, /base must be an http/],
    ['a base with a path', { ...good, base: 'http://127.0.0.1/api' }, /no path/],
    ['a base with a login', { ...good, base: 'http://u:p@127.0.0.1' }, /no login/],
    [
      'a token without a valid place',
      { ...good, login: { path: '/l', token: 'token' } },
      /login\.token must be a place/,
    ],
    [
      'a value with a reserved name',
      { ...good, login: { path: '/l', values: { user: 'body.id' } } },
      /login\.values/,
    ],
    [
      'a value without a valid place',
      { ...good, login: { path: '/l', values: { id: 'id' } } },
      /login\.values\.id/,
    ],
    ['a limit of 0', { ...good, quota: { path: '/x', limit: 0 } }, /quota\.limit/],
    ['a quota without a limit', { ...good, quota: { path: '/x' } }, /quota\.limit says/],
    ['a sum without an addition', { ...good, sum: { path: '/x', value: 'body.x' } }, /add and sum/],
    [
      'an addition of 0',
      { ...good, add: { path: '/x', by: 0 }, sum: { path: '/x', value: 'body.x' } },
      /add\.by/,
    ],
    [
      'a sum without a place',
      { ...good, add: { path: '/x', by: 1 }, sum: { path: '/x' } },
      /sum\.value says/,
    ],
    [
      'a refresh without a refresh token',
      { ...good, login: { path: '/l' }, refresh: { path: '/x' } },
      /login\.refreshToken says/,
    ],
    ['a bound over the maximum', { ...good, bounds: { requests: 1e9 } }, /bounds\.requests/],
    ['a crowd of one', { ...good, bounds: { parallel: 1 } }, /bounds\.parallel must be an integer from 2/],
    ['users without a name', { ...good, users: [{ name: 'ada' }] }, /users must be/],
    ['a password that is not a string', { ...good, users: [{ user: 'ada', password: 1 }] }, /users must be/],
  ])) {
    it(`and refuses ${what}`, () => assert.throws(() => checked(config), says));
  }

  it('a minimal valid file', () => assert.ok(checked(good)));
});
