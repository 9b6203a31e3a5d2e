// Finds the texts of the Redis scripts, which build.rs makes from src/store/redis/lua.
'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const ROOT = path.join(__dirname, '..', '..');
const CHECK = ['check', '--locked', '--profile', 'dev-addon', '--all-targets', '--message-format=json'];

/**
 * Runs build.rs if it is out of date. Returns the texts without their first line, by name, such as `session/admit`.
 * @returns {Map<string, { file: string, text: string }>}
 */
function luaTexts() {
  const output = execFileSync('cargo', CHECK, {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const built = output
    .split('\n')
    .filter((line) => line.startsWith('{"reason":"build-script-executed"'))
    .map((line) => JSON.parse(line))
    .find((message) => /\blatchgate\b/.test(message.package_id));
  if (built === undefined) throw new Error('cargo named no folder of build.rs');
  const folder = path.join(built.out_dir, 'lua');
  const names = fs.readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  return new Map(
    names
      .filter((name) => name.endsWith('.lua'))
      .map((name) => {
        const file = path.join(folder, name);
        return [name.slice(0, -'.lua'.length), { file, text: fs.readFileSync(file, 'utf8') }];
      }),
  );
}

module.exports = { luaTexts };
