// npm run demo: sets up its needs, then runs the same races against an unprotected app and its protected twin. It shows how
// many requests passed. Exits 0 only if the protected app was exact.
//
//   npm run demo -- --serve [--port N]     leaves the protected app running and prints curl lines that work
'use strict';

const { fork } = require('node:child_process');
const crypto = require('node:crypto');
const { once } = require('node:events');
const path = require('node:path');
const { SetupError, setup } = require('./setup.js');

/** @param {string} name @param {string} [port] */
async function start(name, port = '0') {
  const child = fork(path.join(__dirname, 'demo', 'host.js'), [name, port], {
    // A secret for this run alone.
    env: { ...process.env, JWT_SECRET: crypto.randomBytes(32).toString('hex') },
  });
  const failed = once(child, 'exit').then(() => ({ error: 'it exited' }));
  const [message] = await Promise.race([once(child, 'message'), failed.then((reason) => [reason])]);
  if (message.error) throw new SetupError(`the ${name} app did not start: ${message.error}`);
  return { child, port: /** @type {number} */ (message.port) };
}

/** @param {string[][]} rows the first is the head */
function table(rows) {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  const line = (/** @type {string[]} */ row) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  ');
  const [head = [], ...rest] = rows;
  return [line(head), widths.map((width) => '-'.repeat(width)).join('  '), ...rest.map(line)].join('\n');
}

/** @param {{ unprotected: number, protected: number }} ports @returns {Promise<boolean>} whether the protected app was exact */
async function race(ports) {
  // Only now: before the set-up the packages of the apps are not there.
  const { SCENARIOS } = require('./demo/scenarios.js');
  const rows = [['scenario', 'allowed', 'unprotected', 'protected']];
  const remarks = [];
  let exact = true;
  for (const { name, run } of SCENARIOS) {
    console.log(`- ${name}`);
    const unprotected = await run(ports.unprotected);
    const guarded = await run(ports.protected);
    const shown = [unprotected, guarded].map(({ letThrough, tried }) => `${letThrough} of ${tried}`);
    rows.push([name, String(guarded.allowed), ...shown]);
    if (unprotected.exact) remarks.push(`The unprotected app happened to be exact this time: ${name}.`);
    exact &&= guarded.exact;
  }
  console.log(`\nRequests that passed in each app:\n\n${table(rows)}\n`);
  for (const remark of remarks) console.log(remark);
  console.log(exact ? 'The protected app was exact.' : 'The protected app was NOT exact.');
  return exact;
}

/** @param {number} port */
function curlLines(port) {
  const url = `http://127.0.0.1:${port}`;
  const login = `curl -s -X POST ${url}/login -H 'content-type: application/json' -d '{"user":"ann"}'`;
  return `# log in, three times: three sessions are allowed
TOKEN=$(${login} | sed 's/.*"token":"\\([^"]*\\)".*/\\1/')
${login}; echo
${login}; echo

# the fourth login is refused: 403 session_limit
${login} -i; echo

# the token works
curl -s -i ${url}/me -H "authorization: Bearer $TOKEN"; echo

# log out, which ends the session: the token is refused, 401 invalid_token
curl -s -i -X POST ${url}/logout -H "authorization: Bearer $TOKEN"
curl -s -i ${url}/me -H "authorization: Bearer $TOKEN"; echo

# a place is free again; revoke the new token, and it is refused too
TOKEN=$(${login} | sed 's/.*"token":"\\([^"]*\\)".*/\\1/')
curl -s -X POST ${url}/revoke -H 'content-type: application/json' -d "{\\"token\\":\\"$TOKEN\\"}"; echo
curl -s -i ${url}/me -H "authorization: Bearer $TOKEN"; echo
`;
}

async function main() {
  const args = process.argv.slice(2);
  const serve = args.includes('--serve');
  const portAt = args.indexOf('--port');
  console.log('set-up');
  await setup({ quiet: true, log: (line) => console.log(`- ${line}`) });
  console.log('two Express apps, the same requests at both');
  const unprotected = await start('unprotected');
  const guarded = await start('protected', portAt < 0 ? '0' : args[portAt + 1]);
  const exact = await race({ unprotected: unprotected.port, protected: guarded.port });
  if (!exact) process.exitCode = 1;
  unprotected.child.disconnect();
  if (!serve) {
    guarded.child.disconnect();
    console.log('\nTo try it by hand: npm run demo -- --serve');
    return;
  }
  console.log(
    `\nThe protected app listens on http://127.0.0.1:${guarded.port}; Ctrl-C ends it. In another shell:\n`,
  );
  console.log(curlLines(guarded.port));
}

main().catch((error) => {
  console.error(error instanceof SetupError ? error.message : error);
  process.exit(1);
});
