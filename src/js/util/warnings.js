'use strict';
// Warnings for operators. Each warning about a store is emitted once per process, and is part of health().

const { warnAtMost } = require('./warning-limit.js');

const RESTART = {
  code: 'LATCHGATE_EMBEDDED_RESTART',
  text: 'the embedded store lives in this process: a restart forgets sessions, revocations, blocks and quotas',
};
const PER_PROCESS = {
  code: 'LATCHGATE_EMBEDDED_PER_PROCESS',
  text: 'the embedded store belongs to this process, and other processes run too: limits and revocations hold for each process alone',
};
const SESSION_IS_TOKEN = {
  code: 'LATCHGATE_SESSION_IS_TOKEN',
  text: 'a token without a session claim was accepted: each such token counts as a session of its own (jwt.claims.sessionId)',
};

const SECOND_COPY = {
  code: 'LATCHGATE_EMBEDDED_TWICE',
  text: 'two copies of latchgate are loaded: an embedded store of the same name is another one in each',
};
const DAMAGED =
  'a key under the prefix has a value that latchgate has not written (damaged, or of another program): calls about it are refused, and the value does not change';
const COPY = Symbol.for('latchgate.embedded');

const OBSERVES = {
  code: 'LATCHGATE_OBSERVES',
  text: "mode 'observe': nothing is denied, only reported; other guards must protect the app",
};

/** Sentences about single keys that are remembered as emitted: an endpoint can bring any number. */
const MOST_REMEMBERED = 1000;

/** @type {Set<string>} */
const emitted = new Set();

/** @param {{ code: string, text: string }} warning */
function emit({ code, text }) {
  process.emitWarning(text, { type: 'LatchgateWarning', code });
}

/**
 * The warnings for every Auth on the embedded store in this process.
 * @returns {string[]}
 */
function embeddedWarnings() {
  const warnings = [];
  if (process.env.NODE_ENV === 'production') warnings.push(RESTART);
  if (isOneOfMany()) warnings.push(PER_PROCESS);
  if (isSecondCopy()) warnings.push(SECOND_COPY);
  return warnings.map(emitOnce);
}

/** @returns {string[]} what holds for every Auth that only observes */
function observeWarnings() {
  return [emitOnce(OBSERVES)];
}

/**
 * @param {{ code: string, text: string }} warning
 * @returns {string}
 */
function emitOnce(warning) {
  if (!emitted.has(warning.code)) emit(warning);
  emitted.add(warning.code);
  return warning.text;
}

/** Two copies of the package have two addons, and a named store in each. */
function isSecondCopy() {
  const shared = /** @type {Record<symbol, string | undefined>} */ (globalThis);
  shared[COPY] ??= __dirname;
  return shared[COPY] !== __dirname;
}

/** A cluster worker, or an instance that PM2 runs several of (it numbers them from 0). */
function isOneOfMany() {
  const { NODE_APP_INSTANCE: instance, pm_id: id, exec_mode: mode = '' } = process.env;
  if (isClusterWorker()) return true;
  return Number(instance) > 0 || ((instance ?? id) !== undefined && mode.startsWith('cluster'));
}

/** A cluster worker has a channel to its primary, so only a process with a channel needs to load node:cluster. */
function isClusterWorker() {
  if (process.send === undefined) return false;
  const cluster = /** @type {typeof import('node:cluster').default} */ (
    /** @type {unknown} */ (require('node:cluster'))
  );
  return cluster.isWorker;
}

/**
 * Warns about the server of a store. Each sentence is emitted once.
 * @param {string[]} texts
 * @returns {string[]}
 */
function storeWarnings(texts) {
  for (const text of texts) {
    if (!emitted.has(text)) emit({ code: 'LATCHGATE_STORE', text });
    emitted.add(text);
  }
  return texts;
}

/** @returns {string} */
function warnSessionIsToken() {
  return emitOnce(SESSION_IS_TOKEN);
}

/** Warns about fetched keys. The caller warns once per change. @param {string} text */
function warnKeys(text) {
  warnAtMost({ code: 'LATCHGATE_KEYS', text });
}

/** Warns about a fetched key. Each sentence is emitted once. @param {string} text */
function warnKey(text) {
  if (!emitted.has(text)) warnKeys(text);
  if (emitted.size < MOST_REMEMBERED) emitted.add(text);
}

/** Warns that a charge was not refunded. @param {string} message */
function warnRefund(message) {
  const text = `the charge of a request was not refunded: ${message}`;
  warnAtMost({ code: 'LATCHGATE_REFUND', text });
}

/** Warns about an exception of a listener. @param {Error} error */
function warnListener({ name, message, stack }) {
  const text = `a listener threw ${name}: ${message}`;
  warnAtMost({ code: 'LATCHGATE_LISTENER', text, detail: stack });
}

/** Warns about an error that would have gone to next() in mode 'enforce'. Once per code. @param {string} code @param {Error} fault */
function warnObserved(code, { message }) {
  const kind = `LATCHGATE_OBSERVED ${code}`;
  if (!emitted.has(kind))
    emit({ code: 'LATCHGATE_OBSERVED', text: `mode 'observe' could not decide on a request: ${message}` });
  emitted.add(kind);
}

module.exports = {
  DAMAGED,
  embeddedWarnings,
  observeWarnings,
  storeWarnings,
  warnKey,
  warnKeys,
  warnListener,
  warnObserved,
  warnRefund,
  warnSessionIsToken,
};
