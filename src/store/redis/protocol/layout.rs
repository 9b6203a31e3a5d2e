//! The packed formats, each declared once. build.rs compiles this file and puts the formats into the scripts (see
//! lua_text.rs), with the numbers of numbers.rs. The codecs use the structs.
//!
//! A layout `HEAD { due: end, .. }` gives three kinds of names to the scripts. `HEAD` is the format for `struct.pack`.
//! `HEAD_LENGTH` is its length in bytes. `HEAD_DUE_AT` is the position of the field, counted from 1.

use super::numbers::NUMBERS;
use super::pack::{Packer, Unpacker};

/// A packed format as the scripts know it.
pub struct Layout {
    /// The name in the scripts.
    pub name: &'static str,
    /// The fields: name, code of `struct.pack`, bytes.
    pub fields: &'static [(&'static str, &'static str, usize)],
}

/// A kind of field as the code of `struct.pack`. Numbers are unsigned and big-endian.
macro_rules! code {
    (flag) => {
        "I1"
    };
    (byte) => {
        "I1"
    };
    (length) => {
        "I2"
    };
    (count) => {
        "I4"
    };
    (ms) => {
        "I6"
    };
    (end) => {
        "I6"
    };
    (us) => {
        "I7"
    };
    (units) => {
        "I7"
    };
    (signed) => {
        "i8"
    };
    (bytes16) => {
        "c16"
    };
    (bytes32) => {
        "c32"
    };
}

/// The bytes of a kind of field.
macro_rules! width {
    (flag) => {
        1
    };
    (byte) => {
        1
    };
    (length) => {
        2
    };
    (count) => {
        4
    };
    (ms) => {
        6
    };
    (end) => {
        6
    };
    (us) => {
        7
    };
    (units) => {
        7
    };
    (signed) => {
        8
    };
    (bytes16) => {
        16
    };
    (bytes32) => {
        32
    };
}

/// The Rust type of a kind of field of a message.
macro_rules! rust_type {
    (flag) => {
        bool
    };
    (signed) => {
        i64
    };
    (bytes16) => {
        [u8; 16]
    };
    ($number:ident) => {
        u64
    };
}

/// Appends a field. A number that is too large becomes the largest number that fits. `ms` is at most `FAR`.
macro_rules! put {
    ($to:expr, flag, $value:expr) => {
        $to.flag($value)
    };
    ($to:expr, ms, $value:expr) => {
        $to.ms($value)
    };
    ($to:expr, signed, $value:expr) => {
        $to.put(8, $value.cast_unsigned())
    };
    ($to:expr, bytes16, $value:expr) => {
        $to.bytes(&$value)
    };
    ($to:expr, $number:ident, $value:expr) => {
        $to.put(width!($number), $value)
    };
}

/// Reads a field. `None`: the bytes end too early.
macro_rules! take {
    ($from:expr, flag) => {
        $from.take(1)? > 0
    };
    ($from:expr, signed) => {
        $from.take(8)?.cast_signed()
    };
    ($from:expr, bytes16) => {
        $from.bytes(16)?.try_into().ok()?
    };
    ($from:expr, $number:ident) => {
        $from.take(width!($number))?
    };
}

macro_rules! layout {
    ($name:ident { $($field:ident: $kind:ident,)+ }) => {
        Layout {
            name: stringify!($name),
            fields: &[$((stringify!($field), code!($kind), width!($kind))),+],
        }
    };
}

/// Declares formats that a codec writes or reads: `NAME = Struct { field: kind, .. }`.
macro_rules! messages {
    ($($(#[$doc:meta])* $name:ident = $type:ident { $($(#[$field_doc:meta])* $field:ident: $kind:ident,)+ })+) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
            pub struct $type { $($(#[$field_doc])* pub $field: rust_type!($kind)),+ }

            impl $type {
                /// Appends the fields.
                #[must_use]
                pub fn put(self, to: Packer) -> Packer {
                    $(let to = put!(to, $kind, self.$field);)+
                    to
                }

                /// Returns the packed fields.
                #[must_use]
                pub fn pack(self) -> Vec<u8> {
                    self.put(Packer::default()).0
                }

                /// Reads the fields. `None`: the bytes end too early.
                pub fn take(from: &mut Unpacker<'_>) -> Option<Self> {
                    Some(Self { $($field: take!(from, $kind)),+ })
                }
            }
        )+

        /// The formats of arguments and replies.
        pub const MESSAGES: &[Layout] = &[$(layout!($name { $($field: $kind,)+ })),+];
    };
}

/// Declares formats that only scripts read and write.
macro_rules! records {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $kind:ident,)+ })+) => {
        /// The formats of stored values.
        pub const RECORDS: &[Layout] = &[$(layout!($name { $($field: $kind,)+ })),+];
    };
}

