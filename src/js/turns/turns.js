'use strict';
// The turns of one Auth: its tickets, its waiters, and the questions to the store. The store alone keeps the order of waiters.
// This file counts and wakes them, and rejects them when the Auth is closed.

const { closedError } = require('../util/errors.js');
const { Slices, inSlices } = require('../util/slices.js');
const { MODE, Waiter } = require('./turn-request.js');

/**
 * @typedef {import('../runtime/native-store.js').Engine} Engine
 * @typedef {import('../binding.js').Outcome} Outcome
 * @typedef {import('../binding.js').NativeTurn} Turn
 * @typedef {import('./lease.js').Hold} Hold
 * @typedef {import('../options/lock-options.js').Settings} Settings
 * @typedef {{ token?: string, key?: string }} Credential as a request brought it
 * @typedef {{ kind: number, id: string, name: string }} Place
 */

/** The namespace of a turn: keys of locks.*, or users. They never collide. */
const KIND = { lock: 0, user: 1 };
/** Milliseconds; how long does not matter. */
const LONG = 2 ** 30;

/**
 * @param {number} kind
 * @param {string} id
 * @returns {Place}
 */
function place(kind, id) {
  return { kind, id, name: `${kind}${id}` };
}

/** Keys with a fence of their own. */
const MAX_FENCES = 10_000;

/**
 * The highest fences that this Auth has seen. Each question for a turn sends one, so that the next fence is higher even
 * if the server has lost its writes.
 */
class Fences {
  /** By name of the place, the least recently used first. @type {Map<string, number>} */
  #last = new Map();
  /** The highest fence of all removed entries. It applies to every place without an entry. */
  #floor = 0;

  /**
   * Returns the fence that the next one must exceed. 0: no fence is known.
   * @param {string} name of the place
   * @returns {number}
   */
  seen(name) {
    return this.#last.get(name) ?? this.#floor;
  }

  /**
   * @param {string} name
   * @param {number} fence
   */
  note(name, fence) {
    const last = Math.max(fence, this.#last.get(name) ?? 0);
    this.#last.delete(name);
    this.#last.set(name, last);
    if (this.#last.size > MAX_FENCES) this.#removeOldest();
  }

  #removeOldest() {
    for (const [name, fence] of this.#last) {
      this.#last.delete(name);
      this.#floor = Math.max(this.#floor, fence);
      return;
    }
  }
}

/** The callers of this Auth at a place: in the store's queue, with a question in flight, or holder of the turn. */
class Line {
  queued = 0;
  asking = 0;
  held = 0;

  get isEmpty() {
    return this.queued + this.asking + this.held === 0;
  }
}

class Turns {
  #engine;
  #drawn = 0;
  /** By ticket. @type {Map<number, Waiter>} */
  #waiting = new Map();
  /** By the name of the place. @type {Map<string, Line>} */
  #lines = new Map();
  /** @type {Set<Hold>} */
  #held = new Set();
  /** Callbacks for the time when no section runs. @type {Array<() => void>} */
  #idle = [];

  /** @type {Slices<Waiter>} */
  #woken = new Slices((waiter) => waiter.wake());
  /** @type {Slices<Waiter>} */
  #allWoken = new Slices((waiter) => waiter.wake());

  fences = new Fences();
  /** Nobody is granted a turn any more. */
  isClosed = false;

  /** @param {Engine} engine */
  constructor(engine) {
    this.#engine = engine;
  }

  /** Number of callers that asked for any turn and do not have it yet. */
  get waiting() {
    return this.#waiting.size;
  }

  get held() {
    return this.#held.size;
  }

  /** @param {{ key: string, fence: number, message: string }} lease */
  tellLost(lease) {
    const { events, metrics } = this.#engine;
    metrics.leaseLost();
    events.emit({ type: 'lock-lost', ...lease });
  }

  /** A number that no other question of this Auth's has had. */
  draw() {
    this.#drawn++;
    return this.#drawn;
  }

  /**
   * Waits for a turn. The question is sent before this returns, so that questions of one tick keep the order of their calls.
   * @param {Place} at
   * @param {Settings} settings
   * @param {Credential} [credential] that must be valid when the turn is granted
   * @returns {Waiter}
   */
  enter(at, settings, credential) {
    const mode = settings.fair && settings.waitMs > 0 && settings.maxQueue > 0 ? MODE.queue : MODE.try;
    return new Waiter(this, at, settings, mode, credential);
  }

  /**
   * Waits ahead of everybody, until nobody holds the turn.
   * @param {Place} at
   * @param {Settings} settings
   */
  enterFirst(at, settings) {
    return new Waiter(this, at, settings, MODE.front);
  }

  /**
   * @param {Place} at
   * @returns {Line}
   */
  #line({ name }) {
    let line = this.#lines.get(name);
    if (line === undefined) {
      line = new Line();
      this.#lines.set(name, line);
    }
    return line;
  }

