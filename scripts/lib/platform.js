// The name that a platform has in the names of binaries and platform packages.
'use strict';

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

module.exports = { platformName, binaryName };
