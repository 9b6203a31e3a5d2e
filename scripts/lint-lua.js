// Runs luacheck on the texts of the Redis scripts: no undeclared global, no unused assignment.
// An unused function or variable is allowed, because scripts include libraries whole. Needs luacheck (Debian: lua-check).
//
//   node scripts/lint-lua.js
'use strict';

const { luaTexts } = require('./lib/lua-texts.js');
const { run } = require('./lib/run.js');

/** The names that a server gives to a script. */
const GLOBALS = ['redis', 'struct', 'bit', 'KEYS', 'ARGV'];
/** Unused variables (2..) that a library brings, and names that hide an outer name (4..). */
const ALLOWED = ['211', '212', '213', '231', '411', '421', '431'];
const OPTIONS = ['--no-color', '-q', '--no-max-line-length', '--std', 'lua51'];

async function main() {
  const files = [...luaTexts().values()].map(({ file }) => file);
  const options = [...OPTIONS, '--globals', ...GLOBALS, '--ignore', ...ALLOWED];
  const { status } = await run('luacheck', [...options, '--', ...files]);
  process.exitCode = status === 0 && files.length > 0 ? 0 : 1;
}

main();
