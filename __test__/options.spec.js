// Invalid options fail immediately with ERR_LATCHGATE_CONFIG, and the message names the option.
'use strict';

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const { describe, it } = require('node:test');
const util = require('node:util');
const { authMiddleware, createAuth } = require('latchgate');
const { fault, open } = require('./support/auths.js');
const { SECRET } = require('./support/jwt.js');

const jwt = { secret: SECRET };

/** @typedef {[string, object, RegExp]} Bad name of the case, options, pattern of the message */

/** @param {string} name @param {unknown[]} values @param {(value: any) => object} options @param {RegExp} names */
const each = (name, values, options, names) =>
  values.map(
    (value) => /** @type {Bad} */ ([`${name}: ${util.inspect(value).slice(0, 40)}`, options(value), names]),
  );

const NO_DURATION = [
  -1,
  1.5,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  1e300,
  '',
  '5',
  'soon',
  '5 m',
  '-5m',
  '1.5h',
  '5M',
  '5w',
  {},
  true,
  null,
  10n,
];

/** @type {Bad[]} */
const BAD = [
  ...each('jwt', ['secret', 7, [], null], (value) => ({ jwt: value }), /jwt/),
  ...each(
    'jwt.secret',
    ['', 'short', 'x'.repeat(31), Buffer.alloc(31), 7, {}, [], true, null, '\ud800'.repeat(40)],
    (secret) => ({ jwt: { secret } }),
    /jwt\.secret/,
  ),
  [
    'jwt.secret as PEM',
    {
      jwt: {
        secret: crypto.generateKeyPairSync('ed25519').publicKey.export({ format: 'pem', type: 'spki' }),
      },
    },
    /jwt\.secret.*PEM/,
  ],
  [
    'jwt.secret as JWK text',
    { jwt: { secret: JSON.stringify({ kty: 'oct', k: 'x'.repeat(60) }) } },
    /jwt\.secret/,
  ],
  ['jwt.secret as JWK', { jwt: { secret: { kty: 'oct', k: 'x'.repeat(60) } } }, /jwt\.secret/],
  ...each(
    'jwt.algorithms',
    [
      [],
      ['none'],
      ['None'],
      ['hs256'],
      ['HS256', 'RS256'],
      ['ES512'],
      'HS256',
      [7],
      ['RS256'],
      ['HS256', 'none'],
      null,
    ],
    (algorithms) => ({ jwt: { ...jwt, algorithms } }),
    /jwt\.algorithms/,
  ),
  ...each(
    'jwt.issuer',
    ['', [], [''], 7, ['a', 7], {}, null, 'x'.repeat(513), '\ud800'],
    (issuer) => ({ jwt: { ...jwt, issuer } }),
    /jwt\.issuer/,
  ),
  ...each(
    'jwt.audience',
    ['', [], [''], 7, ['a', 7], {}, null],
    (audience) => ({ jwt: { ...jwt, audience } }),
    /jwt\.audience/,
  ),
  ...each(
    'jwt.clockTolerance',
    [...NO_DURATION, '2h'],
    (clockTolerance) => ({ jwt: { ...jwt, clockTolerance } }),
    /jwt\.clockTolerance/,
  ),
  ...each(
    'jwt.maxAge',
    [...NO_DURATION, 0, 999, '73001d'],
    (maxAge) => ({ jwt: { ...jwt, maxAge } }),
    /jwt\.maxAge/,
  ),
  ...each(
    'jwt.accessTtl',
    [...NO_DURATION, 0, '25h'],
    (accessTtl) => ({ jwt: { ...jwt, accessTtl } }),
    /jwt\.accessTtl/,
  ),
  ...each(
    'jwt.requiredClaims',
    ['jti', [''], [7], {}, null],
    (requiredClaims) => ({ jwt: { ...jwt, requiredClaims } }),
    /jwt\.requiredClaims/,
  ),
  ...each(
    'jwt.claims',
    ['sub', [], { user: 'x' }, null],
    (claims) => ({ jwt: { ...jwt, claims } }),
    /jwt\.claims/,
  ),
  ...each(
    'jwt.claims.userId',
    ['', 7, 'exp', 'iat', 'iss', 'gen', null],
    (userId) => ({ jwt: { ...jwt, claims: { userId } } }),
    /jwt\.claims\.userId/,
  ),
  ...each(
    'jwt.claims.sessionId',
    ['', 7, 'aud', 'lgs', 'sub', null],
    (sessionId) => ({ jwt: { ...jwt, claims: { sessionId } } }),
    /jwt\.claims\.sessionId/,
  ),
  ...each('sessions', ['on', 7, [], true, null], (sessions) => ({ jwt, sessions }), /sessions/),
  ...each(
    'sessions.limit',
    [-1, Number.NaN, 1.5, '3', 2 ** 32, 2 ** 32 + 1, Number.POSITIVE_INFINITY, {}, true, null, async () => 3],
    (limit) => ({ jwt, sessions: { limit } }),
    /sessions\.limit/,
  ),
  ...each(
    'sessions.onLimit',
    ['evict', '', true, null],
    (onLimit) => ({ jwt, sessions: { onLimit } }),
    /sessions\.onLimit/,
  ),
  ...each(
    'sessions.idleTimeout',
    [...NO_DURATION, 0, '3651d'],
    (idleTimeout) => ({ jwt, sessions: { idleTimeout } }),
    /sessions\.idleTimeout/,
  ),
  ...each(
    'sessions.absoluteTimeout',
    [...NO_DURATION, 0, '3651d'],
    (absoluteTimeout) => ({ jwt, sessions: { absoluteTimeout } }),
    /sessions\.absoluteTimeout/,
  ),
  ...each(
    'sessions.admission',
    ['first', '', true, null],
    (admission) => ({ jwt, sessions: { admission } }),
    /sessions\.admission/,
  ),
  ...each(
    'store',
    [
      '',
      'memory',
      'http://x',
      'memory:a/b',
      'memory:a b',
      `memory:${'x'.repeat(129)}`,
      'memory:\ud800',
      7,
      [],
      null,
      'sqlite:x',
    ],
    (store) => ({ jwt, store }),
    /store/,
  ),
  ...each('store.url', ['', 'http://x', 7, null], (url) => ({ jwt, store: { url } }), /store/),
  ['store.prefix with a named store', { jwt, store: { url: 'memory:a', prefix: 'x' } }, /store\.prefix/],
  ['store.prefix empty', { jwt, store: { url: 'memory:', prefix: '' } }, /store\.prefix/],
  ...each(
    'store.commandTimeout',
    [-1, 0, 'soon'],
    (commandTimeout) => ({ jwt, store: { url: 'memory:', commandTimeout } }),
    /store\.commandTimeout/,
  ),
  ...each(
    'store.acks',
    [-1, 0.5, NaN, Infinity, '1', null, 1001],
    (acks) => ({ jwt, store: { url: 'redis://127.0.0.1:1', acks } }),
    /store\.acks/,
  ),
  ['store.acks of an embedded store', { jwt, store: { url: 'memory:', acks: 1 } }, /store\.acks/],
  ...each(
    'the URL of several servers',
    [
      'redis-sentinel://a:1,b:2',
      'redis-sentinel://a:1,b:2/0?master=',
      'redis-sentinel://a:1,b:2/x?master=m',
      'redis-sentinel://a:1,,b:2/0?master=m',
      'redis-sentinel://a:99999/0?master=m',
      'redis-sentinel:a:1?master=m',
      'redis-cluster://',
      'redis-cluster://a:1,b:2/1',
      'redis-cluster://a:1,:2',
    ],
    (store) => ({ jwt, store }),
    /store/,
  ),
  ...each(
    'realm',
    ['', 'a"b', 'a\\b', 'a\r\nX: y', 'a\nb', '\0', 'é', 7, 'x'.repeat(257), null],
    (realm) => ({ jwt, realm }),
    /realm/,
  ),
  ...each('mode', ['observ', '', true, null], (mode) => ({ jwt, mode }), /mode/),
  ...each(
    'onStoreError',
    ['ignore', '', true, null, { revocation: 'no' }, { other: 'deny' }],
    (onStoreError) => ({ jwt, onStoreError }),
    /onStoreError/,
  ),
];

