// Finds the servers and tools that the tests start: redis-server, valkey-server, nginx, libfaketime and others. Installs a
// missing tool if apt-get can. Does not run them.
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { run } = require('./run.js');

/**
 * @typedef {object} Tool
 * @property {string} name as a reader knows it
 * @property {string} debian the package that holds it
 * @property {() => Promise<boolean>} there
 * @property {number[]} [least] the oldest version that will do
 */

/** System directories that an ordinary user's PATH may lack. */
const FURTHER = process.platform === 'win32' ? [] : ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/** @param {string} command @returns {string | undefined} the file that would be run */
function which(command) {
  const directories = [...(process.env.PATH ?? '').split(path.delimiter), ...FURTHER].filter(Boolean);
  for (const directory of directories) {
    const file = path.join(directory, command);
    try {
      fs.accessSync(file, fs.constants.X_OK);
      if (fs.statSync(file).isFile()) return file;
    } catch {
      // Not in this one.
    }
  }
  return undefined;
}

/** @param {string} text such as 7.0.15 @returns {number[]} */
const numbers = (text) => text.split('.').map(Number);

/** @param {number[]} version @param {number[]} least */
function atLeast(version, least) {
  for (const [index, want] of least.entries()) {
    const have = version[index] ?? 0;
    if (have !== want) return have > want;
  }
  return true;
}

/**
 * The path of a server that is recent enough. Some systems install one server under the name of the other, so the program itself is asked.
 * @param {string} command redis-server or valkey-server
 * @param {string} own how its version line begins
 * @param {number[]} least
 */
async function server(command, own, least) {
  const file = which(command);
  if (file === undefined) return undefined;
  const { output } = await run(file, ['--version'], { quiet: true });
  const version = new RegExp(`^${own} server v=([\\d.]+)`, 'im').exec(output)?.[1];
  return version !== undefined && atLeast(numbers(version), least) ? file : undefined;
}

const redisServer = () => server('redis-server', 'Redis', [7, 0]);
const valkeyServer = () => server('valkey-server', 'Valkey', [8, 0]);

/** The library that sets a process' clock off, for LD_PRELOAD: the variant that is safe in threads. @returns {string | undefined} */
function faketimeLibrary() {
  if (process.platform !== 'linux') return undefined;
  const roots = ['/usr/lib', '/usr/lib64', '/usr/local/lib', '/lib'];
  const triples = { x64: 'x86_64', arm64: 'aarch64' };
  const triple = triples[/** @type {'x64' | 'arm64'} */ (process.arch)] ?? process.arch;
  const places = roots.flatMap((root) => [
    path.join(root, `${triple}-linux-gnu`, 'faketime'),
    path.join(root, 'faketime'),
  ]);
  for (const name of ['libfaketimeMT.so.1', 'libfaketime.so.1'])
    for (const place of places) if (fs.existsSync(path.join(place, name))) return path.join(place, name);
  return undefined;
}

/** The directory of initdb and postgres; Debian has a directory for each version. @returns {string | undefined} */
function postgresDirectory() {
  const own = which('initdb');
  if (own !== undefined) return path.dirname(fs.realpathSync(own));
  const versions = '/usr/lib/postgresql';
  if (!fs.existsSync(versions)) return undefined;
  const newest = fs.readdirSync(versions).sort((a, b) => Number(b) - Number(a));
  const found = newest.map((version) => path.join(versions, version, 'bin'));
  return found.find((directory) => fs.existsSync(path.join(directory, 'initdb')));
}

/** Of the tools, what the race lab starts too; and what only it does. */
const LAB = ['redis-server', 'nginx-light', 'libfaketime'];
/** @type {Tool} */
const POSTGRES = {
  name: 'postgresql',
  debian: 'postgresql',
  there: async () => postgresDirectory() !== undefined,
};

