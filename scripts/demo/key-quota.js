// The race for the units of an API key, fired in the same way at the app that listens on a port.
'use strict';

const { send, sendTogether } = require('./client.js');

const KEYS = 5;
/** As the apps have it. */
const UNITS = 20;
const CALLS = 200;

/**
 * Parallel calls with one key that has a number of prepaid calls; counted is how many were answered. Repeated for several keys.
 * @param {number} port
 * @returns {Promise<import('./scenarios.js').Count>}
 */
async function keyQuota(port) {
  let letThrough = 0;
  let exact = true;
  for (let n = 1; n <= KEYS; n++) {
    const login = await send(port, { path: '/login', body: { user: `partner-${n}` } });
    const { body } = await send(port, { path: '/keys', token: login.body?.token });
    const call = { method: 'GET', path: '/odds', key: body?.key };
    const answers = await sendTogether(port, new Array(CALLS).fill(call));
    const answered = answers.filter(({ status }) => status === 200).length;
    letThrough += answered;
    exact &&= answered === UNITS;
  }
  return { letThrough, allowed: UNITS * KEYS, exact, tried: CALLS * KEYS };
}

exports.SCENARIO = {
  name: `calls with an API key, ${KEYS} keys of ${UNITS} prepaid calls, ${CALLS} parallel calls each`,
  run: keyQuota,
};
