'use strict';
// Metrics that the parts of an Auth measure themselves. They are read together with the metrics.

/** @typedef {import('../runtime/native-store.js').Engine} Engine */

const { version } = require('../../../package.json');

/** @param {Engine} engine */
function measure({ metrics, bridge, gate, keySource, store, turns }) {
  metrics.add(
    { name: 'store_in_flight', type: 'gauge', help: 'Questions to the store that are not answered yet.' },
    () => bridge.pending,
  );
  metrics.add(
    {
      name: 'token_cache_lookups',
      type: 'counter',
      help: 'Tokens looked for among those already verified; a miss is verified, or refused.',
    },
    () => {
      const { hits, misses } = gate.cached();
      return [result('hit', hits), result('miss', misses)];
    },
  );
  metrics.add(
    { name: 'token_cache', type: 'gauge', unit: 'bytes', help: 'Memory of the tokens already verified.' },
    () => gate.cached().bytes,
  );
  metrics.add(
    { name: 'turns_waiting', type: 'gauge', help: 'Callers of this process that wait for a turn.' },
    () => turns.waiting,
  );
  metrics.add(
    { name: 'turns_held', type: 'gauge', help: 'Turns that callers of this process hold.' },
    () => turns.held,
  );
  if (keySource !== undefined) {
    metrics.add({ name: 'key_set_fetches', type: 'counter', help: 'Times jwt.jwksUri was asked.' }, () => [
      result('fetched', keySource.counts.fetched),
      result('failed', keySource.counts.failed),
    ]);
    metrics.add(
      { name: 'key_set_keys', type: 'gauge', help: 'Keys of jwt.jwksUri that tokens are verified with.' },
      () => keySource.usable,
    );
  }
  metrics.add({ name: 'build_info', type: 'gauge', help: 'The version, and the kind of the store.' }, () => [
    { labels: { version, store: store.kind }, value: 1 },
  ]);
}

/** @param {string} name @param {number} value */
function result(name, value) {
  return { labels: { result: name }, value };
}

module.exports = { measure };