  /**
   * @param {Place} at
   * @param {Line} line
   */
  #tidy({ name }, line) {
    if (line.isEmpty) this.#lines.delete(name);
  }

  /**
   * A caller begins to ask. One of these callers may become the holder, if no caller of this Auth holds the turn.
   * @param {Waiter} waiter
   * @param {number} maxQueue
   * @returns {boolean} whether there is room
   */
  arrive(waiter, maxQueue) {
    const line = this.#line(waiter.place);
    const room = maxQueue + (line.held > 0 ? 0 : 1);
    if (line.queued >= Math.max(maxQueue, 1) || line.queued + line.asking >= room) {
      this.#tidy(waiter.place, line);
      return false;
    }
    line.asking++;
    this.#waiting.set(waiter.ticket, waiter);
    return true;
  }

  /**
   * The store has put somebody into its queue.
   * @param {Waiter} waiter
   * @param {number} maxQueue
   * @returns {boolean} whether there is room
   */
  queue({ place: at }, maxQueue) {
    const line = this.#line(at);
    if (line.queued >= maxQueue) return false;
    line.asking--;
    line.queued++;
    this.#engine.listen();
    return true;
  }

  /**
   * A caller no longer waits.
   * @param {Waiter} waiter
   */
  depart(waiter) {
    const line = this.#line(waiter.place);
    if (waiter.isQueued) line.queued--;
    else line.asking--;
    this.#waiting.delete(waiter.ticket);
    this.#tidy(waiter.place, line);
  }

  /**
   * Under another ticket, at the end of the queue.
   * @param {Waiter} waiter
   */
  redraw(waiter) {
    this.#waiting.delete(waiter.ticket);
    waiter.ticket = this.draw();
    this.#waiting.set(waiter.ticket, waiter);
  }

  /** @param {Hold} hold */
  hold(hold) {
    this.#held.add(hold);
    this.#line(hold.place).held++;
  }

  /** @param {Hold} hold */
  letGo(hold) {
    if (!this.#held.delete(hold)) return;
    const line = this.#line(hold.place);
    line.held--;
    this.#tidy(hold.place, line);
    this.#settle();
  }

  /** @param {number} ticket that has its turn now, if it asks soon */
  wake(ticket) {
    const waiter = this.#waiting.get(ticket);
    if (waiter === undefined) return;
    this.#woken.add(waiter);
    this.#woken.run();
  }

  /** Wake-ups may have been lost until now. In the order in which they came; who is woken by name goes before these. */
  wakeAll() {
    for (const waiter of this.#waiting.values()) this.#allWoken.add(waiter);
    this.#allWoken.run();
  }

  /**
   * @param {Waiter} waiter
   * @param {number} stayMs
   * @param {(turn: Turn) => void} answer
   * @param {(error: unknown) => void} fail
   */
  ask({ place: at, ticket, settings, mode, credential }, stayMs, answer, fail) {
    const seen = this.fences.seen(at.name);
    this.#put(
      (gate) =>
        gate.turnAsk(
          at.kind,
          at.id,
          ticket,
          settings.ttlMs,
          seen,
          stayMs,
          mode,
          credential?.token,
          credential?.key,
        ),
      ({ turn }) => answer(/** @type {Turn} */ (turn)),
      fail,
    );
  }

  /**
   * @param {{ place: Place, ticket: number }} holder
   * @param {number} byMs
   * @param {(turn: Turn) => void} answer
   * @param {(error: unknown) => void} fail
   */
  extend({ place: at, ticket }, byMs, answer, fail) {
    this.#put(
      (gate) => gate.turnExtend(at.kind, at.id, ticket, byMs),
      ({ turn }) => answer(/** @type {Turn} */ (turn)),
      fail,
    );
  }

  /**
   * Releases a turn, or the place in its queue. If the store gets no message, the end of the lease or of the wait releases it.
   * @param {{ place: Place, ticket: number }} holder
   * @param {(held: boolean) => void} [answer]
   * @param {(error: unknown) => void} [fail]
   */
  leave({ place: at, ticket }, answer = ignore, fail = ignore) {
    this.#put(
      (gate) => gate.turnLeave(at.kind, at.id, ticket),
      ({ flag }) => answer(flag === true),
      fail,
    );
  }

  /**
   * @param {(gate: import('../binding.js').Gate) => Outcome | number} question
   * @param {(outcome: Outcome) => void} answer
   * @param {(error: unknown) => void} fail
   */
  #put(question, answer, fail) {
    let told;
    try {
      told = this.#engine.call(question);
    } catch (error) {
      fail(error);
      return;
    }
    if (typeof told !== 'number') {
      answer(told);
      return;
    }
    const complete = () => fail(new TypeError('a question for a turn completed without an outcome'));
    this.#engine.bridge.wait(-told, { complete, outcome: answer, fail });
  }

  /** Rejects waiters, waits for running sections, and lets leases of acquire() expire. */
  async close() {
    this.isClosed = true;
    await inSlices(this.#waiting.values(), (waiter) => waiter.abort(closedError()));
    await inSlices(this.#held, (hold) => {
      if (!hold.isSection) hold.lose('the Auth was closed', closedError());
    });
    if (this.#held.size === 0) return;
    // The leases' own timers keep no process alive, and who closes waits for what runs under them.
    const alive = setInterval(ignore, LONG);
    await new Promise((/** @type {(value: void) => void} */ resolve) => this.#idle.push(resolve));
    clearInterval(alive);
  }

  #settle() {
    if (this.#held.size > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}

function ignore() {}

module.exports = { Fences, KIND, Turns, place };
