'use strict';
// The meaning of a reason for the credential of a denied request.

/** The token is missing, or its signature and claims are not valid or not known yet. */
const TOKEN_NOT_VERIFIED =
  /^(?:credentials_required|header_unreadable|keys_unavailable|token_(?!revoked).*)$/;
/** The API key belongs to nobody, or is not valid. */
const KEY_NOT_VERIFIED = /^(?:key_|store_unavailable$)/;
/** More reasons for which the user is not known. */
const USER_UNKNOWN = /^(?:key_unknown|store_unavailable)$/;

/** @param {string} reason @returns {boolean} whether the token itself verified */
const isTokenVerified = (reason) => !TOKEN_NOT_VERIFIED.test(reason);

/** @param {string} reason @returns {boolean} whether the API key itself verified */
const isKeyVerified = (reason) => !KEY_NOT_VERIFIED.test(reason);

/** @param {string} reason @returns {boolean} whether the denial concerns a known user */
const isUserKnown = (reason) => isTokenVerified(reason) && !USER_UNKNOWN.test(reason);

module.exports = { isKeyVerified, isTokenVerified, isUserKnown };
