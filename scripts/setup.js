// Sets up a clone: installs packages and builds the addon. Does only what is out of date, so the demo and the tests call it
// every time. It compares contents, not times, because a checkout changes times.
'use strict';

const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { list } = require('./lib/files.js');
const { TEST_ADDON, binaryName } = require('./lib/platform.js');
const { ROOT, npm, run } = require('./lib/run.js');

/** The package itself runs on every Node 20; the tool that builds the addon asks for this. */
const BUILD_NODE = [20, 17];

const RELEASE_ADDON = path.join(ROOT, 'src', 'js', binaryName);
/** The loader and its types. src/js holds the pair of the flavour that was set up last. */
const GENERATED = ['binding.js', 'binding.d.ts'];
const LOADERS = path.join(ROOT, 'src', 'js');

/** A set-up that cannot continue. The message is one line that names the cure. */
class SetupError extends Error {}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const [needMajor = 0, needMinor = 0] = BUILD_NODE;
  if (major < needMajor || (major === needMajor && minor < needMinor))
    throw new SetupError(
      `Node ${BUILD_NODE.join('.')} or newer is needed to build latchgate, this is ${process.version}: install a newer one from nodejs.org`,
    );
}

async function checkCargo() {
  const { status } = await run('cargo', ['--version'], { quiet: true });
  if (status !== 0)
    throw new SetupError(
      'cargo is needed to build the addon and was not found: install Rust from https://rustup.rs, then open a new shell',
    );
}

/** @param {string[]} files relative to the root @param {string} [salt] */
function digest(files, salt = '') {
  const hash = crypto.createHash('sha256').update(salt);
  for (const file of files) hash.update(`\0${file}\0`).update(fs.readFileSync(path.join(ROOT, file)));
  return hash.digest('hex');
}

/** @param {string} file */
const readIfThere = (file) => (fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '');

/** @param {(line: string) => void} log @param {boolean} quiet */
async function installPackages(log, quiet) {
  const stamp = path.join(ROOT, 'node_modules', '.latchgate-installed');
  const wanted = digest(['package-lock.json']);
  if (readIfThere(stamp) === wanted) return;
  log('installing packages (npm ci)');
  const { status, output } = await npm(['ci', '--no-audit', '--no-fund'], { quiet });
  if (status !== 0)
    throw new SetupError(`npm ci failed: see above for its reason${quiet ? `\n${output}` : ''}`);
  fs.writeFileSync(stamp, wanted);
}

/** Writes only a file that differs: specs that run at the same time may read it. @param {string} kept */
function installLoader(kept) {
  for (const name of GENERATED) {
    const [from, to] = [path.join(kept, name), path.join(LOADERS, name)];
    if (readIfThere(from) !== readIfThere(to)) fs.copyFileSync(from, to);
  }
}

/**
 * Builds one flavour of the addon where its sources changed since the last build.
 * @param {{ script: string, addon: string, what: string }} flavour
 * @param {(line: string) => void} log
 * @param {boolean} quiet
 */
async function buildAddon({ script, addon, what }, log, quiet) {
  const sources = [
    'Cargo.toml',
    'Cargo.lock',
    'build.rs',
    'package.json',
    ...list(ROOT, 'src', ['.rs', '.lua']),
  ];
  const wanted = digest(sources, `${script} ${process.platform} ${process.arch}`);
  const stamp = path.join(ROOT, 'target', `${script.replace(':', '-')}.stamp`);
  const kept = path.join(ROOT, 'target', `${script.replace(':', '-')}-loader`);
  if (fs.existsSync(addon) && fs.existsSync(kept) && readIfThere(stamp) === wanted) {
    installLoader(kept);
    return;
  }
  await checkCargo();
  log(`building ${what} (cargo; some minutes the first time)`);
  const { status, output } = await npm(['run', '--silent', script], { quiet });
  if (status !== 0 || !fs.existsSync(addon))
    throw new SetupError(
      `the addon could not be built: see above for cargo's reason, then try \`npm run ${script}\`${quiet ? `\n${output}` : ''}`,
    );
  // With CARGO_TARGET_DIR, cargo has made no target directory here.
  fs.mkdirSync(kept, { recursive: true });
  for (const name of GENERATED) fs.copyFileSync(path.join(path.dirname(addon), name), path.join(kept, name));
  installLoader(kept);
  fs.writeFileSync(stamp, wanted);
}

/**
 * @param {object} [options]
 * @param {boolean} [options.addon] the release addon is needed
 * @param {boolean} [options.testAddon] the addon with the test stores is needed
 * @param {boolean} [options.quiet] show what the tools print only where one fails
 * @param {(line: string) => void} [options.log]
 */
async function setup({ addon = true, testAddon = false, quiet = false, log = console.log } = {}) {
  checkNode();
  await installPackages(log, quiet);
  if (addon) await buildAddon({ script: 'build', addon: RELEASE_ADDON, what: 'the addon' }, log, quiet);
  if (testAddon)
    await buildAddon({ script: 'build:test', addon: TEST_ADDON, what: 'the test addon' }, log, quiet);
}

module.exports = { SetupError, setup };

if (require.main === module) {
  setup({ testAddon: process.argv.includes('--test-addon') }).catch((error) => {
    console.error(error instanceof SetupError ? error.message : error);
    process.exitCode = 1;
  });
}
