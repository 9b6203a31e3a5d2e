// Short scenarios of the public API, told as transcripts: what two stores answer must be the same, instants apart. Ids are
// given, so that they are the same too.
'use strict';

const assert = require('node:assert/strict');
const { serve } = require('./app.js');
const { get } = require('./http.js');
const { read, token } = require('./jwt.js');

/** @typedef {import('latchgate').Auth} Auth */
/** @typedef {import('latchgate').AuthOptions} Options */
/**
 * @typedef {object} Stage
 * @property {import('node:test').TestContext} t
 * @property {(options?: Options) => Auth} open another Auth on the same store
 * @property {(label: string) => string} name an id that no other scenario uses
 */

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/**
 * With instants put as words, after a look at whether they can be true, and own names put back.
 * @param {any} value
 * @param {string} suffix of own names
 * @param {string} [key]
 * @returns {any}
 */
function plain(value, suffix, key = '') {
  if (typeof value === 'string') return key === 'receipt' ? 'a receipt' : value.replaceAll(suffix, '');
  if (typeof value === 'number' && /At$/.test(key)) {
    const now = Date.now();
    assert.ok(Number.isInteger(value) && value > now - 60_000 && value < now + DAY, `${key}: ${value}`);
    return value > now + 60_000 ? 'later' : 'now';
  }
  if (typeof value === 'number' && key === 'retryAfterMs')
    return value > 0 && value <= DAY ? 'a while' : value;
  if (Array.isArray(value)) return value.map((each) => plain(each, suffix));
  if (typeof value !== 'object' || value === null) return value;
  const pairs = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(pairs.map(([name, member]) => [name, plain(member, suffix, name)]));
}

/** What an authenticate() came to. @param {any} answer */
function told(answer) {
  if (!answer.ok) return answer;
  const { userId, sessionId, scopes, session, quota, degraded } = answer.auth;
  return { ok: true, userId, sessionId, scopes, session, quota, degraded };
}

