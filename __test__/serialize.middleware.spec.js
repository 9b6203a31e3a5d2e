// serialize() in real Express apps. One request of a user runs at a time, from the grant until the handler ends the
// response, regardless of the client.
'use strict';

const assert = require('node:assert/strict');
const http = require('node:http');
const { describe, it } = require('node:test');
const { EXPRESS, serve } = require('./support/app.js');
const { fault, open, unique } = require('./support/auths.js');
const { get, send } = require('./support/http.js');
const { token } = require('./support/jwt.js');
const { until } = require('./support/started.js');
const { aborted, areGrowing, crowd, gate, tick } = require('./support/turns.js');

const OPTIONS = { sessions: { admission: /** @type {const} */ ('first-use') }, apiKeys: {} };

const newToken = (sub = unique()) => token({ sub, sid: 's' });

/** A request whose client can disconnect. @param {number} port @param {string} path @param {string} text */
function client(port, path, text) {
  const request = http.get({ host: '127.0.0.1', port, path, headers: { authorization: `Bearer ${text}` } });
  request.on('error', () => {});
  const gone = new Promise((resolve) => request.on('close', resolve));
  return {
    hangUp: async () => {
      request.destroy();
      await gone;
    },
  };
}

for (const { name, express } of EXPRESS) {
  describe(`serialize() on ${name}`, () => {
    /**
     * @param {import('node:test').TestContext} t
     * @param {(req: any, res: any, next: any) => any} handler of every path
     * @param {object} [lock] LockOptions
     */
    async function site(t, handler, lock = {}) {
      const auth = open(t, OPTIONS);
      /** Paths of the requests that reached the queue. @type {string[]} */
      const passed = [];
      const note = (/** @type {any} */ req, /** @type {any} */ _res, /** @type {any} */ next) => {
        passed.push(req.path);
        next();
      };
      const port = await serve(
        t,
        (app) => void app.use(auth.middleware(), note, auth.serialize(lock), handler),
        express,
      );
      return { auth, port, passed };
    }

    it('runs the requests of one user one at a time, and the requests of other users concurrently', async (t) => {
      const { seen, work } = crowd();
      const [inside, leaving] = [gate(), gate()];
      const { port } = await site(t, async (req, res) => {
        if (req.path === '/hold') {
          inside.open();
          await leaving.opened;
        } else {
          await req.auth.runExclusive(work);
        }
        res.json({});
      });
      const text = newToken();
      const holding = get(port, '/hold', text);
      await inside.opened;
      const others = Array.from({ length: 30 }, () => get(port, '/', text));
      assert.equal((await get(port, '/', newToken())).status, 200);
      assert.equal(seen.runs, 1);
      leaving.open();
      const answers = await Promise.all([holding, ...others]);
      assert.ok(answers.every(({ status }) => status === 200));
      assert.deepEqual([seen.runs, seen.most], [31, 1]);
      assert.ok(areGrowing(seen.fences.slice(1)));
    });

    it('works with API keys, and with any requestProperty', async (t) => {
      const auth = open(t, OPTIONS);
      const port = await serve(
        t,
        (app) =>
          void app.use(auth.middleware({ requestProperty: 'caller' }), auth.serialize(), (req, res) => {
            res.json(/** @type {any} */ (req).caller.userId);
          }),
        express,
      );
      const { key } = await auth.apiKeys.create({ ownerId: 'owner' });
      const answer = await send(port, { headers: [`X-Api-Key: ${key}`] });
      assert.deepEqual([answer.status, answer.body], [200, '"owner"']);
    });

    it('keeps the turn for the handler: a disconnect aborts the signal, and the next request still waits', async (t) => {
      const [inside, leaving, isAborted] = [gate(), gate(), gate()];
      let ended = false;
      let second = 'not yet';
      const { port } = await site(t, async (req, res) => {
        if (req.path === '/second') {
          second = ended ? 'after' : 'before';
          return void res.json({});
        }
        await req.auth.runExclusive(async (/** @type {any} */ lease) => {
          inside.open();
          const { name: reason } = await aborted(lease.signal);
          assert.equal(reason, 'AbortError');
          isAborted.open();
        });
        await leaving.opened;
        ended = true;
        return void res.json({});
      });
      const text = newToken();
      const first = client(port, '/first', text);
      await inside.opened;
      await first.hangUp();
      await isAborted.opened;
      const next = get(port, '/second', text);
      for (let turn = 0; turn < 50; turn++) await tick();
      assert.equal(second, 'not yet');
      leaving.open();
      assert.equal((await next).status, 200);
      assert.equal(second, 'after');
    });

    it('removes a waiting request if its client disconnects, and its handler never runs', async (t) => {
      const [inside, leaving] = [gate(), gate()];
      /** @type {string[]} */
      const ran = [];
      const { port, passed } = await site(t, async (req, res) => {
        ran.push(req.path);
        if (req.path === '/first') {
          inside.open();
          await leaving.opened;
        }
        res.json({});
      });
      const text = newToken();
      const first = get(port, '/first', text);
      await inside.opened;
      const waiting = client(port, '/gone', text);
      await until('it waits', () => passed.includes('/gone'));
      await waiting.hangUp();
      const last = get(port, '/last', text);
      leaving.open();
      assert.deepEqual([(await first).status, (await last).status], [200, 200]);
      assert.deepEqual(ran, ['/first', '/last']);
    });

    it('ends if the handler throws, rejects, or passes an error on', async (t) => {
      const { port } = await site(t, (req, res, next) => {
        if (req.path === '/throw') throw new Error('thrown');
        if (req.path === '/next') return next(new Error('handed on'));
        return res.json({});
      });
      const text = newToken();
      for (const path of ['/throw', '/next', '/throw'])
        assert.equal((await get(port, path, text)).status, 599);
      assert.equal((await get(port, '/', text)).status, 200);
    });

    it('ends at maxHold if the handler never ends', async (t) => {
      /** @type {any[]} */
      const held = [];
      const { auth, port } = await site(
        t,
        (req, res) => {
          if (req.path !== '/never') res.json({});
          else held.push(res);
        },
        { maxHold: 150 },
      );
      const text = newToken();
      const lost = new Promise((resolve) => auth.on('lock-lost', resolve));
      const never = get(port, '/never', text);
      assert.equal((await get(port, '/next', text)).status, 200);
      await lost;
      held[0].end('late');
      assert.equal((await never).body, 'late');
      assert.equal((await get(port, '/again', text)).status, 200);
    });

    it('answers 429 busy if the queue is full or the wait ends', async (t) => {
      /** @type {any[]} */
      const denials = [];
      const onDeny = (/** @type {any} */ denial, /** @type {any} */ _req, /** @type {any} */ res) => {
        denials.push(denial);
        res.status(503).json({});
      };
      const auth = open(t, OPTIONS);
      const [inside, leaving] = [gate(), gate()];
      const port = await serve(
        t,
        (app) => {
          app.get('/hold', auth.middleware(), auth.serialize(), async (_req, res) => {
            inside.open();
            await leaving.opened;
            res.json({});
          });
          const end = (/** @type {any} */ _req, /** @type {any} */ res) => res.json({});
          app.get('/full', auth.middleware(), auth.serialize({ maxQueue: 0 }), end);
          app.get('/late', auth.middleware(), auth.serialize({ wait: 20 }), end);
          app.get('/own', auth.middleware({ onDeny }), auth.serialize({ fair: false, retries: 1 }), end);
        },
        express,
      );
      const text = newToken();
      const holding = get(port, '/hold', text);
      await inside.opened;
      for (const path of ['/full', '/late']) {
        const answer = await get(port, path, text);
        assert.deepEqual([answer.status, answer.body], [429, '{"error":"busy"}'], path);
        assert.equal(answer.header('retry-after'), '1');
        assert.equal(answer.header('cache-control'), 'no-store');
      }
      assert.equal((await get(port, '/own', text)).status, 503);
      const [{ headers, ...denial }] = denials;
      assert.deepEqual(denial, { code: 'busy', status: 429, reason: 'no_turn' });
      assert.equal(headers['Retry-After'], '1');
      leaving.open();
      await holding;
      for (const path of ['/full', '/late', '/own']) assert.equal((await get(port, path, text)).status, 200);
    });

    it('denies a credential that was revoked during the wait, and denies requests without a credential', async (t) => {
      const auth = open(t, OPTIONS);
      const [inside, leaving] = [gate(), gate()];
      let handled = 0;
      let passed = 0;
      const port = await serve(
        t,
        (app) => {
          app.get('/hold', auth.middleware(), auth.serialize(), async (_req, res) => {
            inside.open();
            await leaving.opened;
            res.json({});
          });
          app.get('/open', auth.middleware({ optional: true }), auth.serialize(), () => handled++);
          app.get('/bare', auth.serialize(), () => handled++);
          const note = (/** @type {any} */ _req, /** @type {any} */ _res, /** @type {any} */ next) => {
            passed++;
            next();
          };
          app.get('/', auth.middleware(), note, auth.serialize(), () => handled++);
        },
        express,
      );
      const user = unique();
      const text = newToken(user);
      const holding = get(port, '/hold', text);
      await inside.opened;
      const waiting = [get(port, '/', text), get(port, '/', text)];
      await until('both wait', () => passed === 2);
      await auth.tokens.blockUser(user);
      leaving.open();
      assert.equal((await holding).status, 200);
      for (const answer of await Promise.all(waiting)) {
        assert.deepEqual([answer.status, answer.body], [403, '{"error":"blocked"}']);
      }
      for (const path of ['/open', '/bare']) {
        const answer = await get(port, path);
        assert.deepEqual([answer.status, answer.body], [401, '{"error":"credentials_required"}']);
      }
      assert.equal(handled, 0);
    });

    it('provides its turn to sections of the handler, one after the other, and lasts until they end', async (t) => {
      const { seen, work } = crowd();
      /** @type {any} */
      let outcome;
      const [answered, leaving] = [gate(), gate()];
      const { auth, port } = await site(t, async (req, res) => {
        if (req.path === '/next') return void res.json({});
        const all = await Promise.all(Array.from({ length: 10 }, () => req.auth.runExclusive(work)));
        const nested = await req.auth
          .runExclusive(() => req.auth.runExclusive(() => 1))
          .catch((/** @type {any} */ error) => error.code);
        outcome = { all: all.length, nested };
        await req.auth.runExclusive(async () => {
          res.json({});
          answered.open();
          await leaving.opened;
        });
        outcome.over = await req.auth.runExclusive(() => true);
      });
      const user = unique();
      const text = newToken(user);
      assert.equal((await get(port, '/', text)).status, 200);
      await answered.opened;
      const own = await auth.authenticate({ token: text });
      assert.ok(own.ok);
      await assert.rejects(
        own.auth.runExclusive(() => 1, { wait: 0 }),
        fault('BUSY'),
      );
      leaving.open();
      assert.equal((await get(port, '/next', text)).status, 200);
      assert.deepEqual(outcome, { all: 10, nested: 'ERR_LATCHGATE_INPUT', over: true });
      assert.deepEqual([seen.runs, seen.most, new Set(seen.fences).size], [10, 1, 1]);
    });

    it('twice on one request is ERR_LATCHGATE_INPUT', async (t) => {
      const auth = open(t, OPTIONS);
      const port = await serve(
        t,
        (app) =>
          void app.use(
            auth.middleware(),
            auth.serialize(),
            auth.serialize(),
            (_req, res) => void res.json({}),
          ),
        express,
      );
      const answer = await get(port, '/', newToken());
      assert.equal(answer.status, 500);
      assert.equal(JSON.parse(answer.body).code, 'ERR_LATCHGATE_INPUT');
    });

    it('releases a barrier when the handler has ended', async (t) => {
      const { auth, port } = await site(t, async (req, res) => {
        const { fence } = await auth.tokens.revokeUser(req.auth.userId, { barrier: true });
        res.json({ fence });
      });
      const user = unique();
      const { body } = await get(port, '/', newToken(user));
      const { fence } = await auth.tokens.revokeUser(user, { barrier: true });
      assert.ok(Number(fence) > JSON.parse(body).fence);
    });

    it('stops the watch of req.auth.signal at the end of the response', async (t) => {
      /** @type {any[]} */
      const auths = [];
      const { auth, port } = await site(t, (req, res) => {
        if (req.path === '/read') req.auth.signal.throwIfAborted();
        auths.push(req.auth);
        res.json({});
      });
      const user = unique();
      for (const path of ['/read', '/unread']) await get(port, path, newToken(user));
      const watched = await auth.authenticate({ token: newToken(user) });
      assert.ok(watched.ok);
      const watching = aborted(watched.auth.signal);
      await auth.tokens.revokeUser(user);
      await watching;
      assert.deepEqual(
        auths.map(({ signal }) => signal.aborted),
        [false, false],
      );
    });
  });
}

describe('serialize() refuses', () => {
  it('invalid options immediately, as ERR_LATCHGATE_CONFIG', (t) => {
    /** @type {any} */
    const auth = open(t, OPTIONS);
    for (const options of [
      null,
      5,
      { ttl: 1 },
      { wait: -1 },
      { patience: 1 },
      { fair: 'no' },
      { signal: {} },
    ]) {
      assert.throws(() => auth.serialize(options), fault('CONFIG'));
    }
  });
});
