'use strict';
// OpenTelemetry, if the app has @opentelemetry/api: the same numbers as metrics(), summed over the Auths of the process, and an
// event on the active span for each denied request. Without @opentelemetry/api, nothing.

/**
 * @typedef {import('./metrics.js').Metrics} Metrics
 * @typedef {import('./metrics.js').Family} Family
 * @typedef {import('./metrics.js').Sample} Sample
 * @typedef {typeof import('@opentelemetry/api')} Api
 */

const { version } = require('../../../package.json');

class Telemetry {
  #api;
  /** Of Auths that are open; held weakly, as one that was dropped without close() is to go. @type {Set<WeakRef<Metrics>>} */
  #open = new Set();
  /** The counts of closed Auths, by series. @type {Map<string, number>} */
  #closed = new Map();
  /** @type {Map<string, import('@opentelemetry/api').Observable>} */
  #instruments = new Map();
  #meter;

  /** @param {Api} api */
  constructor(api) {
    this.#api = api;
    this.#meter = api.metrics.getMeter('latchgate', version);
  }

  /** @param {Metrics} metrics */
  watch(metrics) {
    this.#open.add(new WeakRef(metrics));
    const unknown = observed(metrics).filter(({ name }) => !this.#instruments.has(name));
    if (unknown.length === 0) return;
    for (const family of unknown) this.#instruments.set(family.name, this.#instrument(family));
    const names = new Set(unknown.map(({ name }) => name));
    const instruments = unknown.map(({ name }) => this.#instrumentOf(name));
    this.#meter.addBatchObservableCallback((result) => this.#tell(result, names), instruments);
  }

  /** Keeps the counts of a closed Auth. @param {Metrics} metrics */
  forget(metrics) {
    const place = [...this.#open].find((each) => each.deref() === metrics);
    if (place === undefined || !this.#open.delete(place)) return;
    for (const family of observed(metrics))
      if (family.type === 'counter') for (const sample of family.samples) add(this.#closed, family, sample);
  }

  denied() {
    this.#api.trace.getActiveSpan()?.addEvent('latchgate.denied');
  }

  /** @param {Family} family */
  #instrument({ name, type, unit, help }) {
    const options = {
      description: help,
      unit: unit === 'seconds' ? 's' : unit === 'bytes' ? 'By' : undefined,
    };
    return type === 'counter'
      ? this.#meter.createObservableCounter(`latchgate.${name}`, options)
      : this.#meter.createObservableGauge(`latchgate.${name}`, options);
  }

  /** @returns {Metrics[]} */
  #alive() {
    const alive = [];
    for (const place of this.#open) {
      const metrics = place.deref();
      if (metrics === undefined) this.#open.delete(place);
      else alive.push(metrics);
    }
    return alive;
  }

  /** @param {string} name */
  #instrumentOf(name) {
    return /** @type {import('@opentelemetry/api').Observable} */ (this.#instruments.get(name));
  }

  /** @param {import('@opentelemetry/api').BatchObservableResult} result @param {Set<string>} names */
  #tell(result, names) {
    const totals = new Map(this.#closed);
    for (const metrics of this.#alive())
      for (const family of observed(metrics))
        for (const sample of family.samples) add(totals, family, sample);
    for (const [series, value] of totals) {
      const [name, labels] = JSON.parse(series);
      if (names.has(name)) result.observe(this.#instrumentOf(name), value, labels);
    }
  }
}

/** Without histograms: an instrument for a histogram needs every call. @param {Metrics} metrics */
function observed(metrics) {
  return metrics.families().filter(({ histogram }) => histogram === undefined);
}

/** @param {Map<string, number>} totals @param {Family} family @param {Sample} sample */
function add(totals, { name }, { labels, value }) {
  const series = JSON.stringify([name, labels]);
  totals.set(series, (totals.get(series) ?? 0) + value);
}

/** @type {Telemetry | undefined} */
let shared;
let isLookedFor = false;

/** The place at which the API keeps registrations. Code that registers has loaded the API. */
const REGISTERED = Symbol.for('opentelemetry.js.api.1');

/**
 * Passes on the telemetry of the process, if there is any: immediately if an SDK is set up, else in the next turn of the event
 * loop. Loading the API takes longer than the rest of an Auth's start, and an SDK may still be set up in this turn.
 * @param {(telemetry: Telemetry) => void} then
 */
function whenTelemetry(then) {
  const tell = () => {
    const found = telemetry();
    if (found !== undefined) then(found);
  };
  if (isLookedFor || REGISTERED in globalThis) tell();
  else setImmediate(tell).unref();
}

/** @returns {Telemetry | undefined} the telemetry of the process */
function telemetry() {
  if (isLookedFor) return shared;
  isLookedFor = true;
  try {
    shared = new Telemetry(require('@opentelemetry/api'));
  } catch {
    // The app has it not, or one of another age: it is not missed.
  }
  return shared;
}

module.exports = { Telemetry, whenTelemetry };
