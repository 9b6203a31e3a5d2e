// requireScope() and requireClaims(): what a route requires of a request that the middleware allowed.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { EXPRESS, serve } = require('./support/app.js');
const { fault, open } = require('./support/auths.js');
const { get } = require('./support/http.js');
const { token } = require('./support/jwt.js');

for (const { name, express } of EXPRESS) {
  describe(`on ${name}`, () => {
    /**
     * @param {import('node:test').TestContext} t
     * @param {(auth: import('latchgate').Auth) => import('express').RequestHandler} guard
     * @param {import('latchgate').Policy | null} [policy] null: no middleware before the guard
     */
    async function site(t, guard, policy = {}) {
      const auth = open(t);
      let handled = 0;
      const port = await serve(
        t,
        (app) => {
          if (policy !== null) app.use(auth.middleware(policy));
          app.get('/items/:id', guard(auth), (_req, res) => void res.json(++handled));
        },
        express,
      );
      return {
        /** @param {object} claims @param {string} [id] */
        ask: (claims, id = '7') => get(port, `/items/${id}`, token(claims)),
        handled: () => handled,
      };
    }

    it('requireScope() allows a caller with all scopes, in any supported claim', async (t) => {
      const { ask, handled } = await site(t, (auth) => auth.requireScope('read', 'write'));
      for (const claims of [
        { scope: 'read write' },
        { scope: ['write', 'read', 'more'] },
        { scp: 'write read' },
        { scp: ['read', 'write'] },
      ]) {
        assert.equal((await ask(claims)).status, 200, JSON.stringify(claims));
      }
      assert.equal(handled(), 4);
    });

    it('requireScope() answers 403 with all required scopes to a caller that lacks one of them', async (t) => {
      const { ask, handled } = await site(t, (auth) => auth.requireScope('read', 'write'));
      for (const claims of [
        {},
        { scope: 'read' },
        { scope: 'readwrite' },
        { scope: 'READ WRITE' },
        { scope: 'read', scp: 'read write' },
        { scope: 7 },
        { scope: { read: true, write: true } },
        { scope: ['read write'] },
      ]) {
        const answer = await ask(claims);
        assert.equal(answer.status, 403, JSON.stringify(claims));
        assert.equal(answer.body, '{"error":"insufficient_scope"}');
        const challenge = 'Bearer realm="api", error="insufficient_scope", scope="read write"';
        assert.equal(answer.header('WWW-Authenticate'), challenge);
        assert.equal(answer.header('Cache-Control'), 'no-store');
      }
      assert.equal(handled(), 0);
    });

    it('requireScope() and policy.scope agree for every shape of the claims', async (t) => {
      const auth = open(t);
      const port = await serve(
        t,
        (app) => {
          const done = (/** @type {any} */ _req, /** @type {import('express').Response} */ res) =>
            void res.sendStatus(200);
          app.get('/policy', auth.middleware({ scope: 'a b' }), done);
          app.get('/guard', auth.middleware(), auth.requireScope('a', 'b'), done);
        },
        express,
      );
      const shapes = [
        'a b',
        'a  b',
        ' a b ',
        'b a c',
        'a',
        '',
        'a,b',
        'a\tb',
        'a\nb',
        ['a', 'b'],
        ['a b'],
        ['a', 7],
        [],
        [['a', 'b']],
        7,
        true,
        null,
        { a: 1, b: 1 },
      ];
      for (const claim of ['scope', 'scp']) {
        for (const shape of shapes) {
          const text = token({ [claim]: shape });
          const statuses = [
            (await get(port, '/policy', text)).status,
            (await get(port, '/guard', text)).status,
          ];
          assert.equal(statuses[0], statuses[1], `${claim}: ${JSON.stringify(shape)} -> ${statuses}`);
        }
      }
      for (const claims of [
        { scope: null, scp: 'a b' },
        { scope: '', scp: 'a b' },
        { scope: 7, scp: 'a b' },
      ]) {
        const text = token(claims);
        const statuses = [
          (await get(port, '/policy', text)).status,
          (await get(port, '/guard', text)).status,
        ];
        assert.equal(statuses[0], statuses[1], `${JSON.stringify(claims)} -> ${statuses}`);
      }
    });

    it('requireClaims() compares strictly, member by member', async (t) => {
      const match = { tenant: 'a', level: 3, tags: ['x', { y: 1 }], nothing: null };
      const { ask, handled } = await site(t, (auth) => auth.requireClaims(match));
      assert.equal((await ask(match)).status, 200);
      for (const claims of [
        { ...match, tenant: 'b' },
        { ...match, tenant: ['a'] },
        { ...match, level: '3' },
        { ...match, tags: ['x'] },
        { ...match, tags: ['x', { y: 1, z: 2 }] },
        { ...match, nothing: undefined },
        { ...match, nothing: false },
      ]) {
        const answer = await ask(claims);
        assert.equal(answer.status, 403, JSON.stringify(claims));
        assert.equal(answer.body, '{"error":"forbidden"}');
        assert.equal(answer.header('WWW-Authenticate'), undefined);
        assert.equal(answer.header('Cache-Control'), 'no-store');
      }
      assert.equal(handled(), 1);
    });

    it('requireClaims() calls functions with the value and the request', async (t) => {
      const { ask, handled } = await site(t, (auth) =>
        auth.requireClaims({
          item: (/** @type {unknown} */ value, /** @type {any} */ req) => value === req.params.id,
        }),
      );
      assert.equal((await ask({ item: '7' }, '7')).status, 200);
      assert.equal((await ask({ item: '7' }, '8')).status, 403);
      assert.equal((await ask({}, '7')).status, 403);
      assert.equal(handled(), 1);
    });

    it('a claim that exists only on the prototype is absent', async (t) => {
      const { ask } = await site(t, (auth) => auth.requireClaims({ toString: () => true }));
      assert.equal((await ask({})).status, 403);
    });

    it('a function that throws or returns a promise causes an error, and never allows the request', async (t) => {
      const { ask, handled } = await site(t, (auth) =>
        auth.requireClaims({
          kind: (/** @type {unknown} */ value) => {
            if (value === 'throws') throw new Error('no idea');
            return Promise.resolve(true);
          },
        }),
      );
      assert.equal(JSON.parse((await ask({ kind: 'throws' })).body).message, 'no idea');
      const promised = await ask({ kind: 'promise' });
      assert.equal(promised.status, 500);
      assert.equal(JSON.parse(promised.body).code, 'ERR_LATCHGATE_INPUT');
      assert.equal(handled(), 0);
    });

    it('without a decision of this Auth the guards answer 401', async (t) => {
      for (const guard of [
        (/** @type {import('latchgate').Auth} */ auth) => auth.requireScope('read'),
        (/** @type {import('latchgate').Auth} */ auth) => auth.requireClaims({ sub: 'user' }),
      ]) {
        const bare = await site(t, guard, null);
        const answer = await bare.ask({ scope: 'read' });
        assert.equal(answer.status, 401);
        assert.equal(answer.body, '{"error":"credentials_required"}');
        assert.equal(answer.header('WWW-Authenticate'), 'Bearer realm="api"');
        const foreign = open(t);
        const other = await site(t, () => guard(foreign));
        assert.equal((await other.ask({ scope: 'read' })).status, 401);
        const skipped = await site(t, guard, { skip: () => true });
        assert.equal((await skipped.ask({ scope: 'read' })).status, 401);
      }
    });

    it('the guards find the decision even if the app replaced req.auth', async (t) => {
      const auth = open(t);
      const port = await serve(
        t,
        (app) => {
          app.use(auth.middleware());
          app.use((/** @type {any} */ req, _res, next) => {
            req.auth = { claims: { role: 'admin' }, scopes: ['write'] };
            next();
          });
          app.get('/', auth.requireScope('write'), (_req, res) => void res.sendStatus(200));
        },
        express,
      );
      assert.equal((await get(port, '/', token())).status, 403);
    });

    it('the guards answer through the middleware’s onDeny', async (t) => {
      const { ask } = await site(t, (auth) => auth.requireClaims({ role: 'admin' }), {
        onDeny: ({ reason }, _req, res) => void res.status(404).send(reason),
      });
      const answer = await ask({});
      assert.deepEqual([answer.status, answer.body], [404, 'claims_mismatch']);
    });

    it('creating a guard without requirements, or with impossible ones, throws', (t) => {
      const auth = open(t);
      assert.throws(() => auth.requireScope(), fault('CONFIG'));
      assert.throws(() => auth.requireScope('a"b'), fault('CONFIG'));
      assert.throws(() => auth.requireScope(/** @type {any} */ (7)), fault('CONFIG'));
      assert.throws(() => auth.requireClaims({}), fault('CONFIG'));
      assert.throws(() => auth.requireClaims({ a: undefined }), fault('CONFIG'));
      assert.throws(() => auth.requireClaims({ a: async () => true }), fault('CONFIG'));
      assert.throws(() => auth.requireClaims(/** @type {any} */ ('a')), fault('CONFIG'));
    });
  });
}
