// The name of a platform in the names of binaries and platform packages, and the path of the test addon.
'use strict';

const path = require('node:path');
const { ROOT } = require('./run.js');

/** linux-x64-gnu, darwin-arm64, win32-x64-msvc … as napi-rs spells it. */
function platformName() {
  const { platform, arch } = process;
  if (platform === 'linux') {
    const report = /** @type {{ header?: { glibcVersionRuntime?: string } }} */ (process.report.getReport());
    return `linux-${arch}-${report.header?.glibcVersionRuntime ? 'gnu' : 'musl'}`;
  }
  return platform === 'win32' ? `win32-${arch}-msvc` : `${platform}-${arch}`;
}

const binaryName = `latchgate.${platformName()}.node`;

/** The addon with the test stores. */
const TEST_ADDON = path.join(ROOT, 'target', 'test-addon', binaryName);

module.exports = { TEST_ADDON, binaryName, platformName };
