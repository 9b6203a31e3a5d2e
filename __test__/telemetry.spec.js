// OpenTelemetry: latchgate with the real API and SDK, and in an app without them.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { runScript } = require('./support/child.js');

/** An SDK with metrics that the test reads on demand. The app sets it up before anything else. */
const SDK = `
  const otel = require('@opentelemetry/api');
  const { MeterProvider, MetricReader } = require('@opentelemetry/sdk-metrics');
  class Reader extends MetricReader { async onShutdown() {} async onForceFlush() {} }
  const reader = new Reader();
  otel.metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
  const read = async () => {
    const { resourceMetrics, errors } = await reader.collect();
    if (errors.length > 0) throw errors[0];
    const [{ scope, metrics }] = resourceMetrics.scopeMetrics;
    return { scope, metrics, points: metrics.flatMap(({ descriptor, dataPoints }) => dataPoints.map(({ attributes, value }) =>
      [descriptor.name, ...Object.values(attributes), value].join(' '))) };
  };
`;

/**
 * @param {string} body
 * @param {Parameters<typeof runScript>[1]} [options]
 * @returns {Promise<any>} its output, parsed as JSON
 */
async function run(body, options) {
  const { status, stdout, stderr } = await runScript(body, options);
  assert.deepEqual([status, stderr], [0, '']);
  return JSON.parse(stdout);
}

describe('with @opentelemetry/api in the app', () => {
  it('the metrics of all Auths are observed as a sum, including closed Auths', async () => {
    const { before, after, scope, units } = await run(`
      ${SDK}
      const jwt = { secret: SECRET };
      const auths = [latchgate.createAuth({ jwt }), latchgate.createAuth({ jwt })];
      for (const auth of auths) await auth.authenticate({});
      await auths[0].sessions.admit('u');
      const before = (await read()).points;
      await auths[0].close();
      await auths[1].authenticate({});
      const { points: after, scope, metrics } = await read();
      const units = Object.fromEntries(metrics.map(({ descriptor }) => [descriptor.name, descriptor.unit]));
      console.log(JSON.stringify({ before, after, scope, units }));
    `);
    assert.ok(before.includes('latchgate.decisions denied credentials_required 2'));
    assert.ok(after.includes('latchgate.decisions denied credentials_required 3'));
    for (const points of [before, after]) assert.ok(points.includes('latchgate.sessions_admitted 1'));
    assert.ok(
      before.some((/** @type {string} */ point) => /^latchgate\.build_info \S+ memory 2$/.test(point)),
    );
    assert.equal(scope.name, 'latchgate');
    assert.deepEqual([units['latchgate.store_degraded'], units['latchgate.token_cache']], ['s', 'By']);
  });

  it('an SDK that is set up after the Auth is found, within the same iteration of the event loop', async () => {
    const points = await run(`
      const auth = latchgate.createAuth({ jwt: { secret: SECRET } });
      ${SDK}
      await auth.authenticate({});
      await new Promise(setImmediate);
      console.log(JSON.stringify((await read()).points));
    `);
    assert.ok(points.includes('latchgate.decisions denied credentials_required 1'));
  });

  it('a denial is an event on the active span, without the identity of the caller', async () => {
    const events = await run(`
      const otel = require('@opentelemetry/api');
      const events = [];
      const span = { addEvent: (...args) => events.push(args) };
      const active = otel.trace.setSpan(otel.ROOT_CONTEXT, span);
      otel.context.setGlobalContextManager({ active: () => active, with: (_c, fn) => fn(), bind: (_c, fn) => fn, enable() {}, disable() {} });
      const auth = latchgate.createAuth({ jwt: { secret: SECRET } });
      await auth.authenticate({});
      await auth.authenticate({ token: await auth.tokens.issue('u') });
      console.log(JSON.stringify(events));
    `);
    assert.deepEqual(events, [['latchgate.denied']]);
  });
});

describe('without @opentelemetry/api', () => {
  it('latchgate works', async () => {
    const text = await run(`
      const { Module } = require('node:module');
      const load = Module._load;
      const asked = [];
      Module._load = (name, ...rest) => {
        if (!name.startsWith('@opentelemetry/')) return load(name, ...rest);
        asked.push(name);
        throw Object.assign(new Error('not there'), { code: 'MODULE_NOT_FOUND' });
      };
      const auths = [1, 2].map(() => latchgate.createAuth({ jwt: { secret: SECRET } }));
      await auths[1].authenticate({});
      for (const auth of auths) await auth.close();
      console.log(JSON.stringify([asked, /denied.*credentials_required"} 1/.test(auths[1].metrics())]));
    `);
    assert.deepEqual(text, [['@opentelemetry/api'], true]);
  });
});
