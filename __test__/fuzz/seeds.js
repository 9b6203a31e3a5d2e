// Writes the first inputs of the corpus: what a reader should take, what it should refuse, and the forged tokens of
// __test__/vectors. An input that broke a property is added here when it is mended.
'use strict';

const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const vectors = require('../vectors/jwt_attack_corpus.json');

/** @param {string[]} parts */
const lines = (...parts) => `${parts.join('\r\n')}\r\n`;
/** @param {...number} bytes */
const bytes = (...bytes) => Buffer.from(bytes);
/** A text as the targets take one: its length before it. @param {string} text */
const text = (text) => Buffer.concat([bytes(text.length), Buffer.from(text)]);
/** @param {number} width @param {number} number */
const packed = (width, number) => {
  const all = Buffer.alloc(8);
  all.writeBigUInt64BE(BigInt(number));
  return all.subarray(8 - width);
};

const claims = {
  iss: 'https://issuer.test',
  aud: 'api',
  sub: 'user-1',
  jti: 'jti-1',
  exp: 4102444800,
  iat: 1000000000,
};
/** @param {object} more */
const token = (more) => JSON.stringify({ ...claims, ...more });

const jwk = (/** @type {crypto.KeyObject} */ key) => JSON.stringify(key.export({ format: 'jwk' }));
/** @type {string[]} */
const publicKeys = Object.values(/** @type {Record<string, { public_pem?: string }>} */ (vectors.profiles))
  .map(({ public_pem: pem }) => pem)
  .filter((pem) => pem !== undefined)
  .map((pem) => jwk(crypto.createPublicKey(pem)));

/** One call of each kind, with a reply that fits some. */
const replies = Array.from({ length: 26 }, (_, kind) => [
  Buffer.concat([bytes(kind), text('ada'), text('s-1'), bytes(0, 0, 0, 0), packed(4, 1)]),
  Buffer.concat([bytes(kind), text('a/{b} ü'), Buffer.alloc(96), packed(4, 1), packed(7, 5), packed(6, 9)]),
]).flat();

/** @type {Record<string, Array<string | Buffer>>} */
const SEEDS = {
  credentials: [
    'Bearer abc.def.ghi',
    'bearer x, Bearer y',
    'Bearer\tx',
    'sk_live_0123456789abcdef',
    `lg_${'0abc'}${'1'.repeat(16)}_${'A'.repeat(43)}`,
    `0abc.${'A'.repeat(22)}.${'A'.repeat(43)}`,
    `0abc.${'A'.repeat(21)}B.${'A'.repeat(42)}B`,
  ],
  json: [
    '{}',
    '[]',
    '{"a":1,"a":2}',
    '{"a":{"b":1,"\\u0062":2}}',
    '{"a":"\\ud83d\\ude00:","b":["x","y"],"c":[1,null],"d":1.5e3,"e":true}',
    '{"a":"\\ud800"}',
    `{"a":${'['.repeat(130)}${']'.repeat(130)}}`,
    `{${Array.from({ length: 40 }, (_, n) => `"k${n}":${n}`).join(',')}}`,
    token({}),
  ],
  jwks: [...publicKeys, '{"kty":"oct","k":"AAAA"}', '{"kty":"RSA","n":"AQAB","e":"AQAB"}'],
  packed: [bytes(0, 1, 255, 6, 2, 1, 1, 130, 8, 255, 255, 255, 255, 255, 255, 255, 255), text('abc')],
  receipts: [
    '0abc.AAAA.AAAA',
    Buffer.concat([
      Buffer.alloc(16, 3),
      bytes(1, 17, 2, 1, 1, 0, 1, 5, 1),
      Buffer.alloc(16, 9),
      text('reports'),
    ]),
  ],
  replies,
  resp: [
    lines('*3', '$5', 'a\r\nbc', ':-42', '*1', '$-1', '+OK', '-ERR no'),
    lines('-MOVED 3999 127.0.0.1:6381'),
    lines('-ASK 1 [::1]:7'),
    lines('*1', '*3', ':0', ':5460', '*2', '$9', '127.0.0.1', ':7001'),
    lines('*1', '*3', ':9', ':5', '*2', '$-1', ':7001'),
    lines('$61', 'master_repl_offset:9\r\nslave0:ip=a,port=1,state=online,offset=5'),
    lines('$34', 'cluster_current_epoch:12\r\nx:1\r\nyyy'),
    'HTTP/1.1 400 Bad Request\r\n',
    '*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n',
    '$1\r\nabc\r\n',
    // After it every target takes its lengths from the front.
  ].map((reply) => Buffer.concat([bytes(1, 3, 200, 7), Buffer.from(reply)])),
  token_claims: [
    token({}),
    token({ aud: ['x', 'api'], sid: 's-1', scope: 'read  write', nbf: 1500000000.5, gen: 7, lgs: 1 }),
    token({ scp: ['a', 'b'], exp: 1e300 }),
    token({ sub: 'a\u0000b' }),
    token({ iat: 1700000064.9, jti: undefined }),
    token({ aud: [1] }),
    `{"alg":"HS256"}\n${token({})}`,
    `{"alg":"none"}\n${token({})}`,
    `{"alg":"HS256","crit":["x"]}\n${token({})}`,
    `{"alg":"HS256","alg":"none"}\n${token({})}`,
  ],
  token_text: vectors.tests
    .filter(({ token }) => token.length <= 4096)
    .map((/** @type {{ token: string }} */ { token }) => token),
  urls: [
    'redis://localhost',
    'rediss://user:p%40ss@redis.example:6380/3#insecure',
    'redis+unix:///run/redis.sock?db=1',
    'redis-sentinel://u:p@a:1,b,[::1]:3/2?master=m%20y&sentinel_password=s',
    'redis-cluster://:secret@a:1,b:2,a:1',
    'rediss-cluster://a:1,b#insecure',
    'redis-cluster://a:1/1',
    'redis-sentinel://a?master=%zz',
    'redis://[::1]:7/0?protocol=resp3',
  ],
};

for (const [target, seeds] of Object.entries(SEEDS)) {
  const directory = path.join(__dirname, 'corpus', target);
  fs.mkdirSync(directory, { recursive: true });
  for (const seed of seeds) {
    // As libFuzzer names them, so that the same input is never there twice.
    const name = crypto.createHash('sha1').update(seed).digest('hex');
    fs.writeFileSync(path.join(directory, name), seed);
  }
}
