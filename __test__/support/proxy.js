// A TCP proxy between a client and a server, which can be told at run time to fail in the ways that networks fail. It reads
// the protocol as it passes, so that the reply of one chosen command can be lost. Every fault but refusal, delay and
// slowness ends by itself or with pass().
'use strict';

const { once } = require('node:events');
const net = require('node:net');
const { setTimeout: sleep } = require('node:timers/promises');
const { serverOf, urlOf } = require('./front.js');
const { Frames, words } = require('./resp.js');

/** @typedef {import('./started.js').Test} Test */
/** @typedef {import('./front.js').Front} Front */
/**
 * @typedef {{ client: net.Socket, upstream: net.Socket, commands: Frames, replies: Frames, pending: string[], swallow: boolean, due: number, queued: number, tail: Promise<void>, open: boolean, lingering: boolean, mute: boolean, deaf: boolean, held?: Buffer[] }} Link
 * swallow: nothing more is read; mute: nothing more is delivered; deaf: nothing that the server sends from here on is;
 * lingering: the server still runs what was written to it; held: commands that wait for hold() to end
 */

/** Commands that run our scripts: what changes state, and what a lost reply leaves unknown. */
const SCRIPTS = /^(eval|evalsha|fcall)$/;

class FaultProxy {
  /** Connections accepted since the start. */
  connections = 0;
  /** Bytes received from clients (up) and from the server (down), swallowed ones included. */
  bytes = { up: 0, down: 0 };
  /** How often each command passed towards the server. @type {Record<string, number>} */
  commands = {};
  /** Replies that were not delivered. */
  lost = 0;
  /** Connections cut by cutAfter() and loseReplies(). */
  cuts = 0;

  #target;
  #front;
  #server = net.createServer();
  /** @type {Set<Link>} */
  #links = new Set();
  /** What becomes of new connections. @type {'pass' | 'swallow'} */
  #fresh = 'pass';
  /** @type {{ left: number, of: RegExp, cut: boolean, after: number } | undefined} */
  #losing;
  /** @type {{ what: 'commands' | 'replies' | 'bytes', left: number, of: RegExp } | undefined} */
  #cutting;
  /** @type {{ what: 'command' | 'reply', left: number, then: () => void } | undefined} */
  #stopping;
  /** @type {() => number} */
  #latency = () => 0;
  /** @type {{ of: (words: string[]) => boolean, held: (release: () => void) => void } | undefined} */
  #holding;
  #bytesPerSecond = Number.POSITIVE_INFINITY;
  /** @type {{ left: number, parts: Buffer[] } | undefined} */
  #gathering;

  /** @param {{ port: number } | { path: string }} target @param {Front} front */
  constructor(target, front) {
    this.#target = target;
    this.#front = front;
    this.port = 0;
  }

