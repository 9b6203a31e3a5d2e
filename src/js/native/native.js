'use strict';
// Loads the generated binding when it is first needed. Says which package is missing, and refuses a binary of another version.

const { version } = require('../../../package.json');
const { LatchgateError, configError, isError } = require('../util/errors.js');

/** @typedef {typeof import('../binding.js')} Binding */

/** @type {Binding | undefined} */
let binding;

/** @returns {Binding} */
function native() {
  binding ??= sameVersion(load());
  return binding;
}

/** @returns {Binding} */
function load() {
  try {
    return require('../binding.js');
  } catch (error) {
    throw loadError(error);
  }
}

/**
 * The loader compares versions only if a variable of the environment requests it, and then of two package.json files.
 * @param {Binding} loaded
 * @returns {Binding}
 */
function sameVersion(loaded) {
  // A loader or a binary from before this check has no such function.
  const found = /** @type {Partial<Binding>} */ (loaded).version?.();
  if (found === version) return loaded;
  const name = `latchgate-${platform()}`;
  throw configError(
    `latchgate is at version ${version}, but its native binary is ${found === undefined ? 'of an older, unnamed version' : `at version ${found}`}: ` +
      `install both at one version (\`npm install latchgate@${version} ${name}@${version}\`); in a clone of the repository ` +
      'run `npm run build`',
  );
}

/**
 * @param {unknown} error
 * @returns {LatchgateError}
 */
function loadError(error) {
  const name = `latchgate-${platform()}`;
  const refusal = messages(error).find((message) => !/^(Cannot find|Unsupported)/.test(message));
  if (refusal !== undefined && /loading addons is disabled/.test(refusal)) {
    return configError(
      `this process may load no addon (${refusal}): start Node.js with --allow-addons`,
      error,
    );
  }
  const message =
    refusal === undefined
      ? `the native binary is missing: the package ${name} is not installed. It is an optional dependency of ` +
        `latchgate: run \`npm install ${name}\`, or install again without --omit=optional and with a lockfile that ` +
        'covers this platform; in a clone of the repository run `npm run build`'
      : `the native binary of ${name} is there but does not load (${refusal}): install the package again on this ` +
        'machine, with the Node.js that runs it';
  return new LatchgateError('ERR_LATCHGATE_CONFIG', message, { cause: error });
}

/**
 * First lines of the error and of the chain that the generated loader hangs behind it, one link for each place where it
 * looked; their codes are lost there.
 * @param {unknown} error
 */
function messages(error) {
  const lines = [];
  for (let link = error; isError(link) && lines.length < 32; link = link.cause) {
    lines.push(link.message.split('\n', 1)[0] ?? '');
  }
  return lines;
}

/** The platform as platform packages are named. */
function platform() {
  const { platform: os, arch } = process;
  if (os === 'linux') return `linux-${arch}-${libc()}${arch === 'arm' ? 'eabihf' : ''}`;
  if (os === 'win32') return `win32-${arch}-msvc`;
  return `${os}-${arch}`;
}

function libc() {
  const report = /** @type {any} */ (process.report.getReport());
  return report.header.glibcVersionRuntime === undefined ? 'musl' : 'gnu';
}

module.exports = { native };
