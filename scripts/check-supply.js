// Keeps what is fetched from elsewhere to what was looked at: packages by their hash, actions by their commit, images by
// their digest, crates by the lock. It does not check node_modules or the network.
// With --self-test it plants faults in a scratch tree and fails if one is not seen.
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { list, read } = require('./lib/files.js');
const { shellCommands, valuesOf } = require('./lib/workflows.js');

const REGISTRY = 'https://registry.npmjs.org/';
const CRATES = 'registry+https://github.com/rust-lang/crates.io-index';

/** Packages whose scripts may run when they are installed: none is needed. @type {Set<string>} */
const INSTALL_SCRIPTS = new Set();
/** Packages whose binaries of other platforms a lock need not list: the registry lacks them at this version. */
const UNLISTED = new Set(['node_modules/@node-rs/jsonwebtoken']);
/** Places at which npm may choose versions itself, and the reason. @type {Record<string, string>} */
const NPM_INSTALL = {
  'bench/lib/nodes.js':
    'its lock cannot list the binaries of every platform; what the lock does list is taken by hash',
};
/** Subcommands of cargo that read the lock. */
const LOCKED = 'bench build check clippy deny doc fetch install metadata run test tree'.split(' ');

const DIGEST = /@sha256:[0-9a-f]{64}$/;
const ACTION = /^(?:\.\/\S+|[\w.-]+\/[\w./-]+@[0-9a-f]{40})$/;

