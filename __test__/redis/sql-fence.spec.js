// The example of examples/sql-fence on SQLite, in two processes. One of the processes is stopped in the middle of a
// withdrawal.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { SCHEMA } = require('../../examples/sql-fence/app.js');
const { unique } = require('../support/auths.js');
const { startDatabase } = require('../support/database.js');
const { token } = require('../support/jwt.js');
const { request, startProcesses } = require('../support/processes.js');
const { missing, startServer } = require('../support/servers.js');
const { until } = require('../support/started.js');

/** @typedef {import('../support/processes.js').Worker} Worker */

/** @param {import('node:test').TestContext} t @param {Record<string, string>} [env] */
async function site(t, env = {}) {
  const server = await startServer(t);
  const database = await startDatabase(t, SCHEMA);
  const user = unique();
  database.query('INSERT INTO wallets (owner_id, balance) VALUES (?, 100)', [user]);
  const { workers } = await startProcesses(t, {
    app: 'wallet.js',
    count: 2,
    front: 'none',
    env: { STORE: server.url(), DATABASE: database.url, ...env },
  });
  const text = token({ sub: user, sid: 's' });
  const post = (/** @type {Worker} */ { port }, /** @type {string} */ path) =>
    request({ port, method: 'POST', path, token: text });
  const balance = () => database.query('SELECT balance FROM wallets').rows[0].balance;

  /**
   * Withdraws 10 in a process that is stopped before it writes, for the duration of `meanwhile`.
   * @param {(other: Worker) => Promise<unknown>} meanwhile
   */
  const stopped = async (meanwhile) => {
    const [first, second] = workers;
    const late = post(first, '/withdraw/10');
    await until('the withdrawal asks for approval', () => database.asks(first.pid));
    process.kill(first.pid, 'SIGSTOP');
    try {
      await meanwhile(second);
    } finally {
      process.kill(first.pid, 'SIGCONT');
    }
    database.approve(first.pid);
    return late;
  };
  /** @param {Worker} worker */
  const withdraw = async (worker) => {
    const answer = post(worker, '/withdraw/30');
    await until('the withdrawal asks for approval', () => database.asks(worker.pid));
    database.approve(worker.pid);
    return answer;
  };
  return { post, balance, stopped, withdraw };
}

describe('a withdrawal that is stopped beyond its lease', async () => {
  const skip = await missing('redis');

  it('changes nothing if another process has withdrawn meanwhile, because of the fence in the row', {
    skip,
  }, async (t) => {
    const { balance, stopped, withdraw } = await site(t);
    const late = await stopped(async (other) => assert.equal((await withdraw(other)).status, 200));
    assert.equal(late.status, 500, 'the lease was lost');
    assert.equal(balance(), 70);
  });

  it('changes nothing after a logout everywhere, although no later turn was acquired', {
    skip,
  }, async (t) => {
    const { balance, post, stopped } = await site(t);
    const late = await stopped(async (other) =>
      assert.equal((await post(other, '/logout-everywhere')).status, 204),
    );
    assert.equal(late.status, 500);
    assert.equal(balance(), 100);
  });

  it('without the fence, undoes the withdrawal of the other process', { skip }, async (t) => {
    const { balance, stopped, withdraw } = await site(t, { UNFENCED: '1' });
    await stopped(async (other) => assert.equal((await withdraw(other)).status, 200));
    assert.equal(balance(), 90, 'the fence prevents this lost update');
  });
});
