//! Limits and times that the rules in Rust and the scripts on a server share. build.rs compiles this file for the scripts, so
//! it uses the standard library only. All times are in milliseconds unless the name says otherwise.

/// The largest integer that every part of the product holds exactly: doubles lose integers beyond it.
pub const MAX_INTEGER: u64 = (1 << 53) - 1;
/// One minute.
pub const MINUTE_MS: u64 = 60_000;
/// One hour.
pub const HOUR_MS: u64 = 60 * MINUTE_MS;
/// One day.
pub const DAY_MS: u64 = 24 * HOUR_MS;

/// How long an API key is still listed after its end.
pub const KEY_LISTED_MS: u64 = 30 * DAY_MS;
/// Most replaced secrets of an API key that are remembered.
pub const KEY_SPENT: usize = 8;
/// How long an import of an API key holds the name of the key.
pub const IMPORT_CLAIM_MS: u64 = MINUTE_MS;
/// The characters of the id of an API key.
pub const KEY_ID_LENGTH: usize = 20;

/// Most ranges of refunded units that a bucket remembers.
pub const MAX_STRETCHES: usize = 64;

/// Most spent tokens of one refresh family that lead to the live token within the grace window.
pub const MAX_LINKS: usize = 256;

/// Fences stay below this value.
pub const FENCES_END: u64 = MAX_INTEGER + 1;
/// How long a reserved turn waits for its claim.
pub const TURN_CLAIM_MS: u64 = 500;
/// How long after the end of a lease a waiter looks again.
pub const LOOK_AGAIN_MS: u64 = 10;
/// How much later a waiter looks again for each waiter ahead. So waiters do not ask at the same time when a holder crashes.
pub const LOOK_AGAIN_STEP_MS: u64 = 50;
/// Most waiters ahead that delay the next look.
pub const LOOK_AGAIN_STEPS: u64 = 20;
