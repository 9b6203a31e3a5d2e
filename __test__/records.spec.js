// The verdict records: memory with an address that the addon stores. No code in the process can free or move that
// memory.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { token } = require('./support/jwt.js');
const records = require('../src/js/native/records.js');
const { assertRefused, insider } = require('./support/records.js');

const LENGTH = 16 * 64 + 1;
const BYTES = LENGTH * 8;

/** An Auth with a session limit, so that each decision writes a record. */
const AUTH = `
  const { SECRET: KEY } = require('./__test__/support/jwt.js');
  const TOKEN = ${JSON.stringify(token({ sub: 'u', sid: 's', scope: 'a' }))};
  const auth = latchgate.createAuth({ jwt: { secret: KEY }, sessions: { limit: 3, admission: 'first-use' } });
  const decided = async (count) => {
    const answers = new Set();
    for (let i = 0; i < count; i++) {
      const { ok, auth: of } = await auth.authenticate({ token: TOKEN }, { scope: 'a' });
      answers.add(JSON.stringify([ok, of?.userId, of?.session?.active, of?.session?.limit]));
    }
    return [...answers];
  };
`;

describe('the verdict records', () => {
  it('have the positions and flags in JavaScript that the addon declares', () => {
    const { recordLayout } = /** @type {any} */ (require('../src/js/binding.js'));
    const layout = Object.entries(recordLayout());
    assert.equal(layout.length, 21);
    for (const [name, value] of layout) assert.equal(Reflect.get(records, name), value, name);
  });

  for (const [what, array] of Object.entries({
    'an ArrayBuffer': `new Float64Array(${LENGTH})`,
    'a resizable ArrayBuffer': `new Float64Array(new ArrayBuffer(${BYTES}, { maxByteLength: ${2 * BYTES} }))`,
    'a detached ArrayBuffer': `(() => { const a = new Float64Array(${LENGTH}); structuredClone(a, { transfer: [a.buffer] }); return a; })()`,
    'the memory of WebAssembly': `new Float64Array(new WebAssembly.Memory({ initial: 1 }).buffer)`,
    'a Buffer': `Buffer.alloc(${BYTES})`,
    'an array of another type': `new Float32Array(new SharedArrayBuffer(${BYTES}))`,
    'a view': `new DataView(new SharedArrayBuffer(${BYTES}))`,
    'the bare buffer': `new SharedArrayBuffer(${BYTES})`,
    'an array that is too short': `new Float64Array(new SharedArrayBuffer(${BYTES - 8}))`,
    'a proxy': `new Proxy(new Float64Array(new SharedArrayBuffer(${BYTES})), {})`,
    'a likeness': `Object.create(Float64Array.prototype)`,
    nothing: `undefined`,
  }))
    it(`are refused on ${what}`, async () => {
      const code = await insider(`
        ${AUTH}
        const { config, wake } = made[0];
        let code = 'taken';
        try {
          new Gate(config, ${array}, wake);
        } catch (error) {
          code = error.code;
        }
        console.log(JSON.stringify(code));
      `);
      assert.equal(code, 'ERR_LATCHGATE_INPUT');
    });

  it('of an Auth cannot be detached, resized or frozen, and the Auth continues to decide', async () => {
    const { attacks, before, after } = await insider(`
      ${AUTH}
      const before = await decided(10);
      const attacks = attack(made[0].verdict);
      gc();
      const after = await decided(2000);
      console.log(JSON.stringify({ attacks, before, after }));
    `);
    assertRefused(attacks);
    assert.deepEqual(before, ['[true,"u",1,3]']);
    assert.deepEqual(after, before);
  });

  it('keep their address when their buffer grows', async () => {
    const { written, length } = await insider(`
      ${AUTH}
      const { config, wake } = made[0];
      for (const buffer of [
        new SharedArrayBuffer(${BYTES}, { maxByteLength: 1 << 26 }),
        new WebAssembly.Memory({ initial: 1, maximum: 1000, shared: true }).buffer,
      ]) {
        const verdict = new Float64Array(buffer);
        const gate = new Gate(config, verdict, wake);
        if (buffer.growable) buffer.grow(1 << 26);
        for (let i = 0; i < 100; i++) binding.decide(gate.number * 2 ** 24, 'Bearer ' + TOKEN);
        var seen = [verdict[3], verdict[4], ...(seen ?? [])];
        var size = Math.max(size ?? 0, verdict.length);
      }
      console.log(JSON.stringify({ written: seen, length: size }));
    `);
    assert.deepEqual([written, length], [[1, 3, 1, 3], 2 ** 23]);
  });

  it('remain valid after JavaScript drops all references', async () => {
    const answers = await insider(`
      ${AUTH}
      const { config, wake } = made[0];
      const gates = Array.from({ length: 50 }, () => new Gate(config, new Float64Array(new SharedArrayBuffer(${BYTES})), wake));
      const codes = new Set();
      for (let round = 0; round < 20; round++) {
        gc();
        for (const gate of gates) codes.add(binding.decide(gate.number * 2 ** 24, 'Bearer ' + TOKEN));
        gates.splice(0, 2);
        await new Promise(setImmediate);
      }
      console.log(JSON.stringify([...codes]));
    `);
    assert.deepEqual(answers, [0]);
  });

  it('of a terminated thread remain valid memory for other threads', async () => {
    const seen = await insider(`
      const { once } = require('node:events');
      const code = ${JSON.stringify(`
        const { parentPort } = require('node:worker_threads');
        const binding = require('./src/js/binding.js');
        const { Gate } = binding;
        binding.Gate = function (config, verdict, wake) {
          parentPort.postMessage(verdict.buffer);
          return new Gate(config, verdict, wake);
        };
        const latchgate = require('latchgate');
        const { SECRET } = require('./__test__/support/jwt.js');
        const auth = latchgate.createAuth({ jwt: { secret: SECRET }, sessions: { limit: 3, admission: 'first-use' } });
        const token = ${JSON.stringify(token({ sub: 'u', sid: 's' }))};
        const loop = () => {
          for (let i = 0; i < 100; i++) auth.authenticate({ token });
          parentPort.postMessage('decided');
          setImmediate(loop);
        };
        loop();
      `)};
      const seen = [];
      for (let i = 0; i < 5; i++) {
        const worker = new Worker(code, { eval: true });
        const [buffer] = await once(worker, 'message');
        await once(worker, 'message');
        await worker.terminate();
        const verdict = new Float64Array(buffer);
        verdict.fill(7, 20);
        seen.push([buffer.constructor.name, verdict[3], verdict[4]]);
      }
      console.log(JSON.stringify(seen));
    `);
    assert.deepEqual(seen, Array(5).fill(['SharedArrayBuffer', 1, 3]));
  });
});