/** @param {string} root @param {string} file @returns {string[]} */
function checkPackageLock(root, file) {
  const { lockfileVersion, packages = {} } = JSON.parse(read(root, file));
  if (lockfileVersion !== 3) return [`${file}: lockfileVersion is ${lockfileVersion}, not 3`];
  /** @type {string[]} */
  const problems = [];
  /** @type {Array<[string, import('./lib/locks.js').Entry]>} */
  const entries = Object.entries(packages);
  for (const [place, entry] of entries) {
    const say = (/** @type {string} */ what) => problems.push(`${file}: ${place}: ${what}`);
    if (entry.resolved !== undefined && !entry.link && !entry.resolved.startsWith(REGISTRY))
      say('is resolved on a host other than the public registry');
    if (place === '' || entry.link) continue;
    if (!/^sha512-[A-Za-z0-9+/]{86}==$/.test(entry.integrity ?? ''))
      say('has no SHA-512 (run `node scripts/complete-locks.js`)');
    if (entry.hasInstallScript && !INSTALL_SCRIPTS.has(place.replace(/^.*node_modules\//, '')))
      say('runs a script when it is installed, and is not among INSTALL_SCRIPTS');
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {}))
      if (
        /^\d+\.\d+\.\d+$/.test(version) &&
        !UNLISTED.has(place) &&
        !packages[`${place}/node_modules/${name}`] &&
        !packages[`node_modules/${name}`]
      )
        say(`${name} is not in the lock: other platforms would fetch any version`);
  }
  return problems;
}

/** @param {string} root @param {string} file @returns {string[]} */
function checkCargoLock(root, file) {
  /** @type {string[]} */
  const problems = [];
  for (const text of read(root, file).split('[[package]]').slice(1)) {
    const field = (/** @type {string} */ name) => new RegExp(`^${name} = "([^"]*)"`, 'm').exec(text)?.[1];
    const source = field('source');
    if (source === undefined) continue;
    const crate = `${file}: ${field('name')} ${field('version')}`;
    if (source !== CRATES) problems.push(`${crate}: comes from ${source}`);
    if (!/^[0-9a-f]{64}$/.test(field('checksum') ?? '')) problems.push(`${crate}: has no checksum`);
  }
  return problems;
}

/** @param {string} root @param {string} file @returns {string[]} */
function checkActionsAndImages(root, file) {
  const text = read(root, file);
  /** @type {string[]} */
  const problems = [];
  for (const value of valuesOf(text, ['uses'])) {
    const fits = value.startsWith('docker://') ? DIGEST.test(value) : ACTION.test(value);
    if (!fits) problems.push(`${file}: uses: ${value}: by tag, not by commit or digest`);
  }
  for (const value of valuesOf(text, ['container', 'image'])) {
    const key = /^\$\{\{ *matrix\.([\w-]+) *\}\}$/.exec(value)?.[1];
    const images = key === undefined ? [value] : valuesOf(text, [key]);
    if (images.length === 0) problems.push(`${file}: ${value}: no image is named`);
    // The line of a matrix is checked at its own place.
    for (const image of images)
      if (!DIGEST.test(image) && !/^\$\{\{ *matrix\./.test(image))
        problems.push(`${file}: image ${image}: without a digest`);
  }
  return problems;
}

/** @param {string} file @param {string} command @returns {string[]} */
function checkCommand(file, command) {
  /** @type {string[]} */
  const problems = [];
  const say = (/** @type {string} */ what) => problems.push(`${file}: \`${command.trim()}\`: ${what}`);
  const cargo = /\bcargo (?:\+\S+ )?([a-z]+)\b(.*)$/.exec(command);
  if (cargo && LOCKED.includes(cargo[1] ?? '')) {
    const own = (cargo[2] ?? '').split(/ -- /)[0] ?? '';
    if (!/ --locked\b/.test(own)) say('without --locked');
    if (cargo[1] === 'install' && !/ --version [\d.]+\b/.test(own)) say('without --version');
  }
  if (/\bnapi build\b/.test(command) && !/ -- (?:.* )?--locked\b/.test(command)) say('without -- --locked');
  if (/\bnpm (?:install|i|add|update)\b/.test(command)) say('npm ci takes what the lock says');
  if (/\bnpx\b/.test(command)) say('npx fetches what is not there: name a script of package.json');
  if (/\bdocker (?:run|pull)\b/.test(command) && !/@sha256:[0-9a-f]{64}(?=\s|$)/.test(command))
    say('an image without a digest');
  return problems;
}

/** @param {string} code @param {number} start of an opening bracket @returns {string} up to the bracket that closes it */
function bracketed(code, start) {
  let depth = 0;
  for (let at = start; at < code.length; at++) {
    if ('(['.includes(code[at] ?? '')) depth++;
    if (')]'.includes(code[at] ?? '') && --depth === 0) return code.slice(start, at);
  }
  return code.slice(start);
}

/** Checks the commands of scripts: lists of arguments that begin with a subcommand. @param {string} root @param {string} file */
function checkScript(root, file) {
  const code = read(root, file);
  /** @type {string[]} */
  const problems = [];
  if (code.includes("'cargo'"))
    for (const match of code.matchAll(new RegExp(`(?<!npm\\()[([]\\s*'(${LOCKED.join('|')})'`, 'g'))) {
      const args = bracketed(code, match.index);
      if (!/'--(?:locked|version)'/.test(args.split("'--',")[0] ?? ''))
        problems.push(`${file}: cargo ${match[1]} without --locked`);
    }
  if (/\bnpm\(\s*\[\s*'(?:install|i|add|update)'/.test(code) && !(file in NPM_INSTALL))
    problems.push(`${file}: npm install, where npm ci takes what the lock says`);
  return problems;
}

/** @param {string} root @returns {string[]} */
function check(root) {
  const workflows = list(root, '.github', ['.yml', '.yaml']);
  const shells = [...workflows, ...list(root, '.ci', [''])];
  const images = list(root, '', ['Dockerfile']);
  const { scripts = {} } = JSON.parse(read(root, 'package.json'));
  const code = ['scripts', '__test__', 'bench'].flatMap((directory) =>
    list(root, directory, ['.js', '.mjs']),
  );
  return [
    ...list(root, '', ['package-lock.json']).flatMap((file) => checkPackageLock(root, file)),
    ...list(root, '', ['Cargo.lock']).flatMap((file) => checkCargoLock(root, file)),
    ...list(root, '', ['.yml', '.yaml']).flatMap((file) => checkActionsAndImages(root, file)),
    ...shells.flatMap((file) =>
      shellCommands(read(root, file)).flatMap((command) => checkCommand(file, command)),
    ),
    ...Object.values(scripts)
      .flatMap((script) => shellCommands(script))
      .flatMap((command) => checkCommand('package.json', command)),
    ...images.flatMap((file) =>
      [...read(root, file).matchAll(/^FROM +(?:--\S+ +)*(\S+)/gm)]
        .filter(([, image]) => !DIGEST.test(image ?? ''))
        .map(([line]) => `${file}: ${line}: without a digest`),
    ),
    // The plants of the self-test are no faults.
    ...code
      .filter((file) => file !== 'scripts/lib/planted-supply.js')
      .flatMap((file) => checkScript(root, file)),
  ];
}

function selfTest() {
  const { PLANTED, SOUND } = require('./lib/planted-supply.js');
  /** @param {Record<string, string>} files */
  const problemsOf = (files) => {
    const root = fs.mkdtempSync(path.join(os.tmpdir(), 'latchgate-supply-'));
    try {
      for (const [file, text] of Object.entries({ 'package.json': '{}', ...files })) {
        fs.mkdirSync(path.join(root, path.dirname(file)), { recursive: true });
        fs.writeFileSync(path.join(root, file), text);
      }
      return check(root);
    } finally {
      fs.rmSync(root, { recursive: true, force: true });
    }
  };
  const seen = PLANTED.flatMap(([file, text]) =>
    problemsOf({ [file]: text }).length === 1
      ? []
      : [`not seen, or not once: ${file}: ${JSON.stringify(text)}`],
  );
  const allowed = SOUND.flatMap(([file, text]) =>
    problemsOf({ [file]: text }).map((problem) => `reported what is allowed: ${problem}`),
  );
  return { problems: [...seen, ...allowed], count: PLANTED.length + SOUND.length };
}

if (require.main === module) {
  const selfTesting = process.argv.includes('--self-test');
  const { problems, count } = selfTesting
    ? selfTest()
    : { problems: check(path.join(__dirname, '..')), count: 0 };
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) process.exitCode = 1;
  else
    console.log(
      selfTesting ? `all ${count} planted cases are judged correctly` : 'everything fetched is pinned',
    );
}
