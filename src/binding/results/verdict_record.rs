//! The verdict records: memory that the addon writes and JavaScript reads.
//!
//! The memory is a `SharedArrayBuffer`. JavaScript can neither detach nor shrink one, and cannot transfer it, so that
//! its address stays valid for as long as the buffer lives. A check at each write would cost a call into Node.js per
//! decision. Other threads may hold the buffer too: every access is atomic.

use crate::binding::convert::{Result, error, number};
use crate::core::base::error::Fault;
use crate::core::base::reason::Reason;
use crate::core::request::request::Decision;
use napi::bindgen_prelude::{JsValue, Unknown};
use napi::sys;
use std::ptr::{self, NonNull};
use std::slice;
use std::sync::atomic::{AtomicU64, Ordering};

/// Declares the layout of a verdict record once. `src/js/native/records.js` has the same names; a spec compares them.
macro_rules! layout {
    ($($(#[$doc:meta])* $name:ident: $type:ty = $value:literal;)+) => {
        $($(#[$doc])* const $name: $type = $value;)+

        /// The layout of a verdict record, by name.
        pub const LAYOUT: &[(&str, usize)] = &[$((stringify!($name), $name as usize)),+];
    };
}

layout! {
    /// Numbers in one verdict record.
    RECORD: usize = 16;
    /// Position of the ticket; 0: the decision was made in the call itself.
    TICKET: usize = 0;
    /// Position of the reason code.
    CODE: usize = 1;
    /// Position of the flags.
    FLAGS: usize = 2;
    /// Position of the number of live sessions.
    ACTIVE: usize = 3;
    /// Position of the session limit; NaN: none.
    LIMIT: usize = 4;
    /// Position of the creation of the session.
    CREATED: usize = 5;
    /// Position of the last activity of the session.
    LAST_ACTIVE: usize = 6;
    /// Position of the activity before it.
    PREVIOUS_ACTIVE: usize = 7;
    /// Position of the end of the session.
    EXPIRES: usize = 8;
    /// Position of every reason that would have denied, as bits.
    REASONS: usize = 9;
    /// Position of the quota's limit.
    QUOTA_LIMIT: usize = 10;
    /// Position of the remaining units.
    REMAINING: usize = 11;
    /// Position of the instant at which all units are back; NaN: never.
    RESET_AT: usize = 12;
    /// Position of the milliseconds until then, or of a denial until a retry may succeed; NaN: never.
    RETRY_AFTER: usize = 13;
    /// Position of the number of the charge, under which it can be refunded; 0: it cannot.
    CHARGE: usize = 14;
    /// Position of the number under which `evicted` returns the evicted sessions; 0: none.
    EVICTED: usize = 15;
    /// Flag: the session was checked.
    SESSION_CHECKED: u8 = 1;
    /// Flag: this decision admitted the session.
    ADMITTED: u8 = 2;
    /// Flag: the session id is the id of the token.
    SESSION_IS_TOKEN: u8 = 4;
    /// Flag: a quota was checked.
    QUOTA_CHECKED: u8 = 8;
}

/// Records that one drain hands over at most.
pub const RECORDS: usize = 64;
/// Behind the records: 1 where calls are held back until `flush`.
const HELD: usize = RECORD * RECORDS;
/// Numbers that are written at all.
const LENGTH: usize = HELD + 1;
/// Code of a record whose outcome `take` returns.
const TAKE: f64 = -1.0;

/// The records of a gate. Lives on the thread of its environment.
pub struct Records {
    env: sys::napi_env,
    /// Keeps the buffer.
    reference: sys::napi_ref,
    words: NonNull<AtomicU64>,
}

impl Records {
    /// Takes a `Float64Array` over a `SharedArrayBuffer`.
    ///
    /// # Errors
    /// `ERR_LATCHGATE_INPUT` for any other value, and for an array that is too short.
    pub fn new(array: &Unknown<'_>) -> Result<Self> {
        let value = array.value();
        let (env, array) = (value.env, value.value);
        let refused = |why: &str| error(Fault::input(format!("the verdict buffer {why}")));
        let (mut is_array, mut is_detachable) = (false, true);
        let (mut kind, mut length, mut data, mut buffer) =
            (-1, 0, ptr::null_mut(), ptr::null_mut());
        // SAFETY: the array belongs to the running call, and Node.js writes to locals of the type that it expects.
        // The second call gets what the first has found to be a typed array, the third what the second has returned.
        let is_read = unsafe {
            sys::napi_is_typedarray(env, array, &raw mut is_array) == sys::Status::napi_ok
                && is_array
                && sys::napi_get_typedarray_info(
                    env,
                    array,
                    &raw mut kind,
                    &raw mut length,
                    &raw mut data,
                    &raw mut buffer,
                    ptr::null_mut(),
                ) == sys::Status::napi_ok
                && sys::napi_is_arraybuffer(env, buffer, &raw mut is_detachable)
                    == sys::Status::napi_ok
        };
        if !is_read || kind != sys::TypedarrayType::float64_array {
            return Err(refused("is not a Float64Array"));
        }
        // A typed array has one of two kinds of buffer. Node-API calls only the other kind an ArrayBuffer.
        if is_detachable {
            return Err(refused("is not on a SharedArrayBuffer"));
        }
        if length < LENGTH {
            return Err(refused("is too short"));
        }
        let words = NonNull::new(data.cast::<AtomicU64>()).filter(|words| words.is_aligned());
        let words = words.ok_or_else(|| refused("has no memory"))?;
        let mut reference = ptr::null_mut();
        // SAFETY: the buffer belongs to the running call.
        let status = unsafe { sys::napi_create_reference(env, buffer, 1, &raw mut reference) };
        if status != sys::Status::napi_ok {
            return Err(refused("cannot be kept"));
        }
        Ok(Self { env, reference, words })
    }

    fn words(&self) -> &[AtomicU64] {
        // SAFETY: the array had at least this many numbers when it was taken. Its buffer is shared, so that it never
        // shrinks or moves, and the reference keeps it until `drop`. Every access by this addon is atomic, and
        // JavaScript's accesses to shared memory are too.
        unsafe { slice::from_raw_parts(self.words.as_ptr(), LENGTH) }
    }

    fn record(&self, at: usize) -> Record<'_> {
        Record(&self.words()[at * RECORD..][..RECORD])
    }

    /// Tells JavaScript to call `flush` at the end of this turn.
    pub fn hold(&self) {
        self.words()[HELD].store(1.0_f64.to_bits(), Ordering::Relaxed);
    }

    /// Writes the decision into the record at `at`.
    pub fn decision(
        &self,
        at: usize,
        ticket: f64,
        decision: &Decision,
        session_is_token: bool,
        [charge, evicted]: [u64; 2],
    ) {
        let record = self.record(at);
        let mut flags = ADMITTED * u8::from(decision.admitted);
        if let Some(view) = &decision.session {
            flags |= SESSION_CHECKED | (SESSION_IS_TOKEN * u8::from(session_is_token));
            record.write(
                ACTIVE,
                [
                    number(view.active),
                    view.limit.map_or(f64::NAN, number),
                    number(view.times.created_ms),
                    number(view.times.last_active_ms),
                    number(view.previous_active_ms),
                    number(view.times.expires_ms),
                ],
            );
        }
        if let Some(quota) = &decision.quota {
            flags |= QUOTA_CHECKED;
            // Of a denial: when asking again may help, which for a cost above the limit is never.
            let wait_ms = if quota.allowed { quota.reset_in_ms } else { quota.retry_after_ms };
            record.write(
                QUOTA_LIMIT,
                [
                    number(quota.limit),
                    number(quota.remaining),
                    quota.reset_ms.map_or(f64::NAN, number),
                    wait_ms.map_or(f64::NAN, number),
                ],
            );
        }
        record.write(TICKET, [ticket, f64::from(decision.reason as u8), f64::from(flags)]);
        record.write(REASONS, [f64::from(decision.would_deny.bits())]);
        record.write(CHARGE, [number(charge), number(evicted)]);
    }

    /// Writes the record of a decision that the store could not take.
    pub fn outage(&self, at: usize, ticket: f64) {
        let record = self.record(at);
        record.write(TICKET, [ticket, f64::from(Reason::StoreUnavailable as u8), 0.0]);
        record.write(REASONS, [0.0]);
    }

    /// Writes the record of an outcome that `take` returns.
    pub fn outcome(&self, at: usize, ticket: f64) {
        self.record(at).write(TICKET, [ticket, TAKE]);
    }
}

impl Drop for Records {
    fn drop(&mut self) {
        // SAFETY: the gate is dropped on the thread of its environment: by its finalizer, or by the call that made it.
        unsafe { sys::napi_delete_reference(self.env, self.reference) };
    }
}

/// One verdict record.
struct Record<'a>(&'a [AtomicU64]);

impl Record<'_> {
    fn write<const N: usize>(&self, at: usize, values: [f64; N]) {
        for (word, value) in self.0[at..][..N].iter().zip(values) {
            word.store(value.to_bits(), Ordering::Relaxed);
        }
    }
}
