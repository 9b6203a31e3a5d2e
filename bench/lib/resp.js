'use strict';
// A bare connection to the server, for INFO, MONITOR and plain commands: whoever counts must not count itself.

const net = require('node:net');

class Connection {
  #buffer = '';
  /** @type {Array<(reply: string) => void>} */
  #waiting = [];
  /** @type {((line: string) => void) | undefined} */
  onLine;

  /** @param {number} port */
  constructor(port) {
    this.socket = net.connect({ host: '127.0.0.1', port, noDelay: true });
    this.socket.setEncoding('latin1');
    this.socket.on('data', (text) => this.#read(String(text)));
  }

  /** @param {string} text */
  #read(text) {
    this.#buffer += text;
    for (let end = this.#end(); end !== -1; end = this.#end()) {
      const reply = this.#buffer.slice(0, end);
      this.#buffer = this.#buffer.slice(end);
      if (this.#waiting.length > 0) this.#waiting.shift()?.(reply);
      else this.onLine?.(reply);
    }
  }

  /** Where the first reply ends: a line, or a text with its length before it; -1 while it has not arrived. */
  #end() {
    const line = this.#buffer.indexOf('\r\n');
    if (line === -1) return -1;
    if (this.#buffer[0] !== '$') return line + 2;
    const length = Number(this.#buffer.slice(1, line));
    const end = length < 0 ? line + 2 : line + 2 + length + 2;
    return this.#buffer.length < end ? -1 : end;
  }

  /** @param {string[]} words @returns {Promise<string>} the reply as it stands */
  ask(...words) {
    const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
    this.socket.write(`*${words.length}\r\n${parts.join('')}`);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Microseconds and calls by command. @returns {Promise<Record<string, { calls: number, usec: number }>>} */
  async commandStats() {
    const info = await this.ask('INFO', 'commandstats');
    const rows = info.matchAll(/cmdstat_(\S+?):calls=(\d+),usec=(\d+)/g);
    return Object.fromEntries(
      [...rows].map(([, name, calls, usec]) => [name, { calls: +calls, usec: +usec }]),
    );
  }

  /** Seconds of processor time that the server has taken so far. */
  async cpu() {
    const info = await this.ask('INFO', 'cpu');
    const [user, system] = ['user', 'sys'].map((kind) =>
      Number(new RegExp(`used_cpu_${kind}:([\\d.]+)`).exec(info)?.[1]),
    );
    return user + system;
  }

  close() {
    this.socket.destroy();
  }
}

/**
 * What clients send while something runs; commands of scripts are not among it.
 * @param {number} port
 * @param {() => Promise<unknown>} work
 * @returns {Promise<string[]>}
 */
async function monitored(port, work) {
  const monitor = new Connection(port);
  const marker = new Connection(port);
  /** @type {string[]} */
  const lines = [];
  await monitor.ask('MONITOR');
  const done = new Promise((resolve) => {
    monitor.onLine = (line) => {
      if (line.includes('"end of monitoring"')) resolve(undefined);
      else if (!/^\+[\d.]+ \[\d+ lua\]/.test(line)) lines.push(line.trim());
    };
  });
  await work();
  await marker.ask('ECHO', 'end of monitoring');
  await done;
  monitor.close();
  marker.close();
  return lines;
}

module.exports = { Connection, monitored };
