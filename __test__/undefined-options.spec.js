// Every option that is present but undefined is refused, because an unset variable must not remove a check. The
// tests read the options from index.d.ts, so they include new options automatically.
'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const net = require('node:net');
const { before, describe, it } = require('node:test');
const { authMiddleware, createAuth } = require('latchgate');
const { fault, newStore, open, unique } = require('./support/auths.js');
const { SECRET, token } = require('./support/jwt.js');
const { optionParameters } = require('./support/option-types.js');
const binding = /** @type {any} */ (require('../src/js/binding.js'));

const jwt = { secret: SECRET };
const RULE = { limit: 1 };

/**
 * How to call a method with options. `code`: code of the refusal. `path`: prefix of the option name in the
 * message. `beside`: members
 * that the call needs before it reads an inner object.
 * @typedef {{ make: (options: any, auth: any) => unknown, code?: 'CONFIG' | 'INPUT', path?: string, beside?: object }} Call
 */

/** Calls by the parameter name that option-types.js reports. @type {Record<string, Call>} */
const CALLS = {
  'createAuth(options)': { make: (options) => createAuth(options), code: 'CONFIG' },
  'authMiddleware(options)': { make: (options) => authMiddleware(options), code: 'CONFIG' },
  'middleware(policy)': { make: (policy, auth) => auth.middleware(policy), code: 'CONFIG' },
  'serialize(options)': { make: (options, auth) => auth.serialize(options), code: 'CONFIG' },
  'authenticate(policy)': {
    make: (policy, auth) => auth.authenticate({ token: 'x' }, policy),
    code: 'CONFIG',
  },
  'sessions.admit(options)': { make: (options, { sessions }) => sessions.admit('ada', options) },
  'sessions.endAll(options)': { make: (options, { sessions }) => sessions.endAll('ada', options) },
  'tokens.issue(options)': { make: (options, { tokens }) => tokens.issue('ada', options) },
  'tokens.revokeId(id)': { make: (id, { tokens }) => tokens.revokeId(id), path: 'id.' },
  'tokens.isRevoked(token)': { make: (id, { tokens }) => tokens.isRevoked(id), path: 'id.' },
  'tokens.revokeUser(options)': { make: (options, { tokens }) => tokens.revokeUser('ada', options) },
  'tokens.blockUser(options)': { make: (options, { tokens }) => tokens.blockUser('ada', options) },
  'tokens.login(options)': { make: (options, { tokens }) => tokens.login('ada', options) },
  'tokens.refresh(options)': { make: (options, { tokens }) => tokens.refresh('x', options) },
  'apiKeys.create(options)': {
    make: (options, { apiKeys }) => apiKeys.create(options),
    beside: { ownerId: 'ada' },
  },
  'apiKeys.check(options)': { make: (options, { apiKeys }) => apiKeys.check('x', options) },
  'apiKeys.rotate(options)': { make: (options, { apiKeys }) => apiKeys.rotate('x', options) },
  'apiKeys.addQuota(options)': { make: (options, { apiKeys }) => apiKeys.addQuota('x', 1, options) },
  'apiKeys.update(patch)': { make: (patch, { apiKeys }) => apiKeys.update('x', patch) },
  'quotas.consume(rule)': { make: (rule, { quotas }) => quotas.consume('key', rule), path: 'rule.' },
  'quotas.consume(options)': { make: (options, { quotas }) => quotas.consume('key', RULE, options) },
  'quotas.add(rule)': { make: (rule, { quotas }) => quotas.add('key', rule, 1), path: 'rule.' },
  'quotas.add(options)': { make: (options, { quotas }) => quotas.add('key', RULE, 1, options) },
  'quotas.peek(rule)': { make: (rule, { quotas }) => quotas.peek('key', rule), path: 'rule.' },
  'locks.runExclusive(options)': {
    make: (options, { locks }) => locks.runExclusive('key', () => {}, options),
  },
  'locks.acquire(options)': { make: (options, { locks }) => locks.acquire('key', options) },
  'counters.add(options)': { make: (options, { counters }) => counters.add('ada', 'c', 1, options) },
  'counters.apply(changes)': {
    make: (changes, { counters }) => counters.apply('ada', changes),
    path: 'changes',
  },
  'counters.apply(options)': {
    make: (options, { counters }) => counters.apply('ada', [{ name: 'c', delta: 1 }], options),
  },
  'once(options)': { make: (options, auth) => auth.once('key', options) },
  'req.auth.runExclusive(options)': { make: (options, { passed }) => passed.runExclusive(() => {}, options) },
};