records! {
    /// One number, or a status.
    U8 { value: byte, }
    /// One length.
    U16 { value: length, }
    /// One number.
    U32 { value: count, }
    /// One instant or duration in milliseconds.
    U48 { value: end, }
    /// One instant in microseconds, or a number of units.
    U56 { value: us, }
    /// One signed number.
    I64 { value: signed, }

    /// The head of a user's record, field `.`. It has at most 64 bytes, because a longer field makes the record three times as
    /// large (`hash-max-listpack-value`).
    HEAD {
        /// The next instant at which an entry of the queue is due (ms).
        due: end,
        /// The expiry of both keys (ms).
        ttl: end,
        /// Number of live sessions.
        live: count,
        /// The longest life of a token (ms).
        horizon: end,
        /// The last generation drawn (us).
        last_gen: us,
        /// Tokens of this store up to this generation are revoked (us).
        epoch_gen: us,
        /// Foreign tokens issued before this instant are revoked (ms).
        epoch_before: end,
        /// Until when the epoch counts (ms).
        epoch_until: end,
        /// Until when the user is blocked (ms, 0: not blocked, NEVER: no end).
        block: end,
        /// The latest `iat` of a clock ahead of the server's clock (ms).
        ahead: end,
        /// The round of sessions.
        round: count,
    }
    /// A live session: kind, created (ms), last active (us), idle timeout (ms), absolute end (ms), round.
    LIVE { kind: byte, created: end, last: us, idle: end, absolute_end: end, round: count, }
    /// An ended session: kind, until when it is remembered (ms).
    TOMBSTONE { kind: byte, until: end, }
    /// A quota. For a bucket, stretches of refunded units follow (src/core/quota/refunds.rs).
    QUOTA {
        /// The first charge (us).
        born: us,
        /// Used units.
        used: units,
        /// Added units; of a bucket: units charged in total.
        added: units,
        /// Since when units of a bucket return (us).
        since: us,
        /// Until when the quota is kept (ms, 0: no end).
        until: end,
        /// The period of a bucket's last charge (us, 0: no bucket).
        paid: us,
    }
    /// Refunded units of a bucket: number of the last unit, how many.
    STRETCH { last: units, count: units, }
    /// The answer kept under an idempotency key: the question, until when (ms), the quota reply. If the charge can be refunded,
    /// its receipt and the number of requests that use it follow.
    REMEMBERED { question: bytes16, until: end, flags: byte, limit: units, remaining: units, reset: end, left: end,
        retry: end, born: us, void: end, id: bytes16, at: units, uses: end, }
    /// The start of REMEMBERED that a reply repeats.
    REMEMBERED_REPLY { flags: byte, limit: units, remaining: units, reset: end, }
    /// The answer to changes of counters: kind 1, the question, until when (ms); then the values.
    COUNTERS_MEMORY { kind: byte, question: bytes16, until: end, }
    /// A name that one caller holds: kind 1, until when (ms); then the caller.
    ONCE { kind: byte, until: end, }
    /// An API key, field `.`: created (ms), born (us), expires (ms), revoked (ms), until when the previous secret works (ms).
    KEY { created: end, born: us, expires: end, revoked: end, old: end, }
    /// A SHA-256 as words.
    HASH { a: count, b: count, c: count, d: count, e: count, f: count, g: count, h: count, }
    /// A SHA-256 as bytes.
    DIGEST { bytes: bytes32, }
    /// The index of an owner's API keys, field `.`.
    KEY_INDEX {
        /// The highest birth of a key (us).
        last: us,
        /// Keys up to this birth are revoked (us).
        epoch: us,
        /// Number of keys without end.
        endless: count,
        /// When the last of the other keys may be gone (ms), or later.
        latest: end,
    }
    /// The start of KEY_INDEX.
    KEY_INDEX_START { last: us, epoch: us, }
    /// An entry of that index: when the key's record may be gone (ms), born (us).
    KEY_INDEX_ENTRY { due: end, born: us, }
    /// The index entry of an imported API key. Its id and owner follow.
    POINTER {
        /// IMPORTING, STORED or KEY_ENDED.
        kind: byte,
        /// Changes of the expiry that are in progress.
        waiting: count,
        /// The version of the last change.
        version: us,
        /// When the record of the key may be gone (ms).
        due: end,
    }
    /// A refresh family, field `.`.
    FAMILY {
        /// The absolute end of its session (ms).
        ends: end,
        /// The life of a token (ms).
        ttl: end,
        /// The issue of the live token (ms).
        issued: end,
        /// The last instant of any link (ms).
        grace: end,
        /// Until when tokens of other branches do not count as reused (ms).
        cut: end,
        /// The branch of the live token.
        branch: end,
        /// The number of the live token.
        number: end,
    }
    /// The successor of a spent token: number of the spent token, until when the successor is returned (ms), half of the spent
    /// token's hash. The sealed successor follows.
    LINK { number: end, until: end, half: bytes16, }
    /// The start of LINK.
    LINK_START { number: end, until: end, }
    /// The family of a login request: kind 1, end of its session (ms), id and key of the family; then the session.
    REQUEST { kind: byte, ends: end, family: bytes16, key: bytes32, }
    /// The start of REQUEST.
    REQUEST_START { kind: byte, ends: end, }
    /// The lead of an issuer's clock: period (days), largest lead of the period and of the previous period (ms).
    SEEN { period: count, latest: count, before: count, }
    /// A turn that is held, reserved or awaited: kind, fence, whether a ticket waits, ticket, until (us).
    TURN { kind: byte, fence: us, waiting: byte, ticket: bytes16, until: us, }
    /// A free turn.
    FREE_TURN { kind: byte, fence: us, }
    /// A reply of two bytes.
    U8_U8 { a: byte, b: byte, }
    /// A session in a reply, after its id: created (ms), last active (us), end (ms), bytes of the device.
    SESSION_TIMES { created: end, last: us, ends: end, device: count, }
}

