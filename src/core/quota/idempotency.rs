//! Idempotency keys: an operation is remembered under the caller's key, and a repetition returns the stored answer. The
//! store that owns the memory serializes operations with the same key.

use super::state::Consumption;
use crate::core::base::due_map::Due;
use crate::core::base::error::Fault;
use crate::core::base::limits::DAY_MS;

/// How long an answer is remembered, in milliseconds.
pub const REMEMBERED_MS: u64 = DAY_MS;

/// The idempotency key of an operation, and its question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Idempotency {
    /// Represents the caller's key and the object of the operation. 128 bits, so that no two collide.
    pub name: [u8; 16],
    /// Represents all other arguments.
    pub question: [u8; 16],
}

/// A stored answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remembered<T> {
    question: [u8; 16],
    /// Until when it is stored, in milliseconds.
    pub until_ms: u64,
    /// The answer.
    pub answer: T,
    /// Number of callers that received this stored answer.
    pub ref_count: u64,
}

/// The stored answer to a charge.
pub type RememberedCharge = Remembered<Consumption>;

impl<T> Due for Remembered<T> {
    fn due_ms(&self) -> u64 {
        self.until_ms
    }
}

impl<T> Remembered<T> {
    /// A new answer.
    #[must_use]
    pub fn new(asked: &Idempotency, answer: T, now_ms: u64) -> Self {
        let until_ms = now_ms.saturating_add(REMEMBERED_MS);
        Self { question: asked.question, until_ms, answer, ref_count: 1 }
    }

    /// Returns the stored answer to the same question, if it has not expired.
    ///
    /// # Errors
    /// `ERR_LATCHGATE_INPUT` if the key was used for another question.
    pub fn recall<'a>(
        found: Option<&'a Self>,
        asked: &Idempotency,
        now_ms: u64,
    ) -> Result<Option<&'a T>, Fault> {
        match found.filter(|found| found.until_ms > now_ms) {
            None => Ok(None),
            Some(found) if found.question == asked.question => Ok(Some(&found.answer)),
            Some(_) => Err(another_question()),
        }
    }
}

/// The fault of a key that was used for another question.
#[must_use]
pub fn another_question() -> Fault {
    Fault::input(
        "idempotencyKey was used for something else within 24 h: a new question needs a key of its own",
    )
}
