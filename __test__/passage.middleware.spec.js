// Behaviour of a middleware besides the response: policies, several middlewares and Auths in one app, and errors.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { authMiddleware } = require('latchgate');
const { EXPRESS, serve } = require('./support/app.js');
const { fault, newStore, open, unique } = require('./support/auths.js');
const { get, send } = require('./support/http.js');
const { SECRET, token } = require('./support/jwt.js');

/** @typedef {import('express').Request & Record<string, any>} AnyRequest */

for (const { name, express } of EXPRESS) {
  describe(`on ${name}`, () => {
    /**
     * @param {import('node:test').TestContext} t
     * @param {(app: import('express').Express) => void} build
     */
    const site = (t, build) => serve(t, build, express);

    const ok = (/** @type {AnyRequest} */ req, /** @type {import('express').Response} */ res) =>
      void res.json({ user: req.auth?.userId });

    it('authMiddleware() is a middleware with its Auth', async (t) => {
      const middleware = authMiddleware({ store: newStore(), jwt: { secret: SECRET }, scope: 'read' });
      t.after(() => middleware.auth.close());
      const port = await site(t, (app) => void app.use(middleware).get('/', ok));
      const user = unique();
      const text = await middleware.auth.tokens.issue(user, { scope: 'read' });
      assert.deepEqual(JSON.parse((await get(port, '/', text)).body), { user });
      assert.equal((await get(port, '/', token({ sub: user }))).status, 403);
      await middleware.auth.tokens.revoke(text);
      assert.equal((await get(port, '/', text)).status, 401);
    });

    it('authMiddleware() with sessions admits by first use; createAuth() does not', async (t) => {
      const middleware = authMiddleware({
        store: newStore(),
        jwt: { secret: SECRET },
        sessions: { limit: 1 },
      });
      t.after(() => middleware.auth.close());
      const auth = open(t, { sessions: { limit: 1 } });
      const port = await site(t, (app) => {
        app.get('/first', middleware, ok);
        app.get('/explicit', auth.middleware(), ok);
      });
      const sub = unique();
      assert.equal((await get(port, '/first', token({ sub, sid: 'a' }))).status, 200);
      assert.equal((await get(port, '/first', token({ sub, sid: 'b' }))).status, 403);
      assert.equal((await get(port, '/explicit', token({ sub, sid: 'a' }))).status, 401);
      await auth.sessions.admit(sub, { sessionId: 'a' });
      assert.equal((await get(port, '/explicit', token({ sub, sid: 'a' }))).status, 200);
    });

    it('without the option sessions, no session is checked', async (t) => {
      const auth = open(t);
      const port = await site(t, (app) => {
        app.use(auth.middleware());
        app.get('/', (req, res) => void res.json({ session: req.auth?.session === undefined }));
      });
      const sub = unique();
      await auth.sessions.admit(sub, { sessionId: 's' });
      await auth.sessions.end(sub, 's');
      const answer = await get(port, '/', token({ sub, sid: 's' }));
      assert.deepEqual(JSON.parse(answer.body), { session: true });
    });

    it('optional allows a request without credentials, and denies invalid credentials', async (t) => {
      const auth = open(t);
      const port = await site(t, (app) => {
        app.use(auth.middleware({ optional: true }));
        app.get('/', (req, res) => void res.json({ known: req.auth !== undefined }));
      });
      assert.deepEqual(JSON.parse((await get(port, '/')).body), { known: false });
      assert.deepEqual(JSON.parse((await get(port, '/', token())).body), { known: true });
      assert.equal((await get(port, '/', 'bad')).status, 401);
      assert.equal((await send(port, { headers: ['Authorization: Bearer'] })).status, 400);
      assert.equal((await send(port, { headers: ['Authorization: Basic eDp5'] })).status, 200);
    });

    it('skip passes a request on unchanged, and its errors go to next(err)', async (t) => {
      const auth = open(t);
      const port = await site(t, (app) => {
        const skip = (/** @type {any} */ req) => {
          if (req.path === '/fault') throw new Error('no idea');
          if (req.path === '/promise') return /** @type {any} */ (Promise.resolve(true));
          return req.path === '/open';
        };
        app.use(auth.middleware({ skip }));
        app.use((req, res) => void res.json({ known: req.auth !== undefined }));
      });
      assert.deepEqual(JSON.parse((await get(port, '/open', 'bad')).body), { known: false });
      assert.equal((await get(port, '/closed', 'bad')).status, 401);
      const faulty = await get(port, '/fault', token());
      assert.equal(faulty.status, 599);
      assert.equal(JSON.parse(faulty.body).message, 'no idea');
      const promised = await get(port, '/promise', token());
      assert.equal(JSON.parse(promised.body).code, 'ERR_LATCHGATE_INPUT');
    });

    it('getToken replaces the header, and a result that is not a string is an error', async (t) => {
      const auth = open(t);
      /** @type {Record<string, unknown>} */
      const answers = { none: undefined, null: null, empty: '', number: 7, promise: Promise.resolve('x') };
      const port = await site(t, (app) => {
        const getToken = (/** @type {any} */ req) =>
          req.query.kind === undefined
            ? req.headers['x-token']
            : /** @type {any} */ (answers[req.query.kind]);
        app.use(auth.middleware({ getToken })).get('/', ok);
      });
      const text = token({ sub: 'u' });
      assert.equal((await send(port, { headers: [`X-Token: ${text}`] })).status, 200);
      assert.equal((await get(port, '/', text)).status, 401);
      const both = [`X-Token: ${text}`, 'Authorization: Bearer other', 'Authorization: Bearer another'];
      assert.equal((await send(port, { headers: both })).status, 200);
      for (const kind of ['none', 'null', 'empty']) {
        const answer = await get(port, `/?kind=${kind}`);
        assert.equal(answer.status, 401);
        assert.equal(answer.body, '{"error":"credentials_required"}');
      }
      for (const kind of ['number', 'promise']) {
        const answer = await get(port, `/?kind=${kind}`);
        assert.equal(answer.status, 500);
        assert.equal(JSON.parse(answer.body).code, 'ERR_LATCHGATE_INPUT');
      }
      const prefixed = await send(port, { headers: [`X-Token: Bearer ${text}`] });
      assert.equal(prefixed.status, 401, 'getToken must return the token alone, not a header');
    });

    it('requestProperty names the property of the RequestAuth', async (t) => {
      const auth = open(t);
      const port = await site(t, (app) => {
        app.use(auth.middleware({ requestProperty: 'caller' }));
        app.use(auth.requireClaims({ sub: 'u' }));
        app.get('/', (/** @type {AnyRequest} */ req, res) => {
          res.json({ caller: req.caller.userId, auth: req.auth === undefined });
        });
      });
      const answer = await get(port, '/', token({ sub: 'u' }));
      assert.deepEqual(JSON.parse(answer.body), { caller: 'u', auth: true });
    });

    it('onDeny replaces the response of the table, and gets code, status, reason and headers', async (t) => {
      const auth = open(t);
      /** @type {import('latchgate').Denial[]} */
      const denials = [];
      const port = await site(t, (app) => {
        /** @type {import('latchgate').Policy['onDeny']} */
        const onDeny = (denial, req, res, next) => {
          denials.push(denial);
          assert.equal(req.auth, undefined);
          if (req.path === '/next') next(new Error('denied by me'));
          else if (req.path === '/throw') throw new Error('thrown by me');
          else res.status(418).set(denial.headers).json({ mine: denial.reason });
        };
        app.use(auth.middleware({ onDeny, scope: 'write' })).get('/', ok);
      });
      const none = await get(port, '/');
      assert.equal(none.status, 418);
      assert.equal(none.header('WWW-Authenticate'), 'Bearer realm="api"');
      assert.equal((await get(port, '/next')).status, 599);
      assert.equal(JSON.parse((await get(port, '/throw')).body).message, 'thrown by me');
      await get(port, '/', token());
      assert.deepEqual(denials.at(-1), {
        code: 'insufficient_scope',
        status: 403,
        reason: 'scope_missing',
        headers: {
          'Cache-Control': 'no-store',
          'WWW-Authenticate': 'Bearer realm="api", error="insufficient_scope", scope="write"',
        },
      });
      assert.equal((await get(port, '/', token({ scope: 'write' }))).status, 200);
    });

    it('changes that onDeny makes to a denial do not affect the next denial', async (t) => {
      const auth = open(t);
      const port = await site(t, (app) => {
        app.use(
          auth.middleware({
            onDeny: (denial, _req, res) => {
              res.status(denial.status).json(denial);
              Object.assign(denial, { status: 200, code: 'changed' });
              denial.headers['WWW-Authenticate'] = 'changed';
            },
          }),
        );
      });
      const first = await get(port, '/');
      assert.deepEqual(await get(port, '/').then(({ body }) => body), first.body);
      assert.equal(JSON.parse(first.body).code, 'credentials_required');
    });

    it('a middleware on a router decides only for that router', async (t) => {
      const auth = open(t);
      const port = await site(t, (app) => {
        const router = express.Router();
        router.use(auth.middleware({ scope: 'admin' }));
        router.get('/', ok);
        app.use('/admin', router);
        app.get('/', (_req, res) => void res.sendStatus(200));
      });
      assert.equal((await get(port, '/')).status, 200);
      assert.equal((await get(port, '/admin')).status, 401);
      assert.equal((await get(port, '/admin', token())).status, 403);
      assert.equal((await get(port, '/admin', token({ scope: 'admin' }))).status, 200);
      assert.equal((await get(port, '/admin?access_token=x', token({ scope: 'admin' }))).status, 400);
    });

    it('a second middleware of the same Auth admits no session again, and keeps previousActiveAt', async (t) => {
      const auth = open(t, { sessions: { limit: 1, admission: 'first-use' } });
      /** @type {any[]} */
      const seen = [];
      const note = (
        /** @type {AnyRequest} */ req,
        /** @type {unknown} */ _res,
        /** @type {() => void} */ next,
      ) => {
        seen.push({ ...req.auth?.session });
        next();
      };
      const port = await site(t, (app) => {
        app.use(auth.middleware(), note, auth.middleware({ scope: 'read' }), note);
        app.get('/', ok);
      });
      const text = token({ sub: unique(), sid: 's', scope: 'read' });
      assert.equal((await get(port, '/', text)).status, 200);
      assert.equal((await get(port, '/', text)).status, 200);
      assert.deepEqual(seen[0], seen[1]);
      assert.deepEqual(seen[2], seen[3]);
      assert.equal(seen[2].previousActiveAt, seen[0].lastActiveAt);
      assert.equal(seen[2].active, 1);
    });

    it('a second middleware that denies leaves no auth on the request', async (t) => {
      const auth = open(t);
      const port = await site(t, (app) => {
        app.use(auth.middleware());
        app.use(auth.middleware({ scope: 'write', onDeny: (_denial, _req, _res, next) => next() }));
        app.get('/', (req, res) => void res.json({ known: req.auth !== undefined }));
      });
      assert.deepEqual(JSON.parse((await get(port, '/', token())).body), { known: false });
    });

    it('several Auths in one app decide independently', async (t) => {
      const first = open(t, { sessions: { limit: 1, admission: 'first-use' } });
      const second = open(t, { jwt: { secret: 'another secret of more than 32 bytes' } });
      const port = await site(t, (app) => {
        app.use(first.middleware());
        app.use(second.middleware({ requestProperty: 'second', getToken: (req) => req.get('x-second') }));
        app.use(second.requireScope('write'));
        app.get('/', (/** @type {AnyRequest} */ req, res) => {
          res.json([req.auth?.userId, req.second.userId]);
        });
      });
      const own = token({ sub: 'one', scope: 'write' });
      const key = 'another secret of more than 32 bytes';
      const other = token({ sub: 'two', scope: 'write' }, { key });
      const headers = [`Authorization: Bearer ${own}`, `X-Second: ${other}`];
      assert.deepEqual(JSON.parse((await send(port, { headers })).body), ['one', 'two']);
      await second.tokens.revoke(other);
      assert.equal((await send(port, { headers })).status, 401);
      const swapped = [`Authorization: Bearer ${other}`, `X-Second: ${own}`];
      assert.equal((await send(port, { headers: swapped })).status, 401);
      const unscoped = [`Authorization: Bearer ${own}`, `X-Second: ${token({ sub: 'two' }, { key })}`];
      assert.equal((await send(port, { headers: unscoped })).status, 403);
    });

    it('Auths on one named store share sessions and revocations', async (t) => {
      const store = newStore();
      const first = open(t, { store, sessions: { limit: 1, admission: 'first-use' } });
      const second = open(t, { store, sessions: { limit: 1, admission: 'first-use' } });
      const port = await site(t, (app) => {
        app.get('/first', first.middleware(), ok);
        app.get('/second', second.middleware(), ok);
      });
      const sub = unique();
      const text = token({ sub, sid: 'a' });
      assert.equal((await get(port, '/first', text)).status, 200);
      assert.equal((await get(port, '/second', token({ sub, sid: 'b' }))).status, 403);
      assert.equal((await get(port, '/second', text)).status, 200);
      await second.tokens.revoke(text);
      assert.equal((await get(port, '/first', text)).status, 401);
    });

    it('a limit function gets the claims and the request, and decides per request', async (t) => {
      const limit = (/** @type {any} */ claims, /** @type {any} */ req) =>
        claims.plan + Number(req.get('x-more') ?? 0);
      const auth = open(t, { sessions: { limit, admission: 'first-use' } });
      const port = await site(t, (app) => {
        app.use(auth.middleware());
        app.get('/', (req, res) => void res.json(req.auth?.session?.limit));
      });
      const sub = unique();
      assert.equal((await get(port, '/', token({ sub, plan: 1, sid: 'a' }))).body, '1');
      assert.equal((await get(port, '/', token({ sub, plan: 1, sid: 'b' }))).status, 403);
      const headers = [`Authorization: Bearer ${token({ sub, plan: 1, sid: 'b' })}`, 'X-More: 1'];
      assert.equal((await send(port, { headers })).body, '2');
      assert.equal((await get(port, '/', `${token({ sub, plan: 1 })}x`)).status, 401);
    });

    for (const plan of [-1, 1.5, '3', null, 2 ** 53]) {
      it(`a limit function that returns ${JSON.stringify(plan)} causes an error, and never means no limit`, async (t) => {
        const limit = (/** @type {any} */ claims) => claims.plan;
        const auth = open(t, { sessions: { limit, admission: 'first-use' } });
        const port = await site(t, (app) => void app.use(auth.middleware()).get('/', ok));
        const sub = unique();
        const answer = await get(port, '/', token({ sub, plan }));
        assert.equal(answer.status, 500);
        assert.equal(JSON.parse(answer.body).code, 'ERR_LATCHGATE_INPUT');
        assert.deepEqual(await auth.sessions.list(sub), []);
      });
    }

    it('a limit function that throws, or returns NaN or a promise, causes an error', async (t) => {
      /** @type {Record<string, () => any>} */
      const kinds = {
        NaN: () => Number.NaN,
        Infinity: () => Number.POSITIVE_INFINITY,
        promise: () => Promise.resolve(3),
        throws: () => {
          throw new Error('no plan');
        },
      };
      const limit = (/** @type {any} */ claims) => kinds[claims.kind]();
      const auth = open(t, { sessions: { limit, admission: 'first-use' } });
      const port = await site(t, (app) => void app.use(auth.middleware()).get('/', ok));
      for (const kind of ['NaN', 'Infinity', 'promise']) {
        const answer = await get(port, '/', token({ kind }));
        assert.equal(JSON.parse(answer.body).code, 'ERR_LATCHGATE_INPUT', kind);
      }
      assert.equal(JSON.parse((await get(port, '/', token({ kind: 'throws' }))).body).message, 'no plan');
    });

    it('creating a middleware with an invalid policy throws', (t) => {
      const auth = open(t);
      for (const policy of [
        { scopes: 'a' },
        { scope: '' },
        { optional: 'yes' },
        { requestProperty: 'body' },
      ]) {
        assert.throws(() => auth.middleware(/** @type {any} */ (policy)), fault('CONFIG'));
      }
    });
  });
}
