'use strict';
// Finds the one credential of a request. The addon parses "Bearer …"; this file decides everything around it.

const { inputError } = require('../util/errors.js');

/** Most characters of a token. A longer text is not copied to the addon. */
const MAX_TOKEN = 8192;
/** No credential, and one that may not be chosen from several. */
const NONE = '';
const UNREADABLE = null;

const HEADER = 'authorization';
const PARAMETER = 'access_token';
const FORM = 'application/x-www-form-urlencoded';

/**
 * Returns the Authorization header unchanged. RFC 6750 section 2 allows one way of sending a token per request. A second
 * header, or an additional token in the query or in the form, makes the request unreadable. A token in the query or in the
 * form alone is no credential.
 * @param {any} req
 * @returns {string | null}
 */
function headerCredential(req) {
  const header = req.headers.authorization;
  if (header === undefined) return NONE;
  if (typeof header !== 'string' || isRepeated(req.rawHeaders) || isInQuery(req) || isInForm(req))
    return UNREADABLE;
  return header;
}

/**
 * Node keeps the first of several Authorization headers, so that the raw ones must be counted.
 * @param {string[] | undefined} raw names and values by turns
 */
function isRepeated(raw) {
  if (raw === undefined) return false;
  let count = 0;
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i];
    if (name.length === HEADER.length && name.toLowerCase() === HEADER) count++;
  }
  return count > 1;
}

/** @param {any} req */
function isInQuery(req) {
  const url = req.originalUrl ?? req.url;
  if (typeof url !== 'string') return false;
  const start = url.indexOf('?');
  if (start === -1) return false;
  const query = url.slice(start);
  if (!query.includes(PARAMETER) && !query.includes('%')) return false;
  // Parsers that know nested names make one value of access_token and of access_token[].
  for (const name of new URLSearchParams(query).keys()) {
    if (name === PARAMETER || name.startsWith(`${PARAMETER}[`)) return true;
  }
  return false;
}

/**
 * Only where a body parser ran before: RFC 6750 section 2.2 speaks of forms alone, other bodies may name a token.
 * @param {any} req
 */
function isInForm(req) {
  const { body } = req;
  if (typeof body !== 'object' || body === null || !Object.hasOwn(body, PARAMETER)) return false;
  return String(req.headers['content-type']).toLowerCase().startsWith(FORM);
}

/**
 * @param {(req: any) => unknown} getToken
 * @param {any} req
 * @returns {string}
 */
function ownCredential(getToken, req) {
  const token = getToken(req);
  if (token === undefined || token === null) return NONE;
  if (typeof token !== 'string')
    throw inputError('getToken must return a string or undefined, and no promise');
  return token;
}

module.exports = { MAX_TOKEN, NONE, UNREADABLE, headerCredential, ownCredential };