describe('secret bytes in the options', () => {
  /** Detaches the memory of the secret and overwrites it, between the read of the secret and its use. */
  const taken = (/** @type {string} */ then) => `
    ${AUTH}
    const { config, wake } = made[0];
    const secret = Buffer.from(new ArrayBuffer(64)).fill('x');
    const theft = () => {
      const bytes = structuredClone(secret.buffer, { transfer: [secret.buffer] });
      new Uint8Array(bytes).fill(0);
    };
    const records = () => new Float64Array(new SharedArrayBuffer(${BYTES}));
    const { createHmac } = require('node:crypto');
    const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const head = encode({ alg: 'HS256', typ: 'JWT' }) + '.';
    const now = Math.floor(Date.now() / 1000);
    const body = head + encode({ sub: 'u', iat: now, exp: now + 60 });
    const signed = body + '.' + createHmac('sha256', 'x'.repeat(64)).update(body).digest('base64url');
    ${then}
  `;

  it('are copied when read, so a getter that detaches them has no effect', async () => {
    const codes = await insider(
      taken(`
      const key = { label: 'k', secret, get jwk() { theft(); return undefined; } };
      const gate = new Gate({ ...config, keys: [key], signing: undefined }, records(), wake);
      console.log(JSON.stringify([gate.verify(signed, 1), secret.length]));
    `),
    );
    assert.deepEqual(codes, [0, 0]);
  });

  it('sign with the copied bytes', async () => {
    const codes = await insider(
      taken(`
      const signing = { label: 'k', secret, get der() { theft(); return undefined; } };
      const key = { label: 'k', secret: Buffer.alloc(64, 'x') };
      const gate = new Gate({ ...config, keys: [key], signing }, records(), wake);
      const { text } = gate.issue('u', undefined, undefined, undefined, 60000);
      console.log(JSON.stringify([gate.verify(text, 1), secret.length]));
    `),
    );
    assert.deepEqual(codes, [0, 0]);
  });

  it('are refused if they are detached, empty or of another type', async () => {
    const codes = await insider(
      taken(`
      theft();
      const told = [secret, 'text', new Uint8Array(0), null, {}].map((secret) => {
        try {
          new Gate({ ...config, keys: [{ label: 'k', secret }] }, records(), wake);
          return 'taken';
        } catch (error) {
          return error.code;
        }
      });
      console.log(JSON.stringify(told));
    `),
    );
    assert.ok(!codes.includes('taken'), codes.join());
  });
});

describe('methods of the native class', () => {
  it('refuse an invalid this', async () => {
    const told = await insider(`
      ${AUTH}
      const names = Object.getOwnPropertyNames(Gate.prototype).filter((name) => name !== 'constructor');
      const { wake } = made[0];
      const others = [{}, Object.create(Gate.prototype), Gate.prototype, new Map(), channel.port1, made[0].verdict, null, 7];
      const taken = names.filter((name) =>
        others.some((other) => {
          try {
            const { get, value } = Object.getOwnPropertyDescriptor(Gate.prototype, name);
            (get ?? value).call(other, 1, 2, 3, 4, 5, 6, 7, 8);
            return true;
          } catch {
            return false;
          }
        }),
      );
      console.log(JSON.stringify({ count: names.length > 20, taken, alive: await decided(10) }));
    `);
    assert.deepEqual(told, { count: true, taken: [], alive: ['[true,"u",1,3]'] });
  });
});
