'use strict';
// req.auth.signal: which requests in flight are to hear of a revocation. They are told when the store tells of one, and
// asked about once a second besides, so that a message that is lost costs a second.

const { revokedError } = require('./turn-errors.js');

/**
 * @typedef {import('./engine.js').Engine} Engine
 * @typedef {import('./turns.js').Credential} Credential
 */

const EVERY_MS = 1000;

/** One request whose signal was read. */
class Watch {
  #controller = new AbortController();
  #end;

  /**
   * @param {string} userId
   * @param {Credential} credential
   * @param {(watch: Watch) => void} end
   */
  constructor(userId, credential, end) {
    this.userId = userId;
    this.credential = credential;
    this.#end = end;
  }

  get signal() {
    return this.#controller.signal;
  }

  abort() {
    this.end();
    this.#controller.abort(revokedError());
  }

  end() {
    this.#end(this);
  }
}

class Watches {
  #engine;
  /** @type {Map<string, Set<Watch>>} */
  #byUser = new Map();
  /** @type {NodeJS.Timeout | undefined} */
  #timer;

  /** @param {Engine} engine */
  constructor(engine) {
    this.#engine = engine;
  }

  /**
   * @param {string} userId
   * @param {Credential} credential
   * @param {any} [res] with whose end the watch ends
   * @returns {Watch}
   */
  watch(userId, credential, res) {
    const watch = new Watch(userId, credential, (each) => this.#drop(each));
    if (this.#engine.closed || res?.writableFinished || res?.destroyed) return watch;
    this.#engine.listen();
    const others = this.#byUser.get(userId);
    if (others === undefined) this.#byUser.set(userId, new Set([watch]));
    else others.add(watch);
    // 'close' comes with every end; 'finish' before it, where the client is still there.
    res?.on('close', () => watch.end());
    this.#timer ??= setInterval(() => this.askAll(), EVERY_MS).unref();
    return watch;
  }

  /** @param {Watch} watch */
  #drop(watch) {
    const others = this.#byUser.get(watch.userId);
    if (others === undefined || !others.delete(watch)) return;
    if (others.size === 0) this.#byUser.delete(watch.userId);
    if (this.#byUser.size === 0) this.#stop();
  }

  #stop() {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Something of the user was revoked. @param {string} userId */
  ask(userId) {
    for (const watch of [...(this.#byUser.get(userId) ?? [])]) this.#ask(watch);
  }

  /** All of them, in one turn of the event loop. */
  askAll() {
    for (const userId of [...this.#byUser.keys()]) this.ask(userId);
  }

  /** Where the store does not answer, the next time will do. @param {Watch} watch */
  #ask(watch) {
    this.#engine.standing(watch.userId, watch.credential).then(
      (stands) => {
        if (!stands) watch.abort();
      },
      () => {},
    );
  }

  close() {
    this.#byUser.clear();
    this.#stop();
  }
}

exports.Watch = Watch;
exports.Watches = Watches;