/** @type {Tool[]} */
const TOOLS = [
  {
    name: 'redis-server 7.0 or newer',
    debian: 'redis-server',
    there: async () => (await redisServer()) !== undefined,
    least: [7, 0],
  },
  {
    name: 'valkey-server 8.0 or newer',
    debian: 'valkey-server',
    there: async () => (await valkeyServer()) !== undefined,
    least: [8, 0],
  },
  { name: 'openssl', debian: 'openssl', there: async () => which('openssl') !== undefined },
  { name: 'luacheck', debian: 'lua-check', there: async () => which('luacheck') !== undefined },
  { name: 'nginx', debian: 'nginx-light', there: async () => which('nginx') !== undefined },
  {
    name: 'libfaketime',
    debian: 'libfaketime',
    there: async () => process.platform !== 'linux' || faketimeLibrary() !== undefined,
  },
];

/** The tools that the race lab starts. */
const labTools = () => [...TOOLS.filter(({ debian }) => LAB.includes(debian)), POSTGRES];

/** Returns the command before `apt-get` that lets it install, or undefined if there is none. @returns {Promise<string[] | undefined>} */
async function privilege() {
  if (process.platform !== 'linux' || which('apt-get') === undefined) return undefined;
  if (process.getuid?.() === 0) return [];
  if (which('sudo') === undefined) return undefined;
  return (await run('sudo', ['-n', 'true'], { quiet: true })).status === 0 ? ['sudo', '-n'] : undefined;
}

/** @param {string[]} before @param {string[]} args */
async function apt(before, ...args) {
  const options = ['-q', '-y', '-o', 'DPkg::Lock::Timeout=300', '-o', 'Dpkg::Use-Pty=0'];
  const [command = '', ...rest] = [
    ...before,
    'env',
    'DEBIAN_FRONTEND=noninteractive',
    'apt-get',
    ...options,
    ...args,
  ];
  return run(command, rest, { quiet: true });
}

/** The version that apt-get would install. @param {string} name @param {string[]} options @returns {Promise<number[]>} */
async function candidate(name, options = []) {
  const { output } = await run('apt-cache', [...options, 'policy', name], { quiet: true });
  const version = /Candidate:\s*(?:\d+:)?(\d+(?:\.\d+)*)/.exec(output)?.[1];
  return version === undefined ? [0] : numbers(version);
}

/** @returns {Record<string, string>} */
function osRelease() {
  if (!fs.existsSync('/etc/os-release')) return {};
  const lines = fs.readFileSync('/etc/os-release', 'utf8').split('\n');
  const pairs = lines.map((line) => /^(\w+)="?(.*?)"?$/.exec(line)).filter((match) => match !== null);
  return Object.fromEntries(pairs.map(([, key, value]) => [key, value]));
}

/**
 * The entry for `<suite>-backports`, made from the machine's own entry for `<suite>`: the same mirror, the same key.
 * @param {string} text of a sources file
 * @param {'list' | 'sources'} format one-line or deb822
 * @param {string} suite such as bookworm
 * @returns {string | undefined}
 */
function backportsEntry(text, format, suite) {
  if (format === 'list') {
    const line = text
      .split('\n')
      .find((each) => new RegExp(`^deb\\s+(?:\\[[^\\]]*\\]\\s+)?\\S+\\s+${suite}\\s`).test(each));
    return line?.replace(
      new RegExp(`^(deb\\s+(?:\\[[^\\]]*\\]\\s+)?\\S+\\s+)${suite}\\s.*$`),
      `$1${suite}-backports main`,
    );
  }
  for (const stanza of text.split(/\n\s*\n/)) {
    const lines = stanza.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'));
    const suites =
      lines
        .find((line) => /^Suites:/i.test(line))
        ?.split(/\s+/)
        .slice(1) ?? [];
    if (!suites.includes(suite) || !lines.some((line) => /^Types:.*\bdeb\b/i.test(line))) continue;
    const kept = lines.filter((line) => !/^(Types|Suites|Components|Enabled):/i.test(line));
    return ['Types: deb', `Suites: ${suite}-backports`, 'Components: main', ...kept].join('\n');
  }
  return undefined;
}

