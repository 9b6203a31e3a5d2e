// The primary of a cluster: one worker for each environment that it is given.
'use strict';

const cluster = /** @type {import('node:cluster').Cluster} */ (
  /** @type {unknown} */ (require('node:cluster'))
);

cluster.setupPrimary({ exec: process.env.LATCHGATE_TEST_APP });
for (const env of JSON.parse(process.env.LATCHGATE_TEST_WORKERS ?? '[]')) cluster.fork(env);
process.on('SIGTERM', () => {
  for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill('SIGKILL');
  process.exit(0);
});
