// Checks the guards against panics. A panic that leaves a function of the addon ends Node. So each function that JavaScript can
// call runs behind the guard that turns a panic into an error (src/binding/runtime/slots.rs).
// With --self-test it plants functions without a guard in a scratch tree and fails if one is not seen.
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { list, read } = require('./lib/files.js');
const { strip } = require('./lib/strip.js');

/** The guard itself, and what runs its argument behind it. */
const GUARDS = ['guarded', 'enter', 'enter_still', 'with'];

/** Functions that ask no gate: they return a number or a table, or set the clock of tests. */
const PLAIN = new Set(['reasons', 'record_layout', 'number', 'set_test_clock', 'version']);

/** @typedef {{ file: string, line: number, name: string, exported: boolean, body: string }} Found */

/** @param {string} code @param {number} start of the opening bracket @returns {number} after the bracket that closes it */
function endOf(code, start) {
  let depth = 0;
  for (let at = start; at < code.length; at++) {
    if ('({['.includes(code[at])) depth++;
    if (')}]'.includes(code[at]) && --depth === 0) return at + 1;
  }
  return code.length;
}

/** @param {string} root @param {string} file @returns {Found[]} */
function functionsOf(root, file) {
  const code = strip(read(root, file), 'rs', { strings: true });
  /** @type {Found[]} */
  const found = [];
  for (const match of code.matchAll(
    /((?:#\[[^\]]*\]\s*)*)(?:pub(?:\([^)]*\))? )?(?:async )?fn (\w+)[^(]*\(/g,
  )) {
    const [text, attributes, name] = match;
    const open = code.indexOf('{', endOf(code, match.index + text.length - 1));
    const line = code.slice(0, match.index + attributes.length).split('\n').length;
    const exported = /#\[napi\b/.test(attributes);
    const isGuarded = /catch_unwind/.test(attributes);
    found.push({
      file,
      line,
      name,
      exported: exported && !isGuarded,
      body: code.slice(open, endOf(code, open)),
    });
  }
  return found;
}

/** @param {string} root @returns {string[]} */
function check(root) {
  const functions = list(root, 'src/binding', ['.rs']).flatMap((file) => functionsOf(root, file));
  const guards = new RegExp(`\\b(?:${GUARDS.join('|')})\\(`);
  /** @type {Set<Found>} */
  const behind = new Set(functions.filter(({ body }) => guards.test(body)));
  // Other methods may be between them.
  for (let known = 0; known < behind.size; ) {
    known = behind.size;
    const names = [...behind].filter(({ exported }) => !exported).map(({ name }) => name);
    const helped = new RegExp(`\\bself\\.(?:${names.join('|') || '-'})\\(`);
    for (const each of functions) if (helped.test(each.body)) behind.add(each);
  }
  return functions
    .filter((each) => each.exported && !PLAIN.has(each.name) && !behind.has(each))
    .map(
      ({ file, line, name }) =>
        `${file}:${line}: ${name} runs without guarded(), enter() or with(): a panic in it ends Node`,
    );
}

const HEAD = '#[napi]\nimpl Gate {\n';
/** Planted functions, and whether each is wrong. @type {Array<[string, boolean]>} */
const PLANTED = [
  [`${HEAD}    #[napi]\n    pub fn bad(&self) -> Result<f64> { Ok(self.inner.borrow().count()) }\n}\n`, true],
  ['#[napi]\npub fn bad(a: f64) -> f64 { a / 2.0 }\n', true],
  ['#[allow(clippy::x)]\n#[napi]\npub fn bad(a: f64) -> f64 { a }\n', true],
  ['#[napi]\n#[allow(clippy::x)]\npub fn bad(a: f64) -> f64 { a }\n', true],
  ['#[napi]\npub fn bad() -> &str { "guarded(|| x)" /* enter(x) */ }\n', true],
  ['#[napi(getter)]\npub async fn bad(&self) -> f64 { fenter(1) }\n', true],
  [
    `${HEAD}    #[napi]\n    pub fn good(&self) -> Result<f64> { enter(&self.inner, |gate| gate.count()) }\n}\n`,
    false,
  ],
  [
    `${HEAD}    #[napi]\n    pub fn good(&self) -> Result<f64> { self.ask(1) }\n}\nimpl Gate {\n    fn ask(&self, a: u8) -> Result<f64> { enter(&self.inner, |gate| gate.ask(a)) }\n}\n`,
    false,
  ],
  [
    `${HEAD}    #[napi]\n    pub fn bad(&self) -> Result<f64> { self.ask(1) }\n}\nimpl Gate {\n    fn ask(&self, a: u8) -> Result<f64> { Ok(a.into()) }\n}\n`,
    true,
  ],
  ['#[napi(catch_unwind)]\npub fn good(a: f64) -> f64 { a }\n', false],
  ['#[napi(object)]\npub struct Row { pub a: f64 }\nfn own() -> f64 { 1.0 }\n', false],
];

function selfTest() {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'latchgate-guards-'));
  fs.mkdirSync(path.join(root, 'src', 'binding'), { recursive: true });
  try {
    return PLANTED.flatMap(([text, isWrong]) => {
      fs.writeFileSync(path.join(root, 'src', 'binding', 'a.rs'), text);
      return check(root).length === (isWrong ? 1 : 0)
        ? []
        : [`${isWrong ? 'not seen' : 'reported what is allowed'}: ${JSON.stringify(text)}`];
    });
  } finally {
    fs.rmSync(root, { recursive: true, force: true });
  }
}

if (require.main === module) {
  const selfTesting = process.argv.includes('--self-test');
  const problems = selfTesting ? selfTest() : check(path.join(__dirname, '..'));
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) process.exitCode = 1;
  else
    console.log(
      selfTesting
        ? `all ${PLANTED.length} planted functions are judged correctly`
        : 'every export is guarded',
    );
}