/** In this parameter, undefined means an absent value. */
const EXCEPTION = 'authenticate(credentials)';
/** Unknown members are ignored here (RFC 7517 section 5), so the message lists no known members. */
const OPEN = 'jwt.jwks';

const PARAMETERS = optionParameters().filter(({ call }) => call !== EXCEPTION);

/** Number of calls into the addon, and of created native objects. @type {Record<string, number>} */
let native = {};

before(() => {
  const { Gate } = binding;
  for (const name of Object.getOwnPropertyNames(Gate.prototype)) {
    const { value } = /** @type {PropertyDescriptor} */ (
      Object.getOwnPropertyDescriptor(Gate.prototype, name)
    );
    // The sweep runs on a timer, once a second, regardless of the calls.
    if (typeof value !== 'function' || ['constructor', 'sweep'].includes(name)) continue;
    Gate.prototype[name] = function (/** @type {unknown[]} */ ...args) {
      native[name] = (native[name] ?? 0) + 1;
      return value.apply(this, args);
    };
  }
  binding.Gate = new Proxy(Gate, {
    construct(target, args) {
      native.opened = (native.opened ?? 0) + 1;
      return Reflect.construct(target, args);
    },
  });
});

/**
 * Builds an object with a value at a path such as `jwt.claims.userId` or `[].name`.
 * @param {string} path
 * @param {object} value
 * @param {object} [beside] further members
 * @returns {any}
 */
function at(path, value, beside = {}) {
  if (path === '') return value;
  const [first, ...rest] = path.split('.');
  const inner = at(rest.join('.'), value);
  return first === '[]' ? [inner] : { ...beside, [first]: inner };
}

/** Returns the error that the call throws or rejects with. @param {() => unknown} make @returns {Promise<any>} */
const refusal = (make) =>
  Promise.resolve()
    .then(make)
    .then(
      () => assert.fail('the call was not refused'),
      (error) => error,
    );

/** Opens an Auth with an allowed request. @param {import('node:test').TestContext} t */
async function ready(t) {
  const auth = open(t, { jwt, apiKeys: {} });
  const answer = await auth.authenticate({ token: token({ sub: 'ada', sid: 's' }) });
  assert.ok(answer.ok);
  return Object.assign(Object.create(auth), { passed: answer.auth });
}

/** @param {Call} call @param {string} path of the object */
const inMessage = ({ path: prefix = '' }, path) => {
  const place = path.replace('[]', '[0]');
  return `${prefix}${place}${place === '' ? '' : '.'}`;
};