/** @type {Bad[]} */
const UNKNOWN = [
  ['realms', { jwt, realms: 'x' }, /realms.*did you mean realm\?/],
  ['session', { jwt, session: {} }, /session.*did you mean sessions\?/],
  ['Store', { jwt, Store: 'memory:' }, /Store.*did you mean store\?/],
  ['jwt.secrets', { jwt: { secrets: SECRET } }, /jwt\.secrets.*did you mean jwt\.secret\?/],
  ['jwt.audiance', { jwt: { ...jwt, audiance: 'x' } }, /did you mean jwt\.audience\?/],
  ['jwt.clockTolerence', { jwt: { ...jwt, clockTolerence: 5 } }, /did you mean jwt\.clockTolerance\?/],
  ['sessions.maxSessions', { jwt, sessions: { maxSessions: 3 } }, /sessions\.maxSessions.*limit/],
  ['sessions.idleTimeOut', { jwt, sessions: { idleTimeOut: '5m' } }, /did you mean sessions\.idleTimeout\?/],
  ['store.urls', { jwt, store: { urls: 'memory:' } }, /did you mean store\.url\?/],
  ['secret one level too high', { secret: SECRET }, /did you mean jwt\.secret\?/],
  ['limit one level too high', { jwt, limit: 3 }, /did you mean sessions\.limit\?/],
  ['leeway, which resembles no option', { jwt: { ...jwt, leeway: 5 } }, /leeway.*clockTolerance/],
  ['a name with a line break', { jwt, 'x\ny': 1 }, /^[^\n]*$/],
];

