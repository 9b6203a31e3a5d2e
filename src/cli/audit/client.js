'use strict';
// Somebody who uses the app: fills in requests, logs in, and shows the credential. What it holds is never printed.

const { burst } = require('./gate.js');

/**
 * @typedef {import('./config.js').Config} Config
 * @typedef {import('./config.js').Request} Request
 * @typedef {import('./gate.js').Answer} Answer
 * @typedef {Record<string, string>} Values what stands for {user}, {token} …
 */

/** Why nothing more can be asked. */
class CannotAsk extends Error {}

/** @param {Answer} answer */
const isGood = ({ status }) => status >= 200 && status < 300;

/**
 * @param {Answer} answer
 * @param {string} place such as body.token or header.x-token
 * @returns {string | undefined} a text, or a number as text
 */
function found(answer, place) {
  const [where, ...names] = place.split('.');
  if (where === 'header') return String(answer.headers[names.join('.').toLowerCase()] ?? '') || undefined;
  try {
    const value = names.reduce((/** @type {any} */ part, name) => part?.[name], JSON.parse(answer.text));
    return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
  } catch {
    return undefined;
  }
}

/** @param {Answer[]} answers @param {(answer: Answer) => Values | undefined} read @returns {Values[]} of those who were let in */
const credentials = (answers, read) => answers.map(read).filter((each) => each !== undefined);

class Client {
  #base;
  #config;
  #left;
  #end;

  /** @param {import('./config.js').Bounded} config */
  constructor(config) {
    this.#config = config;
    this.#base = new URL(config.base);
    this.#left = config.bounds.requests;
    this.#end = performance.now() + config.bounds.seconds * 1000;
    this.sent = 0;
    /** So many requests are sent together, at most. */
    this.parallel = config.bounds.parallel;
  }

  /** Milliseconds that are left of the time that was allowed. */
  get left() {
    return this.#end - performance.now();
  }

  /** Whether so many requests may still be sent. @param {number} count */
  affords(count) {
    return count <= this.#left;
  }

  /**
   * Sends requests together.
   * @param {Array<{ request: Request, values: Values }>} asked
   * @returns {Promise<Answer[]>}
   */
  async together(asked) {
    if (asked.length > this.parallel) throw new RangeError('more than bounds.parallel');
    if (!this.affords(asked.length))
      throw new CannotAsk(`bounds.requests (${this.#config.bounds.requests}) are used up`);
    if (this.left <= 0) throw new CannotAsk(`bounds.seconds (${this.#config.bounds.seconds}) have passed`);
    this.#left -= asked.length;
    this.sent += asked.length;
    const calls = asked.map(({ request, values }) => this.#call(request, values));
    try {
      return await burst(this.#base, calls, { patience: Math.min(10_000, this.left) });
    } catch (/** @type {any} */ error) {
      // The code alone: a message might repeat a header.
      const why = error.name === 'AbortError' ? 'it takes too long' : (error.code ?? error.name);
      throw new CannotAsk(`${this.#base.origin} cannot be asked: ${why}`);
    }
  }

  /**
   * Sends any number of them: part after part, each together.
   * @param {Array<{ request: Request, values: Values }>} asked
   * @returns {Promise<Answer[]>}
   */
  async all(asked) {
    /** @type {Answer[]} */
    const answers = [];
    for (let from = 0; from < asked.length; from += this.parallel)
      answers.push(...(await this.together(asked.slice(from, from + this.parallel))));
    return answers;
  }

  /** @param {Request} request @param {Values} values @returns {Promise<Answer>} */
  async one(request, values) {
    const [answer] = await this.together([{ request, values }]);
    return answer;
  }

  /**
   * What an answer to a login, or to a refresh, lets one show.
   * @param {Answer} answer
   * @param {Values} values of who asked
   * @returns {Values | undefined} nothing where it was refused
   */
  credential(answer, values) {
    if (!isGood(answer)) return undefined;
    const { login, refresh } = this.#config;
    const token = login.token && found(answer, login.token);
    const place = refresh?.refreshToken ?? login.refreshToken;
    const renewed =
      (login.refreshToken && found(answer, login.refreshToken)) ?? (place && found(answer, place));
    const cookies = cookiesOf(answer, values.cookie);
    const gained = { ...further(answer, login.values), token, refreshToken: renewed, cookie: cookies };
    const there = /** @type {Array<[string, string]>} */ (
      Object.entries(gained).filter(([, value]) => value !== undefined)
    );
    return { ...values, ...Object.fromEntries(there) };
  }

  /** @param {Request} request @param {Values} values */
  #call({ method, path, headers = {}, body }, values) {
    const fill = (/** @type {string} */ text, /** @type {(value: string) => string} */ written = String) =>
      text.replace(/\{(\w+)\}/g, (whole, name) =>
        Object.hasOwn(values, name) ? written(values[name]) : whole,
      );
    const json = (/** @type {any} */ value) => fill(JSON.stringify(value), inJson);
    const text = body === undefined ? '' : typeof body === 'string' ? fill(body) : json(body);
    /** @type {Record<string, string>} */
    const sent = {};
    // Whoever says where the token goes knows better.
    const said = JSON.stringify(headers).includes('{token}');
    if (values.token !== undefined && !said) sent.authorization = `Bearer ${values.token}`;
    if (values.cookie !== undefined) sent.cookie = values.cookie;
    if (text !== '') sent['content-type'] = 'application/json';
    for (const [name, value] of Object.entries(headers)) sent[name.toLowerCase()] = fill(value);
    const filled = fill(path, encodeURIComponent);
    return { method: method ?? (text ? 'POST' : 'GET'), path: filled, body: text, headers: sent };
  }
}

/** What stands between the quotes of a JSON text. @param {string} value */
const inJson = (value) => JSON.stringify(value).slice(1, -1);

/** @param {Answer} answer @param {Values} [places] */
const further = (answer, places = {}) =>
  Object.fromEntries(Object.entries(places).map(([name, place]) => [name, found(answer, place)]));

/** @param {Answer} answer @param {string | undefined} before @returns {string | undefined} */
function cookiesOf({ headers }, before) {
  const jar = new Map(
    (before ?? '')
      .split('; ')
      .filter(Boolean)
      .map((pair) => split(pair)),
  );
  for (const line of headers['set-cookie'] ?? []) {
    const [name, value] = split(line.split(';')[0]);
    jar.set(name, value);
  }
  return jar.size === 0 ? undefined : [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
}

/** @param {string} pair @returns {[string, string]} */
function split(pair) {
  const at = pair.indexOf('=');
  return [pair.slice(0, at).trim(), pair.slice(at + 1).trim()];
}

module.exports = { Client, CannotAsk, credentials, found, isGood };
