//! The numbers that scripts name: limits, times, kinds, reasons, flags and statuses. build.rs puts them into the scripts. The
//! codecs use them too.

use super::pack;
use crate::core::base::limits;

/// Declares the numbers that scripts name.
macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident = $value:expr;)+) => {
        $($(#[$doc])* pub const $name: u64 = $value;)+

        /// The numbers, by name.
        pub const NUMBERS: &[(&str, u64)] = &[$((stringify!($name), $name)),+];
    };
}

numbers! {
    /// No end, or an unknown instant, among six bytes.
    NEVER = pack::NEVER;
    /// The largest integer that every part of the product holds exactly.
    MAX_INTEGER = limits::MAX_INTEGER;
    /// Microseconds of a millisecond, and milliseconds of a second.
    THOUSAND = 1_000;
    /// Microseconds of a second.
    MILLION = 1_000_000;
    /// Milliseconds.
    MINUTE = limits::MINUTE_MS;
    /// Milliseconds.
    HOUR = limits::HOUR_MS;
    /// Milliseconds.
    DAY = limits::DAY_MS;
    /// Time in milliseconds by which stored data outlives its need. A server clock that jumps forward and back by less
    /// must not lose data.
    SLACK = HOUR;

    // The queue of a user's record. Its scores have three ranges. Below 0: `a<session>`, scored by the last activity (us)
    // minus ACTIVITY, or earlier. From 0: `s<session>`, scored by the end of the session (ms), or earlier. From FORGET:
    // FORGET plus the instant (ms) at which an ended session, a revoked token or a quota is forgotten. A touch changes no
    // score, so the scores of a session are lower bounds.
    /// Moves the score of an activity below 0.
    ACTIVITY = 1 << 53;
    /// The first score of an entry that only waits to be forgotten.
    FORGET = 1 << 51;
    /// Most queue entries that one run of a script ends, moves or forgets. A run takes 1 to 2 ms.
    SLICE = 100;
    /// Most sessions, or ids of keys, of one page of a list.
    PAGE = 200;
    /// The letter `s`, as a byte: the field of a session.
    SESSION_FIELD = 115;
    /// The letter `q`, as a byte: the field of a quota.
    QUOTA_FIELD = 113;

    // The first byte of a session's value.
    /// A tombstone: the session was ended.
    ENDED = 0;
    /// A live session, unless its round has ended.
    SESSION = 1;
    /// A tombstone: the session timed out.
    TIMED_OUT = 2;

    // How a decision checks the session.
    /// No check.
    SKIP = 0;
    /// The session must exist.
    EXPLICIT = 1;
    /// An unknown session is admitted.
    FIRST_USE = 2;
    /// A generation of this store, a foreign `iat`, or no known instant: when a token was issued.
    ISSUED_HERE = 0;
    /// See ISSUED_HERE.
    ISSUED_FOREIGN = 1;
    /// See ISSUED_HERE.
    ISSUED_UNKNOWN = 2;

    // The place of the quota of a decision.
    /// No quota in this call.
    NO_QUOTA = 0;
    /// In the user's record.
    QUOTA_IN_RECORD = 1;
    /// In the hash of the user's balances.
    QUOTA_IN_BALANCES = 2;

    // Reasons of a decision, and of a credential check up to SESSION_UNKNOWN.
    /// The user is blocked.
    USER_BLOCKED = 1;
    /// The token is revoked.
    TOKEN_REVOKED = 2;
    /// All tokens of the user were revoked.
    USER_REVOKED = 4;
    /// The session ended.
    SESSION_ENDED = 8;
    /// The session is unknown.
    SESSION_UNKNOWN = 16;
    /// The session limit is reached.
    SESSION_LIMIT = 32;
    /// The quota does not suffice.
    QUOTA_EXHAUSTED = 64;
    // More reasons of a credential check.
    /// The API key is unknown.
    CREDENTIAL_KEY_UNKNOWN = 32;
    /// The API key is revoked.
    CREDENTIAL_KEY_REVOKED = 64;
    /// The API key is expired.
    CREDENTIAL_KEY_EXPIRED = 128;
    // Reasons of an API key.
    /// The API key is unknown.
    KEY_UNKNOWN = 1;
    /// The API key is revoked.
    KEY_REVOKED = 2;
    /// The API key is expired.
    KEY_EXPIRED = 4;
    /// The API key lacks a scope.
    KEY_SCOPE_MISSING = 8;
    /// The quota of the API key does not suffice.
    KEY_QUOTA_EXHAUSTED = 16;

    // Flags of a decision.
    /// The session is described.
    WITH_SESSION = 1;
    /// The session was admitted.
    ADMITTED = 2;
    /// The quota is described: remaining units and reset only, unless QUOTA_IN_FULL is set.
    WITH_QUOTA = 4;
    /// A quota reply follows.
    QUOTA_IN_FULL = 8;
    /// Ids of evicted sessions follow.
    WITH_EVICTED = 16;
    /// The lead of the issuer's clock follows.
    WITH_LEAD = 32;
    // Flags of a quota reply.
    /// The charge is allowed.
    QUOTA_ALLOWED = 1;
    /// The reply repeats an earlier reply.
    QUOTA_REPLAYED = 2;
    /// A receipt follows.
    QUOTA_CHARGED = 4;
    // Flags of the reply to a use of an API key.
    /// Scopes and metadata follow.
    KEY_FACTS = 1;
    /// The key's rule and a quota reply follow.
    KEY_QUOTA = 2;

    // Replies of one byte.
    /// Another question was asked under the same idempotency key.
    OTHER_QUESTION = 255;
    /// The balance would exceed the largest integer.
    TOO_MANY_UNITS = 254;
    /// No such API key exists.
    UNKNOWN_KEY = 253;
    /// The quota of the API key is no balance.
    NO_BALANCE = 252;

    // Reasons of an admission.
    /// Admitted.
    ADMISSION_OK = 0;
    /// The user is blocked.
    ADMISSION_BLOCKED = 1;
    /// The session ended earlier.
    ADMISSION_ENDED = 2;
    /// The session limit is reached.
    ADMISSION_LIMIT = 3;
    /// A slice of sessions was evicted and there is still no room. The caller runs the script again.
    ADMISSION_AGAIN = 4;

    // A quota, and the answers kept under idempotency keys.
    /// Most stretches of refunded units that a bucket remembers.
    MAX_STRETCHES = limits::MAX_STRETCHES as u64;

    // An API key.
    /// How long an API key that has ended is listed (ms).
    LISTED = limits::KEY_LISTED_MS;
    /// How long its record is kept (ms).
    KEPT = LISTED + HOUR;
    /// Most bytes of the hashes of replaced secrets that a key keeps.
    MAX_SPENT = limits::KEY_SPENT as u64 * 32;
    /// Index entries that the creation of a key looks at, to remove what has expired.
    SWEEP = 8;
    /// Members of a change of a key: its name.
    PATCH_NAME = 1;
    /// Its scopes.
    PATCH_SCOPES = 2;
    /// Its metadata.
    PATCH_METADATA = 4;
    /// The rule of its quota.
    PATCH_RULE = 8;
    /// Its expiry.
    PATCH_EXPIRY = 16;
    /// A presented secret is the current secret, or the previous secret within its grace.
    SECRET_VALID = 0;
    /// No secret of the key.
    SECRET_UNKNOWN = 1;
    /// A replaced secret.
    SECRET_REPLACED = 2;

    /// The position of the first demanded scope in the arguments of `use`.
    FIRST_SCOPE = 12;
    // Replies to an update of an API key.
    /// No such API key exists.
    UPDATE_UNKNOWN = 0;
    /// The key was changed.
    UPDATE_DONE = 1;
    /// Nothing was changed: the index must be updated first. The key's digest follows.
    UPDATE_INDEX_FIRST = 2;
    /// The key was changed. A change of the index and the key follow.
    UPDATE_INDEX_AFTER = 3;
    // Replies to a claim of an imported API key.
    /// The name was claimed.
    CLAIM_DONE = 0;
    /// The name has a holder, which follows.
    CLAIM_HELD = 1;
    /// Another import is in progress.
    CLAIM_PENDING = 2;

    // The index entry of an imported API key.
    /// How long an import holds the name of its key (ms).
    IMPORT_CLAIM = limits::IMPORT_CLAIM_MS;
    /// The characters of a key's id.
    ID_LENGTH = limits::KEY_ID_LENGTH as u64;
    /// An import is in progress.
    IMPORTING = 1;
    /// The key is stored.
    STORED = 2;
    /// The key has ended permanently.
    KEY_ENDED = 3;
    // Updates of the index.
    /// The key is stored.
    CHANGE_CREATED = 1;
    /// The expiry is about to change.
    CHANGE_BEGINS = 2;
    /// The expiry has changed.
    CHANGE_DONE = 3;
    /// The key has ended permanently.
    CHANGE_ENDED = 4;

    // A refresh family.
    /// Most spent tokens of a family that lead to the live token.
    MAX_LINKS = limits::MAX_LINKS as u64;
    /// The bytes of half a hash.
    HALF = 16;
    // The status of a presented refresh token.
    /// No token of the family.
    TOKEN_INVALID = 0;
    /// A spent token.
    TOKEN_SPENT = 1;
    /// The live token.
    TOKEN_LIVE = 2;
    /// No family is known under that user and key.
    FAMILY_UNKNOWN = 5;
    // Replies to a refresh.
    /// The token is invalid.
    REFRESH_INVALID = 0;
    /// The token, or its session, expired.
    REFRESH_EXPIRED = 1;
    /// The session was ended, or the user is blocked.
    REFRESH_REVOKED = 2;
    /// The token was reused: its session was ended.
    REFRESH_REUSED = 3;
    /// A successor was granted.
    REFRESH_GRANTED = 4;
    // Replies to a login.
    /// Refused: an admission follows.
    LOGIN_REFUSED = 0;
    /// Admitted: a generation, an expiry and an admission follow.
    LOGIN_ADMITTED = 1;
    /// The request has a family already: its id and key follow, unless the named family belongs to another login.
    LOGIN_ELSEWHERE = 2;
    /// The session is known already.
    LOGIN_KNOWN = 3;

    // A turn.
    /// Nobody holds the turn.
    NOBODY = 0;
    /// A ticket holds the turn.
    HELD = 1;
    /// The turn is reserved for a ticket.
    RESERVED = 2;
    /// A kind that no turn has.
    FOREIGN = 255;
    /// Fences stay below this value. Beyond it doubles lose integers.
    FENCES_END = limits::FENCES_END;
    /// How long a reserved turn waits for its claim (us).
    CLAIM = limits::TURN_CLAIM_MS * THOUSAND;
    // How a turn is asked for.
    /// Waits in the queue.
    MODE_QUEUE = 0;
    /// Takes the turn only if it is free.
    MODE_TRY = 1;
    /// Waits before all others.
    MODE_FRONT = 2;
    // Replies about a turn.
    /// Granted, or held.
    TURN_GRANTED = 0;
    /// Queued.
    TURN_QUEUED = 1;
    /// Held by another ticket.
    TURN_BUSY = 2;
    /// The credential is not valid.
    TURN_DENIED = 3;
    /// No fence is left.
    TURN_NO_FENCE = 4;
    /// The ticket does not hold the turn.
    TURN_LOST = 5;
    /// Entries of a turn's queue that one step reads after the first.
    TURN_BATCH = 32;
    /// How long after the end of a lease a waiter looks again (ms).
    LOOK_AGAIN = limits::LOOK_AGAIN_MS;
    /// How much later for each waiter ahead (ms).
    LOOK_AGAIN_STEP = limits::LOOK_AGAIN_STEP_MS;
    /// Most waiters that delay it.
    LOOK_AGAIN_STEPS = limits::LOOK_AGAIN_STEPS;
    /// The bytes of a ticket.
    TICKET = 16;
    /// The bytes of the gate in a ticket.
    GATE = 8;

    // Counters.
    /// The changes were not applied.
    NOT_APPLIED = 0;
    /// The changes were applied.
    APPLIED = 1;
    /// The changes were applied before.
    APPLIED_BEFORE = 2;
    /// Another question was asked under the same idempotency key.
    APPLY_OTHER_QUESTION = 3;
    /// The credential is not valid.
    APPLY_DENIED = 4;

    // A credential.
    /// How many arguments a credential has.
    CREDENTIAL_ARGUMENTS = 5;
}
