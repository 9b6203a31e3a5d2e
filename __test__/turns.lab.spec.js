// Memory of past turns in the embedded store. The store keeps the fences of a million keys for a day. The process
// that used the keys keeps almost nothing.
'use strict';

const assert = require('node:assert/strict');
const path = require('node:path');
const { it } = require('node:test');
const { ROOT, runNode } = require('./support/child.js');

const KEYS = 1_000_000;
/** Any object per key would need at least this number of bytes. */
const ROOM = 20_000_000;

const SCRIPT = `
  const v8 = require('node:v8');
  const { createAuth } = require('latchgate');
  const { DAY, START, backdoor, clock } = require(${JSON.stringify(path.join(__dirname, 'support', 'lab.js'))});
  const { Hold } = require(${JSON.stringify(path.join(ROOT, 'src', 'js', 'turns', 'lease.js'))});
  const { Waiter } = require(${JSON.stringify(path.join(ROOT, 'src', 'js', 'turns', 'turn-request.js'))});

  const settle = async () => {
    for (let n = 0; n < 3; n++) {
      await new Promise(setImmediate);
      gc();
    }
  };
  const heap = async () => {
    await settle();
    return process.memoryUsage().heapUsed;
  };
  const kept = (type) => v8.queryObjects(type, { format: 'count' });

  (async () => {
    clock.set(START);
    const { locks, close } = createAuth({ store: 'memory:keys', jwt: { secret: 's'.repeat(64) } });
    const store = backdoor('memory:keys');
    const use = async (from, to) => {
      for (let key = from; key < to; key++) {
        // Of some, somebody waits.
        const others = key % 100 === 0 ? [1, 2] : [];
        await Promise.all([0, ...others].map(() => locks.runExclusive(\`k\${key}\`, () => key)));
      }
    };
    await use(${KEYS}, ${KEYS} + 20_000);
    const before = await heap();
    await use(0, ${KEYS});
    const grown = (await heap()) - before;
    const objects = { waiters: kept(Waiter), holds: kept(Hold) };
    const lines = store.dump().split('\\n').filter((line) => line !== '').length;
    // To the last there is a fence, that the next lies above.
    const { fence } = await locks.acquire('k0');
    clock.advance(DAY - 60_000);
    const isAbove = (await locks.acquire('k0')).fence > fence;
    clock.advance(DAY + 60_000);
    for (let idle = 0; idle < 5000; idle++) if (store.sweep() > 0) idle = 0;
    console.log(JSON.stringify({ lines, grown, objects, isAbove, left: store.dump() }));
  })();
`;

it(`after turns of ${KEYS} keys only their fences are left, and after a day nothing is left`, async () => {
  const ending = await runNode(['--expose-gc', '--disable-warning=ExperimentalWarning', '-e', SCRIPT], {
    deadline: 300_000,
  });
  assert.deepEqual([ending.status, ending.stderr], [0, '']);
  const { grown, ...rest } = JSON.parse(ending.stdout);
  assert.deepEqual(rest, {
    lines: KEYS + 20_000,
    objects: { waiters: 0, holds: 0 },
    isAbove: true,
    left: '',
  });
  console.log('GROWN', grown);
  assert.ok(grown < ROOM, `${grown} bytes of the heap`);
});