for (const [maker, make] of /** @type {Array<[string, (options: any) => unknown]>} */ ([
  ['createAuth()', createAuth],
  ['authMiddleware()', authMiddleware],
])) {
  describe(`${maker} refuses`, () => {
    for (const [what, options, names] of [...BAD, ...UNKNOWN]) {
      it(what, () => void assert.throws(() => make(options), fault('CONFIG', names)));
    }
    for (const options of [null, 7, 'memory:', [], true]) {
      it(`${JSON.stringify(options)} as options`, () =>
        void assert.throws(() => make(options), fault('CONFIG')));
    }
  });
}

describe('a policy refuses', () => {
  /** @type {Bad[]} */
  const POLICIES = [
    ...each(
      'scope',
      ['', ' ', 'a  b', [], [''], ['a b'], 7, 'a"b', 'a\\b', 'é', [7], null],
      (scope) => ({ scope }),
      /scope/,
    ),
    ...each('optional', ['yes', 1, null], (optional) => ({ optional }), /optional/),
    ...each('getToken', ['x', {}, async () => 'x', null], (getToken) => ({ getToken }), /getToken/),
    ...each('skip', [true, async () => true, null], (skip) => ({ skip }), /skip/),
    ...each('onDeny', ['x', {}, null], (onDeny) => ({ onDeny }), /onDeny/),
    ...each(
      'requestProperty',
      [
        '',
        7,
        'body',
        'headers',
        'url',
        'query',
        'params',
        'socket',
        '__proto__',
        'constructor',
        'get',
        'on',
        null,
      ],
      (requestProperty) => ({ requestProperty }),
      /requestProperty/,
    ),
    ...each(
      'credentials',
      ['bearer', [], ['basic'], [7], null],
      (credentials) => ({ credentials }),
      /credentials/,
    ),
    ['a misspelt name', { scopes: 'a' }, /did you mean scope\?/],
    ['credentialsRequired', { credentialsRequired: false }, /did you mean optional\?/],
  ];
  for (const [what, policy, names] of POLICIES) {
    it(what, async (t) => {
      const auth = open(t);
      assert.throws(() => auth.middleware(/** @type {any} */ (policy)), fault('CONFIG', names));
      assert.throws(() => authMiddleware(/** @type {any} */ ({ jwt, ...policy })), fault('CONFIG', names));
      await assert.rejects(
        auth.authenticate({ token: 'x' }, /** @type {any} */ (policy)),
        fault('CONFIG', names),
      );
    });
  }
});

describe('an Auth accepts', () => {
  /** @type {Array<[string, object]>} */
  const GOOD = [
    ['no options', {}],
    [
      'durations in every unit',
      {
        jwt: { ...jwt, maxAge: '40000d', clockTolerance: '250ms', accessTtl: '90s' },
        sessions: { idleTimeout: '15m', absoluteTimeout: '12h' },
      },
    ],
    [
      'durations in milliseconds',
      { jwt: { ...jwt, maxAge: 1000, clockTolerance: 0 }, sessions: { idleTimeout: 1 } },
    ],
    ['the bounds of a limit', { jwt, sessions: { limit: 0 } }],
    ['the other bound of a limit', { jwt, sessions: { limit: 2 ** 32 - 1 } }],
    [
      'a store in parts',
      { jwt, store: { url: 'memory:', prefix: 'a', commandTimeout: '1s', connectTimeout: 2000 } },
    ],
    ['zero replicas to wait for', { jwt, store: { url: 'memory:', acks: 0 } }],
    ['Sentinels', { jwt, store: 'redis-sentinel://user:p%40ss@127.0.0.1:1,[::1]:2/3?master=m' }],
    ['a Cluster', { jwt, store: { url: 'redis-cluster://127.0.0.1:1,127.0.0.1:2', acks: 1 } }],
    ['a realm with all permitted characters', { jwt, realm: "!#$%&'()*+,-./09:;<=>?@AZ[]^_`az{|}~ x" }],
    [
      'options without prototype',
      Object.assign(Object.create(null), { jwt: Object.assign(Object.create(null), jwt) }),
    ],
  ];
  for (const [what, options] of GOOD) it(what, (t) => void open(t, { jwt: {}, ...options }));

  it('copies its options, so later changes have no effect', async (t) => {
    const options = {
      jwt: { secret: Buffer.from(SECRET), issuer: ['a'], requiredClaims: ['x'] },
      sessions: { limit: 1 },
    };
    const auth = open(t, options);
    options.jwt.secret.fill(0);
    options.jwt.issuer.push('b');
    options.jwt.requiredClaims.pop();
    options.sessions.limit = 100;
    const token = await auth.tokens.issue('u', { claims: { x: 1 } });
    assert.notEqual(await auth.tokens.verify(token), null);
    assert.equal((await auth.sessions.admit('u')).admitted, true);
    assert.equal((await auth.sessions.admit('u')).admitted, false);
  });
});