/** @type {Array<{ rule: string, run: (stage: Stage) => Promise<any[]> }>} */
const SCENARIOS = [
  {
    rule: 'sessions are admitted up to the limit, touched, listed, ended, and never come back',
    run: async ({ open, name }) => {
      const { sessions } = open({ sessions: { limit: 2 } });
      const user = name('user');
      /** @type {any[]} */
      const seen = [];
      for (const sessionId of ['a', 'b', 'c', 'a'])
        seen.push(await sessions.admit(user, { sessionId, device: { name: sessionId } }));
      seen.push(
        await sessions.touch(user, 'a'),
        await sessions.touch(user, 'c'),
        await sessions.touch(name('other'), 'a'),
      );
      seen.push(await sessions.list(user), await sessions.end(user, 'a'), await sessions.end(user, 'a'));
      seen.push(
        await sessions.admit(user, { sessionId: 'a' }),
        await sessions.admit(user, { sessionId: 'd', limit: 5 }),
      );
      seen.push(
        await sessions.endAll(user, { except: 'd' }),
        await sessions.list(user),
        await sessions.endAll(user),
      );
      return [...seen, await sessions.list(user)];
    },
  },
  {
    rule: 'the least recently active sessions make room',
    run: async ({ open, name }) => {
      const { sessions } = open({ sessions: { limit: 3, onLimit: 'evict-oldest' } });
      const user = name('user');
      /** @type {any[]} */
      const seen = [];
      for (const sessionId of ['a', 'b', 'c']) await sessions.admit(user, { sessionId });
      await sessions.touch(user, 'a');
      seen.push(
        await sessions.admit(user, { sessionId: 'd' }),
        await sessions.admit(user, { sessionId: 'e', limit: 1 }),
      );
      seen.push(
        await sessions.admit(user, { sessionId: 'f', limit: 0 }),
        await sessions.admit(user, { sessionId: 'b' }),
      );
      return [...seen, await sessions.list(user)];
    },
  },
  {
    rule: 'odd ids share nothing',
    run: async ({ open, name }) => {
      const { sessions } = open({ sessions: { limit: 1 } });
      const odd = [
        'a:b',
        '{a}',
        'a}{b',
        '*',
        '\0',
        '\n',
        'caf\u00e9',
        'cafe\u0301',
        '\u{1f642}',
        '%41',
        'A',
        ' ',
        'x'.repeat(400),
        '\u00e9'.repeat(200),
      ];
      for (const id of odd) await sessions.admit(name(id), { sessionId: id });
      return Promise.all(odd.map((id) => sessions.list(name(id))));
    },
  },
  {
    rule: 'tokens are issued, revoked by text, by id, by user, and blocked',
    run: async ({ open, name }) => {
      const auth = open();
      const user = name('user');
      const own = await auth.tokens.issue(user, { scope: ['read', 'write'], claims: { level: 3 } });
      const other = await auth.tokens.issue(user);
      const foreign = token({ sub: user, iat: Math.floor(Date.now() / 1000) - 100 });
      const ask = async () =>
        Promise.all(
          [own, other, foreign].map(async (text) => told(await auth.authenticate({ token: text }))),
        );
      /** @type {any[]} */
      const seen = [(await ask()).map(({ ok }) => ok)];
      seen.push(
        await auth.tokens.revoke(own),
        await auth.tokens.revoke(own),
        await auth.tokens.isRevoked(own),
        await auth.tokens.isRevoked(other),
      );
      seen.push(
        await auth.tokens.revokeId({
          jti: String(read(other).jti),
          userId: user,
          expiresAt: Date.now() + HOUR,
        }),
      );
      seen.push((await ask()).map(({ ok, code }) => [ok, code]));
      await auth.sessions.admit(user, { sessionId: 's' });
      seen.push(await auth.tokens.revokeUser(user));
      const after = await auth.tokens.issue(user);
      seen.push(
        (await ask()).map(({ code }) => code),
        (await auth.authenticate({ token: after })).ok,
      );
      seen.push(
        await auth.tokens.blockUser(user),
        await auth.sessions.admit(user),
        (await auth.authenticate({ token: after })).ok,
      );
      seen.push(await auth.tokens.unblockUser(user), await auth.tokens.unblockUser(user));
      seen.push(
        (await auth.authenticate({ token: after })).ok,
        await auth.tokens.isRevoked({ jti: 'unknown', userId: user }),
      );
      return [...seen, (await auth.authenticate({ token: await auth.tokens.issue(user) })).ok];
    },
  },
  {
    rule: 'charges and top-ups are made once under an idempotency key, and given back once',
    run: async ({ open, name }) => {
      const { quotas } = open();
      const key = name('key');
      const options = { cost: 3, idempotencyKey: 'i' };
      /** @type {any[]} */
      const seen = [];
      const rules = /** @type {const} */ ([{ limit: 5 }, { limit: 6, window: '1h' }]);
      for (const [index, rule] of rules.entries()) {
        const once = { ...options, idempotencyKey: `i${index}` };
        const first = await quotas.consume(key, rule, once);
        seen.push(first, await quotas.consume(key, rule, once));
        seen.push(await quotas.consume(key, rule, { ...once, cost: 2 }).catch(({ code }) => code));
        for (let n = 0; n < 2; n++) seen.push(await quotas.refund(first.receipt ?? ''));
        seen.push(await quotas.consume(key, rule, once), await quotas.peek(key, rule));
      }
      for (let n = 0; n < 2; n++) seen.push(await quotas.add(key, { limit: 5 }, 7, { idempotencyKey: 'a' }));
      seen.push(await quotas.consume(key, { limit: 5 }, { cost: 10 }));
      return seen;
    },
  },
  {
    rule: 'quotas are consumed, looked at and reset, and a denial burns nothing',
    run: async ({ open, name }) => {
      const { quotas } = open();
      /** @type {any[]} */
      const seen = [];
      for (const rule of [
        { limit: 5 },
        { limit: 5, window: '1h' },
        { limit: 5, window: HOUR, algorithm: /** @type {const} */ ('window') },
        { limit: 5, window: '5h', algorithm: /** @type {const} */ ('bucket') },
      ]) {
        const key = name(`key ${seen.length}`);
        seen.push(await quotas.peek(key, rule));
        for (const cost of [0, 3, 3, 6, 2, 1]) seen.push(await quotas.consume(key, rule, { cost }));
        seen.push(
          await quotas.consume(key, { ...rule, limit: 7 }),
          await quotas.peek(key, { ...rule, limit: 2 }),
        );
        seen.push(await quotas.reset(key), await quotas.reset(key), await quotas.peek(key, rule));
      }
      const most = Number.MAX_SAFE_INTEGER;
      const large = name('large');
      seen.push(
        await quotas.consume(large, { limit: most }, { cost: most - 1 }),
        await quotas.consume(large, { limit: most }),
        await quotas.consume(large, { limit: most }),
      );
      return seen;
    },
  },
  {
    rule: "counters are changed within bounds, several at once or none, and once under a key; a key of once() is one caller's",
    run: async ({ open, name }) => {
      const auth = open();
      const { counters } = auth;
      const user = name('user');
      const most = Number.MAX_SAFE_INTEGER;
      const move = [
        { name: 'a', delta: -2, min: 0 },
        { name: '__proto__', delta: 2, max: 5 },
      ];
      /** @type {any[]} */
      const seen = [await counters.get(user, 'a'), await counters.add(user, 'a', 5, { idempotencyKey: 'k' })];
      for (let n = 0; n < 4; n++) seen.push(await counters.apply(user, move));
      for (const delta of [most, 1, -1, -most, -most, -1])
        seen.push(await counters.add(user, 'large', delta));
      seen.push(await counters.add(user, 'a', 5, { idempotencyKey: 'k' }));
      seen.push(await counters.add(user, 'a', 6, { idempotencyKey: 'k' }).catch(({ code }) => code));
      for (const by of ['a', 'b', 'a']) seen.push(await auth.once(name('key'), { by, ttl: '1h' }));
      for (const by of ['b', 'a', 'a']) seen.push(await auth.onceRelease(name('key'), by));
      return [...seen, await auth.once(name('key'))];
    },
  },
  {
    rule: 'counters are changed with an API key while it stands',
    run: async ({ open, name }) => {
      const auth = open({ apiKeys: {} });
      const user = name('owner');
      const { key, keyId } = await auth.apiKeys.create({ ownerId: user });
      const answer = await auth.authenticate({ apiKey: key });
      const own = answer.ok ? answer.auth : undefined;
      const apply = () =>
        auth.counters.apply(user, [{ name: 'c', delta: 1 }], { auth: own }).catch(({ code }) => code);
      return [await apply(), await auth.apiKeys.revoke(keyId), await apply()];
    },
  },
  {
    rule: 'the middleware decides session, scope and quota as one, with its headers',
    run: async ({ t, open, name }) => {
      const auth = open({ sessions: { limit: 2, admission: 'first-use' } });
      const port = await serve(t, (app) => {
        const quota = { limit: 3, window: '1h', name: 'calls' };
        app.get(
          '/',
          auth.middleware({ quota }),
          (req, res) => void res.json(told({ ok: true, auth: req.auth })),
        );
        app.get(
          '/scoped',
          auth.middleware({ quota: { ...quota, cost: 2 }, scope: 'admin' }),
          (_req, res) => void res.sendStatus(204),
        );
        app.get(
          '/prepaid',
          auth.middleware({ quota: { limit: 2, name: 'prepaid', by: () => name('address') } }),
          (_req, res) => void res.sendStatus(204),
        );
      });
      const user = name('user');
      /** @type {any[]} */
      const seen = [];
      for (const [path, claims] of /** @type {Array<[string, object]>} */ ([
        ['/', { sid: 'a' }],
        ['/scoped', { sid: 'b' }],
        ['/', { sid: 'b' }],
        ['/', { sid: 'c' }],
        ['/scoped', { sid: 'a', scope: 'admin' }],
        ['/', { sid: 'a' }],
        ['/', { sid: 'a' }],
        ['/', { sid: 'd' }],
        ['/prepaid', { sid: 'a' }],
        ['/prepaid', { sid: 'b' }],
        // Charged second where it may live apart: the touch stands, on some stores.
        ['/prepaid', { sid: 'b' }],
      ])) {
        const answer = await get(port, path, token({ sub: user, ...claims }));
        const headers = [
          'www-authenticate',
          'ratelimit',
          'ratelimit-policy',
          'retry-after',
          'cache-control',
        ].map((header) =>
          answer
            .header(header)
            ?.replace(
              /(;t=|^)(\d+)$/,
              (_all, before, seconds) => `${before}${Number(seconds) > 3000 ? 'an hour' : seconds}`,
            ),
        );
        seen.push([
          path,
          claims,
          answer.status,
          answer.body.startsWith('{') ? JSON.parse(answer.body) : answer.body,
          headers,
        ]);
      }
      return [...seen, await auth.sessions.list(user)];
    },
  },
  {
    rule: 'authenticate() answers with the same values and denials',
    run: async ({ open, name }) => {
      const auth = open({ sessions: { limit: 1, admission: 'first-use' } });
      const user = name('user');
      const quota = { limit: 2, window: '1h', name: 'calls', by: /** @type {const} */ ('session') };
      /** @type {any[]} */
      const seen = [];
      for (const sid of ['a', 'a', 'b', 'a'])
        seen.push(told(await auth.authenticate({ token: token({ sub: user, sid }) }, { quota })));
      await auth.sessions.end(user, 'a');
      for (const sid of ['a', 'b'])
        seen.push(told(await auth.authenticate({ token: token({ sub: user, sid }) }, { quota })));
      return seen.map((answer) =>
        answer.headers === undefined ? answer : { ...answer, headers: Object.keys(answer.headers).sort() },
      );
    },
  },
];

module.exports = { SCENARIOS, plain };