messages! {
    /// Arguments of `decide`.
    DECIDE = DecideArguments {
        /// SKIP, EXPLICIT or FIRST_USE.
        check: byte,
        /// The token has the scopes that the request needs.
        scope_ok: flag,
        /// A live session is marked as active.
        touch: flag,
        /// `issued` is an `iat` (ms) and no generation (us).
        foreign: flag,
        /// A new session replaces the least recently active session.
        evict: flag,
        /// When the token was issued.
        issued: us,
        /// The session limit plus 1; 0: no limit.
        limit: units,
        /// Idle timeout of a new session.
        idle: ms,
        /// Absolute timeout of a new session.
        absolute: ms,
        /// Longest life of a token.
        horizon: ms,
        /// Most lead of an issuer's clock that is accepted; 0: leads are not observed.
        most_lead: ms,
        /// NO_QUOTA, QUOTA_IN_RECORD or QUOTA_IN_BALANCES.
        place: byte,
        /// The limit of the quota.
        quota_limit: units,
        /// The window; 0: none.
        window: ms,
        /// Microseconds until one unit is back; 0: no bucket.
        period: us,
        /// The units to charge.
        cost: units,
        /// How long a balance is kept after its last charge; 0: no end.
        keep: ms,
        /// An idempotency key is given.
        once: flag,
    }
    /// Arguments of `admit`.
    ADMIT = AdmitArguments { limit: units, evict: flag, idle: ms, absolute: ms, horizon: ms, }
    /// Arguments of `end`: `all` ends every session but the named session.
    END = EndArguments { all: flag, horizon: ms, }
    /// The only argument of scripts that read a user's record: the longest life of a token.
    HORIZON = HorizonArgument { horizon: ms, }
    /// Arguments of `list`: the activity (us) at which the page begins, and how many entries of that instant to skip.
    LIST = ListArguments { horizon: ms, from: us, skip: count, }
    /// Arguments of `revoke_token`.
    REVOKE_TOKEN = RevokeTokenArguments { until: ms, horizon: ms, }
    /// Arguments of `is_revoked`.
    IS_REVOKED = IsRevokedArguments { known: flag, foreign: flag, issued: us, horizon: ms, }
    /// Arguments of `revoke_user`: whether to block, until when (NEVER: no end), and whether API keys are revoked too.
    REVOKE_USER = RevokeUserArguments { blocking: flag, until: end, horizon: ms, with_keys: flag, }
    /// Argument of `lead`: milliseconds; 0: only asks.
    LEAD = LeadArgument { lead: count, }
    /// A lead in a revocation and in the reply to a decision, in milliseconds.
    REACH = Reach { lead: end, }
    /// Arguments of `consume`: the rule, the cost, how long a balance is kept (0: no end), and whether a request is charged.
    CONSUME = ConsumeArguments { limit: units, window: ms, period: us, cost: units, keep: ms, of_request: flag, }
    /// Arguments of `add_units`.
    ADD_UNITS = AddUnitsArguments { limit: units, units: units, }
    /// Arguments of `refund`, and of `undo` without the flag.
    REFUND = RefundArguments { born: us, void: ms, units: units, at: units, of_request: flag, }
    /// Arguments of `undo`.
    UNDO = UndoArguments { born: us, void: ms, units: units, at: units, }
    /// A credential that is checked again.
    CREDENTIAL = CredentialArguments { token: flag, key: flag, check: flag, foreign: flag, issued: us, horizon: ms, }
    /// Arguments of `turn_ask`: mode, lease, highest fence seen, how long the ticket waits.
    TURN_ASK = TurnAskArguments { mode: byte, ttl: ms, seen: us, stay: ms, }
    /// A duration: the lease of `extend`, the time of `once` (0: no end), the grace of `rotate`.
    DURATION = Duration { ms: ms, }
    /// A change of a counter, and its bounds.
    CHANGE = CounterChange { delta: signed, least: signed, most: signed, }
    /// Arguments of `use`, behind the arguments of `decide`: no token, cost, an idempotency key is given.
    KEY_USE = KeyUseArguments { alone: flag, cost: units, once: flag, }
    /// A change of an API key: its members, its expiry.
    KEY_PATCH = KeyPatchArguments { which: byte, expires: end, }
    /// Argument of `add`.
    KEY_ADD = KeyAddArgument { units: units, }
    /// Arguments of `update_index`: what, version of the expiry, when the record may be gone.
    INDEX_UPDATE = IndexUpdateArguments { what: byte, version: us, due: end, }
    /// The rule of a quota: limit, window (0: a balance), period (us, 0: no bucket).
    RULE = Rule { limit: units, window: ms, period: us, }
    /// Arguments of `login`: as of `admit`; whether the caller chose the session id, life of a refresh token, grace, branch.
    LOGIN = LoginArguments { limit: units, evict: flag, idle: ms, absolute: ms, horizon: ms, given: flag, ttl: ms, grace: ms,
        branch: end, }
    /// Arguments of `refresh`.
    REFRESH = RefreshArguments { horizon: ms, grace: ms, branch: end, number: end, }
    /// Arguments of `logout`.
    LOGOUT = LogoutArguments { horizon: ms, branch: end, number: end, }

    /// The reply to a decision.
    DECISION = DecisionReply { deny: byte, flags: byte, live: count, created: end, last: us, ends: end, previous: us,
        remaining: units, reset: end, left: end, }
    /// A quota.
    QUOTA_REPLY = QuotaReply {
        /// QUOTA_ALLOWED, QUOTA_REPLAYED, QUOTA_CHARGED.
        flags: byte,
        /// The limit.
        limit: units,
        /// Remaining units.
        remaining: units,
        /// When all units are back (ms, 0: never).
        reset: end,
        /// The same from now (ms).
        left: end,
        /// How long until a retry may succeed (ms, NEVER: never).
        retry: end,
    }
    /// The receipt of a charge: born (us), until when it can be refunded (ms), id, units charged in total.
    CHARGED = ChargedReply { born: us, void: end, id: bytes16, at: units, }
    /// An admission: reason, whether the session existed, live sessions, retry after (ms, NEVER: unknown), number of views.
    ADMISSION = AdmissionReply { reason: byte, existing: flag, live: count, retry: end, views: count, }
    /// A page of sessions: where the next page begins (0: nowhere), number of views.
    SESSIONS = SessionsReply { next: us, skip: count, views: count, }
    /// A granted turn: status, fence, lease (ms).
    GRANT = GrantReply { status: byte, fence: us, lease: end, }
    /// A place in the queue of a turn: status, how many wait ahead, when to look again (ms).
    PLACE = PlaceReply { status: byte, ahead: end, look_again: end, }
    /// A turn that another ticket holds: status, when to look again (ms).
    BUSY = BusyReply { status: byte, look_again: end, }
    /// A login or a refresh: status, generation (us), when the refresh token expires (ms).
    DRAWN = DrawnReply { status: byte, generation: us, expires: end, }
    /// An API key: created, expires (NEVER: no end), last used (0: never), revoked, has a quota.
    KEY_VIEW = KeyViewReply { created: end, expires: end, last_used: end, revoked: flag, quota: flag, }
    /// A changed expiry, for the index of imported keys: status, version, when the record may be gone.
    KEY_CHANGED = KeyChangedReply { status: byte, version: us, due: end, }
}

/// Every name that the scripts know, with its value as Lua.
pub fn names() -> Vec<(String, String)> {
    let mut names: Vec<_> =
        NUMBERS.iter().map(|(name, value)| ((*name).to_owned(), value.to_string())).collect();
    for layout in RECORDS.iter().chain(MESSAGES) {
        let codes: String = layout.fields.iter().map(|(_, code, _)| *code).collect();
        let mut at = 1;
        for (field, _, width) in layout.fields {
            names.push((format!("{}_{}_AT", layout.name, field.to_uppercase()), at.to_string()));
            at += width;
        }
        names.push((layout.name.to_owned(), format!("'>{codes}'")));
        names.push((format!("{}_LENGTH", layout.name), (at - 1).to_string()));
    }
    names
}
