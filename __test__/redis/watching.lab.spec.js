// The addon may announce a connection twice, if a connection opens while another is being recorded. The socket
// watcher stays armed.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { createAuth } = require('latchgate');
const { SECRET } = require('../support/jwt.js');
const { missing, startServer } = require('../support/servers.js');
const { until } = require('../support/started.js');
const binding = /** @type {any} */ (require('../../src/js/binding.js'));

/**
 * Returns the number of handles of this event loop that watch a socket of the addon: sockets of Node have another
 * type.
 */
function watched() {
  const { libuv } = /** @type {any} */ (process.report.getReport());
  return libuv.filter((/** @type {any} */ { type, is_active }) => type === 'poll' && is_active).length;
}

describe('an event loop', async () => {
  const skip = await missing('redis');

  it('keeps watching a connection that is announced twice', { skip }, async (t) => {
    const server = await startServer(t);
    /** @type {any} */
    let gate;
    const { ping } = binding.Gate.prototype;
    /** @this {any} */
    function noted() {
      gate = this;
      return ping.call(this);
    }
    t.mock.method(binding.Gate.prototype, 'ping', noted);
    const auth = createAuth({ jwt: { secret: SECRET }, store: server.url() });
    t.after(() => auth.close());
    await auth.ready();
    await until('the socket is watched', () => watched() === 1);
    const events = t.mock.method(gate, 'events');
    gate.noticeAgain();
    await until('the announcement has arrived', () => events.mock.callCount() > 0);
    assert.equal(watched(), 1);
    await auth.close();
    assert.equal(watched(), 0);
  });
});