/**
 * A directory of apt sources with the sources of the machine and with backports. The sources of the machine do not
 * change, so nothing else is ever upgraded from backports.
 * @param {string} directory
 * @returns {boolean} false where there is nothing to derive it from
 */
function sourcesWithBackports(directory) {
  const { ID, VERSION_CODENAME: suite } = osRelease();
  if (ID !== 'debian' || !suite) return false;
  const parts = '/etc/apt/sources.list.d';
  const own = fs.existsSync(parts) ? fs.readdirSync(parts).map((name) => path.join(parts, name)) : [];
  const files = ['/etc/apt/sources.list', ...own].filter(
    (file) => fs.existsSync(file) && /\.(list|sources)$/.test(file),
  );
  let found = false;
  for (const file of files) {
    const format = file.endsWith('.list') ? 'list' : 'sources';
    const text = fs.readFileSync(file, 'utf8');
    fs.writeFileSync(path.join(directory, path.basename(file)), text);
    const entry = found ? undefined : backportsEntry(text, format, suite);
    if (entry === undefined) continue;
    fs.writeFileSync(path.join(directory, `latchgate-backports.${format}`), `${entry}\n`);
    found = true;
  }
  return found;
}

/** @param {string[]} before @param {Tool} tool @param {(line: string) => void} log */
async function install(before, { name, debian, least = [0] }, log) {
  if (atLeast(await candidate(debian), least)) {
    log(`installing ${name} (apt-get install ${debian})`);
    await apt(before, 'install', '--no-install-recommends', debian);
    return;
  }
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'latchgate-sources-'));
  try {
    // apt's own user reads it too.
    fs.chmodSync(directory, 0o755);
    if (!sourcesWithBackports(directory)) return;
    const options = ['-o', 'Dir::Etc::sourcelist=/dev/null', '-o', `Dir::Etc::sourceparts=${directory}`];
    await apt(before, ...options, 'update');
    const suite = `${osRelease().VERSION_CODENAME}-backports`;
    if (!atLeast(await candidate(debian, [...options, '-o', `APT::Default-Release=${suite}`]), least)) return;
    log(`installing ${name} (apt-get install ${debian}, from ${suite})`);
    await apt(before, ...options, 'install', '--no-install-recommends', '-t', suite, debian);
  } finally {
    fs.rmSync(directory, { recursive: true, force: true });
  }
}

/** @param {Tool[]} tools @returns {Promise<Tool[]>} */
async function absent(tools) {
  const there = await Promise.all(tools.map((tool) => tool.there()));
  return tools.filter((_tool, index) => !there[index]);
}

/**
 * Installs the servers of the tests. If a server cannot be installed, one line says so. The specs that need it are skipped by
 * name, which in CI is a failure.
 * @param {{ log?: (line: string) => void, tools?: Tool[] }} [options]
 * @returns {Promise<string[]>} what is missing, by name
 */
async function setupServers({ log = console.log, tools = TOOLS } = {}) {
  let missing = await absent(tools);
  const before = missing.length > 0 ? await privilege() : undefined;
  if (before !== undefined) {
    await apt(before, 'update');
    for (const tool of missing) await install(before, tool, log);
    missing = await absent(tools);
  }
  const names = missing.map(({ name }) => name);
  if (names.length > 0)
    log(`missing for what runs on real servers: install ${names.join(', ')}, and put them on PATH`);
  return names;
}

module.exports = {
  backportsEntry,
  faketimeLibrary,
  labTools,
  postgresDirectory,
  redisServer,
  setupServers,
  valkeyServer,
  which,
};

if (require.main === module) {
  setupServers().then((missing) => {
    if (missing.length > 0) process.exitCode = 1;
  });
}
