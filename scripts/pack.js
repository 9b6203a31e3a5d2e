// Makes the two tarballs that a user installs: the package itself and the binary of this platform.
//
//   node scripts/pack.js [--out DIR]      DIR: dist; prints {"main": path, "platform": path}
//
// Only the packed package.json names the platform packages as optionalDependencies. In the repository it would not
// do: until a version is published they exist nowhere, and `npm ci` refuses a lock that lacks them.
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { parseArgs } = require('node:util');
const { notices } = require('./lib/notices.js');
const { binaryName, platformName } = require('./lib/platform.js');
const { ROOT, npm } = require('./lib/run.js');
const { SetupError, setup } = require('./setup.js');
const { disagreements } = require('./check-versions.js');

const NOTICES = 'THIRD-PARTY-NOTICES.txt';

/** @param {string} file */
const readJson = (file) => JSON.parse(fs.readFileSync(path.join(ROOT, file), 'utf8'));

/** The platform packages, by name, each at the version of the main one. @returns {Record<string, string>} */
function platformPackages() {
  const { version } = readJson('package.json');
  return Object.fromEntries(
    fs
      .readdirSync(path.join(ROOT, 'npm'))
      .map((directory) => [readJson(`npm/${directory}/package.json`).name, version]),
  );
}

/** The manifest that users get: platform packages in, what only a clone can use out. */
function publishedManifest() {
  const { scripts, devDependencies, napi, ...manifest } = readJson('package.json');
  return { ...manifest, optionalDependencies: platformPackages() };
}

/** @param {string} directory @param {string} out @returns {Promise<string>} */
async function pack(directory, out) {
  const { status, output } = await npm(['pack', '--json', '--silent', '--pack-destination', out], {
    cwd: directory,
    quiet: true,
  });
  const name = /"filename":\s*"([^"]+\.tgz)"/.exec(output)?.[1];
  if (status !== 0 || !name) throw new SetupError(`npm pack failed:\n${output}`);
  return path.join(out, name);
}

/** @param {string} out @returns {Promise<{ main: string, platform: string }>} */
async function packAll(out) {
  const platform = platformName();
  if (!fs.existsSync(path.join(ROOT, 'npm', platform)))
    throw new SetupError(`no platform package for ${platform}: add its target to package.json and npm/`);
  // The log goes to stderr: stdout is for the answer.
  await setup({ addon: true, quiet: true, log: console.error });
  const wrong = disagreements(ROOT, { built: true });
  if (wrong.length > 0) throw new SetupError(wrong.join('\n'));
  fs.mkdirSync(out, { recursive: true });
  const stage = fs.mkdtempSync(path.join(os.tmpdir(), 'latchgate-pack-'));
  try {
    const main = path.join(stage, 'main');
    const { files } = readJson('package.json');
    // npm itself chooses by `files`; the stage only has to hold no less than that.
    for (const entry of [
      'README.md',
      'LICENSE',
      ...new Set(files.map((/** @type {string} */ glob) => glob.split('/*')[0])),
    ])
      if (fs.existsSync(path.join(ROOT, entry)))
        fs.cpSync(path.join(ROOT, entry), path.join(main, entry), { recursive: true });
    fs.writeFileSync(path.join(main, 'package.json'), `${JSON.stringify(publishedManifest(), null, 2)}\n`);

    const binary = path.join(stage, 'platform');
    fs.cpSync(path.join(ROOT, 'npm', platform), binary, { recursive: true });
    fs.copyFileSync(path.join(ROOT, 'LICENSE'), path.join(binary, 'LICENSE'));
    fs.copyFileSync(path.join(ROOT, 'src', 'js', binaryName), path.join(binary, binaryName));
    fs.writeFileSync(path.join(binary, NOTICES), await notices());
    const manifest = readJson(`npm/${platform}/package.json`);
    manifest.files.push(NOTICES);
    fs.writeFileSync(path.join(binary, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
    return { main: await pack(main, out), platform: await pack(binary, out) };
  } finally {
    fs.rmSync(stage, { recursive: true, force: true });
  }
}

if (require.main === module) {
  const { values } = parseArgs({ options: { out: { type: 'string', default: path.join(ROOT, 'dist') } } });
  packAll(path.resolve(values.out))
    .then((tarballs) => console.log(JSON.stringify(tarballs)))
    .catch((error) => {
      console.error(error instanceof SetupError ? error.message : error);
      process.exitCode = 1;
    });
}