describe('an option that is undefined', () => {
  it('is tested in every call that has options', () => {
    assert.deepEqual(PARAMETERS.map(({ call }) => call).sort(), Object.keys(CALLS).sort());
  });

  for (const { call, objects } of PARAMETERS) {
    const { make, code = 'INPUT', beside } = CALLS[call];
    it(`is refused in ${call} immediately, by name, without further effect`, async (t) => {
      const auth = await ready(t);
      const handles = process.getActiveResourcesInfo().sort();
      native = {};
      for (const [path, names] of objects) {
        for (const name of names) {
          const error = await refusal(() => make(at(path, { [name]: undefined }, beside), auth));
          const told = `${inMessage(CALLS[call], path)}${name}`;
          fault(code)(error);
          assert.equal(
            error.message,
            `${told} must not be undefined: leave it out, or set the environment variable that it is read from`,
          );
        }
      }
      assert.deepEqual(native, {});
      assert.deepEqual(process.getActiveResourcesInfo().sort(), handles);
    });

    it(`is tested for every name that ${call} knows`, async (t) => {
      const auth = await ready(t);
      for (const [path, names] of objects) {
        if (path === OPEN) continue;
        const { message } = await refusal(() => make(at(path, { qqqqqqqqqqqqqqqqqqqq: 1 }, beside), auth));
        const [, list] = /unknown option .*known are (.+)$/s.exec(message) ?? assert.fail(message);
        const known = list.split(', ').map((name) => name.split('.').at(-1) ?? '');
        assert.deepEqual(known.sort(), [...names].sort(), path);
      }
    });
  }

  it('keeps an Auth from opening a connection', async (t) => {
    let connections = 0;
    const server = net.createServer(() => connections++).listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    const { port } = /** @type {net.AddressInfo} */ (server.address());
    const whole = { store: `redis://127.0.0.1:${port}`, jwt: { jwksUri: `http://127.0.0.1:${port}/` } };
    native = {};
    for (const make of [createAuth, authMiddleware]) {
      assert.throws(
        () => make({ ...whole, jwt: { ...whole.jwt, issuer: undefined } }),
        fault('CONFIG', /jwt\.issuer/),
      );
      assert.throws(() => make({ ...whole, sessions: undefined }), fault('CONFIG', /sessions/));
    }
    // The same is true for every invalid option of the policy, and for a policy that needs a missing key.
    for (const wrong of [{ scope: undefined }, { optional: 'yes' }, { quota: { limit: -1 } }])
      assert.throws(() => authMiddleware(/** @type {any} */ ({ ...whole, ...wrong })), fault('CONFIG'));
    assert.throws(() => authMiddleware({ store: whole.store }), fault('CONFIG', /no key/));
    await new Promise(setImmediate);
    assert.deepEqual([connections, native], [0, {}]);
  });

  it('causes a message without the values of other options', () => {
    const { message } = /** @type {Error} */ (
      (() => {
        try {
          return createAuth({ store: 'redis://u:hunter2@127.0.0.1:1', jwt: { ...jwt, audience: undefined } });
        } catch (error) {
          return error;
        }
      })()
    );
    assert.ok(!message.includes(SECRET) && !message.includes('hunter2'), message);
  });

  it('of a key set is refused too: "alg" and "use" restrict the use of a key', () => {
    const key = { kty: 'RSA', n: 'x', e: 'AQAB' };
    for (const member of ['alg', 'use', 'key_ops', 'kid']) {
      const lost = { ...key, [member]: undefined };
      const options = [{ publicKey: lost }, { jwks: { keys: [lost] } }];
      const says = new RegExp(`jwt\\..*${member} must not be undefined`);
      for (const each of options)
        assert.throws(() => createAuth({ jwt: each }), fault('CONFIG', says), member);
    }
  });

  it('in a list is refused like any other invalid element', async (t) => {
    const lost = /** @type {any} */ ([undefined]);
    const auth = open(t);
    for (const name of ['issuer', 'audience', 'algorithms', 'requiredClaims'])
      assert.throws(() => createAuth({ jwt: { ...jwt, [name]: lost } }), fault('CONFIG', new RegExp(name)));
    for (const policy of [{ scope: lost }, { credentials: lost }])
      assert.throws(() => auth.middleware(policy), fault('CONFIG'));
    assert.throws(() => auth.requireScope(...lost), fault('CONFIG'));
    assert.throws(() => auth.requireClaims({ tenant: undefined }), fault('CONFIG', /tenant/));
    await assert.rejects(auth.tokens.issue('ada', { claims: { role: undefined } }), fault('INPUT', /role/));
    await assert.rejects(
      auth.sessions.admit('ada', { device: { name: /** @type {any} */ (undefined) } }),
      fault('INPUT', /device/),
    );
  });
});

describe('undefined', () => {
  for (const { call, optional } of PARAMETERS) {
    if (!optional) continue;
    it(`in place of all options means no options: ${call}`, async (t) => {
      const auth = await ready(t);
      /** @type {any} */
      const made = await Promise.resolve()
        .then(() => CALLS[call].make(undefined, auth))
        .catch((error) => error);
      if (made instanceof Error) assert.doesNotMatch(made.message, /undefined|must be an object/);
      await (made?.auth ?? made)?.close?.();
    });
  }

  it('among credentials means an absent credential', async (t) => {
    const auth = open(t, { jwt, apiKeys: {}, store: newStore() });
    const nothing = { token: undefined, apiKey: undefined, context: undefined };
    const refused = await auth.authenticate(nothing);
    assert.equal(refused.ok || refused.code, 'credentials_required');
    const text = token({ sub: unique() });
    assert.equal((await auth.authenticate({ ...nothing, token: text })).ok, true);
  });

  it('as the result of a policy function has its documented meaning', async (t) => {
    const auth = open(t, { jwt });
    const quota = { limit: 1, idempotencyKey: () => undefined };
    const text = token({ sub: unique() });
    assert.equal((await auth.authenticate({ token: text }, { quota })).ok, true);
    assert.equal((await auth.authenticate({ token: text }, { quota: { ...quota } })).ok, false);
  });
});