  async listen() {
    const { path } = this.#front;
    this.#server = serverOf(this.#front, (client) => this.#accept(client));
    const address = path === undefined ? { port: this.port, host: '127.0.0.1' } : { path };
    this.#server.listen({ ...address, backlog: 2048 });
    await once(this.#server, 'listening');
    if (path === undefined) this.port = /** @type {net.AddressInfo} */ (this.#server.address()).port;
  }

  get url() {
    return urlOf(this.#front, this.port);
  }

  /** Connections open at this instant. */
  get open() {
    return this.#links.size;
  }

  /** Everything passes from now on, on new connections; the swallowed ones stay dead. */
  async pass() {
    this.#fresh = 'pass';
    this.#losing = undefined;
    this.#cutting = undefined;
    this.#latency = () => 0;
    this.#bytesPerSecond = Number.POSITIVE_INFINITY;
    if (!this.#server.listening) await this.listen();
  }

  /** Nobody listens any more, and what was open is cut. */
  async refuse() {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.cut();
    await closed;
  }

  /**
   * Accepts and answers nothing, neither to what is open nor, unless told otherwise, to what comes.
   * @param {{ fresh?: boolean }} [options] fresh: new connections too
   */
  blackHole({ fresh = true } = {}) {
    this.#fresh = fresh ? 'swallow' : 'pass';
    for (const link of this.#links) Object.assign(link, { swallow: true, mute: true });
  }

  /** The server's side of what is open is gone, and the client is not told. New connections pass. */
  halfOpen() {
    for (const link of this.#links) {
      Object.assign(link, { swallow: true, mute: true });
      link.upstream.destroy();
    }
  }

  /**
   * The next `count` replies of such commands are lost after the server ran them. As on a real network nothing that comes
   * later is delivered on that connection either; it is cut with the last of them, or stays open: what is sent over it still
   * arrives and runs, and is never answered.
   * @param {number} count
   * @param {{ of?: RegExp, cut?: boolean, after?: number }} [options] after: so many such replies still pass
   */
  loseReplies(count, { of = SCRIPTS, cut = true, after = 0 } = {}) {
    this.#losing = { left: count, of, cut, after };
  }

  /**
   * Cuts a connection once so much has passed: commands towards the server, replies or bytes towards the client.
   * @param {{ commands: number } | { replies: number } | { bytes: number }} limit
   * @param {{ of?: RegExp }} [options] of which commands; not for bytes
   */
  cutAfter(limit, { of = SCRIPTS } = {}) {
    const [[what, left]] = /** @type {Array<['commands' | 'replies' | 'bytes', number]>} */ (
      Object.entries(limit)
    );
    this.#cutting = { what, left, of };
  }

  /**
   * The n-th command that runs a script, or its reply, is held back for good, with all that comes after it on that connection;
   * `then` is called.
   * @param {'command' | 'reply'} what
   * @param {number} n
   * @param {() => void} then
   */
  stopAt(what, n, then) {
    this.#stopping = { what, left: n, then };
  }

  /** Every chunk of replies comes later by so many milliseconds, in order. @param {number | (() => number)} ms */
  delay(ms) {
    this.#latency = typeof ms === 'number' ? () => ms : ms;
  }

  /**
   * Holds the next such command back, and what comes behind it on its connection. Resolves once it has come, with what lets
   * it go on.
   * @param {(words: string[]) => boolean} of
   * @returns {Promise<() => void>}
   */
  hold(of) {
    return new Promise((held) => {
      this.#holding = { of, held };
    });
  }

  /** Replies are kept until those of so many scripts have come, and then delivered at once. @param {number} replies */
  gather(replies) {
    this.#gathering = { left: replies, parts: [] };
  }

  /** @param {number} bytesPerSecond of replies, for each connection */
  slow(bytesPerSecond) {
    this.#bytesPerSecond = bytesPerSecond;
  }

  /** Cuts all that is open. */
  cut() {
    for (const link of this.#links) this.#close(link);
  }

  async close() {
    this.cut();
    if (this.#server.listening) await this.refuse();
  }

  /** @param {net.Socket} client */
  #accept(client) {
    this.connections++;
    const swallow = this.#fresh === 'swallow';
    const upstream = swallow ? new net.Socket() : net.connect(/** @type {any} */ (this.#target));
    /** @type {Link} */
    const link = {
      client,
      upstream,
      swallow,
      pending: [],
      due: 0,
      queued: 0,
      open: true,
      lingering: false,
      mute: false,
      deaf: false,
      commands: new Frames(),
      replies: new Frames(),
      tail: Promise.resolve(),
    };
    this.#links.add(link);
    client.setNoDelay(true);
    upstream.setNoDelay(true);
    client.on('data', (chunk) => this.#up(link, chunk));
    upstream.on('data', (chunk) => this.#down(link, chunk));
    client.on('error', () => {});
    upstream.on('error', () => {});
    client.on('close', () => this.#close(link));
    upstream.on('close', () => {
      if (!link.swallow) this.#close(link);
    });
  }

  /** @param {Link} link */
  #close(link) {
    link.open = false;
    this.#links.delete(link);
    link.client.destroy();
    if (!link.lingering) link.upstream.destroy();
  }

  /** @param {Link} link @param {Buffer} chunk */
  #up(link, chunk) {
    this.bytes.up += chunk.length;
    if (link.swallow) return;
    const frames = link.commands.push(chunk);
    if (link.held === undefined) this.#forward(link, frames);
    else link.held.push(...frames);
  }

  /** @param {Link} link @param {Buffer[]} frames */
  #forward(link, frames) {
    for (const [at, frame] of frames.entries()) {
      const asked = words(frame);
      if (this.#holding?.of(asked)) {
        const { held } = this.#holding;
        this.#holding = undefined;
        const waiting = frames.slice(at);
        link.held = waiting;
        held(() => {
          link.held = undefined;
          if (link.open) this.#forward(link, waiting);
        });
        return;
      }
      const name = asked[0].toLowerCase();
      this.commands[name] = (this.commands[name] ?? 0) + 1;
      if (this.#stops('command', name, link)) return;
      link.pending.push(name);
      link.upstream.write(frame);
      if (this.#counts('commands', name) && this.#cutting === undefined) {
        // The server runs what was written to it: the end of the stream comes behind it.
        link.swallow = true;
        link.lingering = true;
        link.upstream.end();
        this.#close(link);
        return;
      }
    }
  }

  /** @param {Link} link @param {Buffer} chunk */
  #down(link, chunk) {
    this.bytes.down += chunk.length;
    if (link.swallow) return;
    /** @type {Buffer[]} */
    const out = [];
    let cut = false;
    for (const frame of link.replies.push(chunk)) {
      // A push of RESP3 answers no command.
      const name = frame[0] === 62 ? 'push' : (link.pending.shift() ?? 'push');
      if (this.#stops('reply', name, link)) break;
      const losing = this.#losing;
      if (losing?.of.test(name) && losing.after-- <= 0) {
        this.lost++;
        if (--losing.left === 0) this.#losing = undefined;
        link.deaf = true;
        if (losing.cut && losing.left === 0) {
          cut = true;
          break;
        }
      }
      if (link.deaf) continue;
      if (this.#cutting?.what === 'bytes') {
        const kept = frame.subarray(0, this.#cutting.left);
        this.#cutting.left -= kept.length;
        out.push(kept);
        if (this.#cutting.left === 0) {
          this.#cutting = undefined;
          cut = true;
          break;
        }
        continue;
      }
      out.push(frame);
      if (this.#gathering !== undefined && SCRIPTS.test(name)) this.#gathering.left--;
      if (this.#counts('replies', name) && this.#cutting === undefined) {
        cut = true;
        break;
      }
    }
    const gathering = this.#gathering;
    if (gathering === undefined) {
      this.#deliver(link, Buffer.concat(out), cut);
      return;
    }
    gathering.parts.push(...out);
    if (gathering.left > 0) return;
    this.#gathering = undefined;
    this.#deliver(link, Buffer.concat(gathering.parts), cut);
  }

  /** Counts one off where such are counted; at the last the order to cut is used up. @param {'commands' | 'replies'} what @param {string} name */
  #counts(what, name) {
    const cutting = this.#cutting;
    if (cutting?.what !== what || !cutting.of.test(name)) return false;
    if (--cutting.left === 0) {
      this.#cutting = undefined;
      if (what === 'commands') this.cuts++;
    }
    return true;
  }

  /** Whether this is where a connection stops. @param {'command' | 'reply'} what @param {string} name @param {Link} link */
  #stops(what, name, link) {
    const stopping = this.#stopping;
    if (stopping?.what !== what || !SCRIPTS.test(name) || --stopping.left > 0) return false;
    this.#stopping = undefined;
    link.swallow = true;
    setImmediate(stopping.then);
    return true;
  }

  /** @param {Link} link @param {Buffer} bytes @param {boolean} cut */
  #deliver(link, bytes, cut) {
    const now = performance.now();
    const busy = Number.isFinite(this.#bytesPerSecond) ? (bytes.length / this.#bytesPerSecond) * 1000 : 0;
    link.due = Math.max(link.due, now + this.#latency()) + busy;
    const write = () => {
      if (!link.open || link.mute) return;
      if (cut) {
        link.client.end(bytes, () => this.#close(link));
      } else if (bytes.length > 0) {
        link.client.write(bytes);
      }
    };
    if (cut) {
      link.swallow = true;
      this.cuts++;
    }
    const { due } = link;
    if (due <= now && link.queued === 0) {
      write();
      return;
    }
    link.queued++;
    link.tail = link.tail.then(async () => {
      await sleep(Math.max(0, due - performance.now()));
      link.queued--;
      write();
    });
  }
}

/**
 * @param {Test} t
 * @param {{ port: number } | { path: string }} target
 * @param {Front} [front]
 */
async function startProxy(t, target, front = {}) {
  const proxy = new FaultProxy(target, front);
  await proxy.listen();
  t.after(() => proxy.close());
  return proxy;
}

module.exports = { SCRIPTS, startProxy };
