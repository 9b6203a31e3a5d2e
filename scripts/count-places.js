// Counts the files that a commit touches: node scripts/count-places.js COMMIT
// A commit that adds one operation shows how many places the operation has. docs/adding-an-operation.md lists them.
'use strict';

const { run } = require('./lib/run.js');

/** @param {string} file */
function kindOf(file) {
  if (file.startsWith('src/') || file === 'index.d.ts') return 'source';
  return file.startsWith('__test__/') || file.startsWith('bench/') ? 'tests' : 'docs and scripts';
}

async function main() {
  const { status, output } = await run(
    'git',
    ['show', '--name-only', '--format=', process.argv[2] ?? 'HEAD'],
    {
      quiet: true,
    },
  );
  if (status !== 0) {
    console.error(output);
    process.exitCode = 1;
    return;
  }
  const files = output.trim().split('\n');
  for (const kind of ['source', 'tests', 'docs and scripts']) {
    const own = files.filter((file) => kindOf(file) === kind);
    console.log(`${kind}: ${own.length}${own.map((file) => `\n  ${file}`).join('')}`);
  }
}

main();
