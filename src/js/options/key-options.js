'use strict';
// The `apiKeys` option: under which header keys come, and what those made here begin with.

const { configError } = require('../util/errors.js');
const { known } = require('../util/names.js');

/** RFC 9110 section 5.6.2, token; in lower case, as Node names headers. */
const FIELD_NAME = /^[!#$%&'*+.^_`|~0-9a-z-]{1,64}$/;

/** Headers of which Node drops a second value, or joins values differently: two keys would look like one. */
const UNFIT = new Set([
  'age',
  'authorization',
  'connection',
  'content-length',
  'content-type',
  'cookie',
  'etag',
  'expires',
  'from',
  'host',
  'if-modified-since',
  'if-unmodified-since',
  'last-modified',
  'location',
  'max-forwards',
  'proxy-authorization',
  'referer',
  'retry-after',
  'server',
  'set-cookie',
  'transfer-encoding',
  'user-agent',
]);

/**
 * @param {unknown} options
 * @returns {{ given: boolean, header: string, prefix: string }}
 */
function keyOptions(options) {
  const own = known(options ?? {}, ['header', 'prefix'], 'apiKeys', configError);
  return {
    given: options !== undefined,
    header: header(own.header ?? 'x-api-key'),
    prefix: prefix(own.prefix ?? 'lg'),
  };
}

/** @param {unknown} value */
function header(value) {
  const name = typeof value === 'string' ? value.toLowerCase() : '';
  // A name that every object inherits would be found on each request.
  if (FIELD_NAME.test(name) && !UNFIT.has(name) && !(name in {})) return name;
  throw configError(
    'apiKeys.header must be the name of a header of its own, of at most 64 characters: not authorization, and ' +
      'none that Node keeps only the first of',
  );
}

/** @param {unknown} value */
function prefix(value) {
  if (typeof value === 'string' && /^[A-Za-z0-9_-]{1,32}$/.test(value)) return value;
  throw configError("apiKeys.prefix must be a string of 1 to 32 letters, digits, '-' and '_'");
}

module.exports = { keyOptions };
