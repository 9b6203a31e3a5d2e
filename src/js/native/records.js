'use strict';
// The layout of the verdict records that the addon writes (src/binding/results/verdict_record.rs; records.spec.js compares both),
// and the flags of a question to the addon.

/** Numbers of one record, and most records of one drain(). */
const RECORD = 16;
const BATCH = 64;
/** The number behind the records: 1 while the addon holds calls back until flush(), so that one turn's calls travel together. */
const HELD = RECORD * BATCH;
/** The length of the array. */
const LENGTH = HELD + 1;

/** The positions in a record. */
const TICKET = 0;
const CODE = 1;
const FLAGS = 2;
const ACTIVE = 3;
const LIMIT = 4;
const CREATED = 5;
const LAST_ACTIVE = 6;
const PREVIOUS_ACTIVE = 7;
const EXPIRES = 8;
const REASONS = 9;
const QUOTA_LIMIT = 10;
const REMAINING = 11;
const RESET_AT = 12;
const RETRY_AFTER = 13;
const CHARGE = 14;
const EVICTED = 15;

/** The code of a record whose outcome take() returns. */
const TAKE = -1;
/** The code of an allowed request. */
const ALLOWED = 0;

/** Flags of a record. */
const SESSION_CHECKED = 1;
const ADMITTED = 2;
const SESSION_IS_TOKEN = 4;
const QUOTA_CHECKED = 8;

/** Flags of a question: the credential is a token and no header; this request has touched its session before. */
const BARE = 1;
const AGAIN = 2;

module.exports = {
  ACTIVE,
  ADMITTED,
  AGAIN,
  ALLOWED,
  BARE,
  BATCH,
  CHARGE,
  CODE,
  CREATED,
  EVICTED,
  EXPIRES,
  FLAGS,
  HELD,
  LAST_ACTIVE,
  LENGTH,
  LIMIT,
  PREVIOUS_ACTIVE,
  QUOTA_CHECKED,
  QUOTA_LIMIT,
  REASONS,
  RECORD,
  REMAINING,
  RESET_AT,
  RETRY_AFTER,
  SESSION_CHECKED,
  SESSION_IS_TOKEN,
  TAKE,
  TICKET,
};
