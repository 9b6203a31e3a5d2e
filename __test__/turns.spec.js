// Turns on the embedded store: their order, and their effect on the process.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { open, unique } = require('./support/auths.js');
const { runScript } = require('./support/child.js');
const { held } = require('./support/turns.js');

describe('turns', () => {
  it('are granted in the order of the calls, and a waiter that leaves does not affect the others', async (t) => {
    const { locks } = open(t);
    const key = unique('key');
    const holder = await held((/** @type {any} */ work) => locks.runExclusive(key, work));
    /** @type {number[]} */
    const order = [];
    const leaving = new AbortController();
    const runs = Array.from({ length: 100 }, (_, n) => {
      const options = n % 10 === 5 ? { signal: leaving.signal } : {};
      return locks.runExclusive(key, () => order.push(n), options).catch((error) => error.name);
    });
    leaving.abort();
    holder.leave();
    await Promise.all(runs);
    const stayed = Array.from({ length: 100 }, (_, n) => n).filter((n) => n % 10 !== 5);
    assert.deepEqual(order, stayed);
  });
});

describe('a process', () => {
  /** @param {string} script @param {Record<string, string>} [env] */
  const run = async (script, env) => {
    const { status, stdout, stderr } = await runScript(
      `const auth = latchgate.createAuth({ jwt: { secret: SECRET } }); const { locks } = auth; ${script}`,
      { env },
    );
    assert.deepEqual([status, stderr], [0, '']);
    return stdout.trim();
  };

  it('exits while a turn is held, and while a signal is watched', async () => {
    const script = `
      // Longer than the test would wait.
      const long = { maxHold: '1h' };
      await locks.acquire('k', long);
      locks.runExclusive('l', () => new Promise(() => {}), long);
      const { auth: own } = await auth.authenticate({ token: await auth.tokens.issue('u') });
      own.runExclusive(() => new Promise(() => {}), long);
      console.log(own.signal.aborted);`;
    assert.equal(await run(script), 'false');
  });

  it('stays alive for a caller that waits for a turn, and only for such a caller', async () => {
    const script = `
      await locks.acquire('k', { ttl: '1h', maxHold: '1h' });
      await locks.acquire('k', { wait: 50 }).catch((error) => console.log(error.code));`;
    assert.equal(await run(script), 'ERR_LATCHGATE_BUSY');
  });

  it('keeps no memory of past sections if each section starts the next section', async () => {
    const script = `
      const signals = [];
      await new Promise((done) => {
        const next = () => locks.runExclusive('k', async ({ signal }) => {
          signals.push(new WeakRef(signal));
          if (signals.length < 100) return void setImmediate(next);
          for (let n = 0; n < 5; n++) {
            await new Promise(setImmediate);
            gc();
          }
          console.log(signals.filter((each) => each.deref() !== undefined).length <= 5);
          done();
        });
        next();
      });`;
    assert.equal(await run(script, { NODE_OPTIONS: '--expose-gc' }), 'true');
  });

  it('reports the error of a section that lost its turn only to its caller', async () => {
    const script = `
      const late = locks.runExclusive('k', () => new Promise((resolve) => setTimeout(resolve, 50)), { maxHold: 10 });
      console.log(await late.catch((error) => error.code), await locks.runExclusive('k', () => 'next'));`;
    assert.equal(await run(script), 'ERR_LATCHGATE_LEASE_LOST next');
  });
});
