'use strict';
// req.auth.signal: notifies requests in flight of a revocation. The store pushes revocations, and is also asked once a second, so
// that a lost message costs a second. Requests with the same user and credential share a question. Work for many requests is
// done in slices, so that the event loop serves other work meanwhile.

const { revokedError } = require('../util/errors.js');
const { Slices } = require('../util/slices.js');
const { Wheel } = require('../util/wheel.js');

/**
 * @typedef {import('./native-store.js').Engine} Engine
 * @typedef {import('../turns/turns.js').Credential} Credential
 */

/** One request whose signal was read. */
class Watch {
  #controller = new AbortController();
  /** @type {Question | undefined} */
  #question;
  /** @type {any} */
  #res;
  #onClose = () => this.end();

  get signal() {
    return this.#controller.signal;
  }

  /**
   * @param {Question} question
   * @param {any} res with whose end the watch ends; undefined: there is none
   */
  begin(question, res) {
    this.#question = question;
    this.#res = res;
    // 'close' comes with every end; 'finish' before it, where the client is still there.
    res?.on('close', this.#onClose);
    question.watches.add(this);
  }

  /** A watch that has ended meanwhile does not abort. */
  abort() {
    if (this.#question === undefined) return;
    this.end();
    this.#controller.abort(revokedError());
  }

  end() {
    const question = this.#question;
    if (question === undefined) return;
    this.#question = undefined;
    this.#res?.removeListener('close', this.#onClose);
    this.#res = undefined;
    question.leave(this);
  }
}

/** The question for all requests with one credential of a user. It also waits for its answer. One question is in flight at a time. */
class Question {
  #watches;
  #isAsking = false;
  /** The answer in flight may be older than a message received since. */
  #isStale = false;
  #isOver = false;

  /** The queue in which it waits: due questions, or notified questions. */
  isDue = false;
  isPressing = false;
  slot = -1;
  /** @type {Set<Watch>} */
  watches = new Set();

  /**
   * @param {Watches} watches
   * @param {string} userId
   * @param {Credential} credential
   */
  constructor(watches, userId, credential) {
    this.#watches = watches;
    this.userId = userId;
    this.credential = credential;
  }

  /** @param {Watch} watch */
  leave(watch) {
    this.watches.delete(watch);
    if (this.watches.size === 0) this.#end();
  }

  #end() {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#watches.drop(this);
  }

  /** Once a second; a question under way is new enough. */
  due() {
    this.isDue = false;
    if (!this.#isAsking) this.#ask();
  }

  /** A message was received since: an older answer does not suffice. */
  press() {
    this.isPressing = false;
    if (this.#isAsking) this.mistrust();
    else this.#ask();
  }

  /** Asks again after the answer in flight. */
  mistrust() {
    this.#isStale = this.#isAsking;
  }

  #ask() {
    if (this.#isOver) return;
    this.#isAsking = true;
    this.#isStale = false;
    this.#watches.put(this);
  }

  /** @param {import('../binding.js').Outcome} outcome */
  outcome({ count }) {
    this.#isAsking = false;
    if (count === 0) {
      this.#askAgain();
      return;
    }
    this.#end();
    this.#watches.fell(this);
  }

  complete() {
    this.fail();
  }

  /** If the store does not answer, the next question suffices. */
  fail() {
    this.#isAsking = false;
    this.#askAgain();
  }

  #askAgain() {
    if (this.#isStale && !this.#isOver) this.#watches.askAgain(this);
    this.#isStale = false;
  }
}

class Watches {
  #engine;
  /** By user and credential. @type {Map<string, Map<string, Question>>} */
  #byUser = new Map();
  /** @type {Wheel<Question>} */
  #wheel = new Wheel((questions) => this.#fallDue(questions));
  /** @type {Slices<Question>} */
  #due = new Slices((question) => question.due());
  /** Questions of which the store notified. They do not wait behind due questions. @type {Slices<Question>} */
  #pressing = new Slices((question) => question.press());
  /** @type {Slices<Watch>} */
  #falling = new Slices((watch) => watch.abort());

  /** @param {Engine} engine */
  constructor(engine) {
    this.#engine = engine;
  }

  /**
   * @param {string} userId
   * @param {Credential} credential
   * @param {any} res with whose end the watch ends; null: it is over already, undefined: there is none
   * @returns {Watch}
   */
  watch(userId, credential, res) {
    const watch = new Watch();
    if (this.#engine.closed || res === null || res?.writableFinished || res?.destroyed) return watch;
    this.#engine.listen();
    watch.begin(this.#questionOf(userId, credential), res);
    return watch;
  }

  /**
   * @param {string} userId
   * @param {Credential} credential
   */
  #questionOf(userId, credential) {
    let questions = this.#byUser.get(userId);
    if (questions === undefined) {
      questions = new Map();
      this.#byUser.set(userId, questions);
    }
    const name = nameOf(credential);
    let question = questions.get(name);
    if (question === undefined) {
      question = new Question(this, userId, credential);
      questions.set(name, question);
      this.#wheel.add(question);
    }
    return question;
  }

  /** Nobody waits for its answer any more. @param {Question} question */
  drop(question) {
    const { userId, credential } = question;
    this.#wheel.remove(question);
    const questions = this.#byUser.get(userId);
    questions?.delete(nameOf(credential));
    if (questions?.size === 0) this.#byUser.delete(userId);
  }

  /** Something of the user was revoked. @param {string} userId */
  ask(userId) {
    for (const question of this.#byUser.get(userId)?.values() ?? []) this.#press(question);
    this.#pressing.run();
  }

  /** @param {Question} question */
  askAgain(question) {
    this.#press(question);
    this.#pressing.run();
  }

  /** @param {Question} question */
  #press(question) {
    if (question.isPressing) return;
    question.isPressing = true;
    this.#pressing.add(question);
  }

  /** Asks all, because messages may have been lost until now. Later notifications come before these questions. */
  askAll() {
    for (const questions of this.#byUser.values()) {
      for (const question of questions.values()) question.mistrust();
      this.#enqueue(questions.values());
    }
    this.#due.run();
  }

  /** @param {Iterable<Question>} questions */
  #fallDue(questions) {
    this.#enqueue(questions);
    this.#due.run();
  }

  /** @param {Iterable<Question>} questions */
  #enqueue(questions) {
    for (const question of questions) {
      if (question.isDue) continue;
      question.isDue = true;
      this.#due.add(question);
    }
  }

  /** @param {Question} question */
  put(question) {
    const { userId, credential } = question;
    let told;
    try {
      this.#engine.assertOpen();
      told = this.#engine.call((gate) => gate.standing(userId, credential.token, credential.key));
    } catch {
      question.fail();
      return;
    }
    if (typeof told === 'number') this.#engine.bridge.wait(-told, question);
    else question.outcome(told);
  }

  /** @param {Question} question */
  fell({ watches }) {
    for (const watch of watches) this.#falling.add(watch);
    this.#falling.run();
  }

  close() {
    this.#wheel.clear();
    this.#due.clear();
    this.#pressing.clear();
    this.#byUser.clear();
  }
}

/** No token holds a space, and no key does. @param {Credential} credential */
function nameOf({ token = '', key }) {
  return key === undefined ? token : `${key} ${token}`;
}

exports.Watch = Watch;
exports.Watches = Watches;
