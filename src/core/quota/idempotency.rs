//! What is done once, however often it is asked for: an act is remembered under the caller's key, and its
//! answer told again. Whoever keeps the memory sees to it that two askers come one after the other.

use super::state::Consumption;
use crate::core::base::due_map::Due;
use crate::core::base::error::Fault;

/// So long an answer is remembered, in milliseconds.
pub const REMEMBERED_MS: u64 = 24 * 60 * 60 * 1000;

/// Under what an act is remembered, and what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Idempotency {
    /// Stands for the caller's key and what the act is done to; of 128 bits, so that no two meet.
    pub name: [u8; 16],
    /// Stands for everything else that was asked.
    pub question: [u8; 16],
}

/// An answer that is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remembered<T> {
    question: [u8; 16],
    /// Until then, in milliseconds.
    pub until_ms: u64,
    /// The answer.
    pub answer: T,
    /// So many who asked rest on it.
    pub resting: u64,
}

/// What a charge was answered.
pub type RememberedCharge = Remembered<Consumption>;

impl<T> Due for Remembered<T> {
    fn due_ms(&self) -> u64 {
        self.until_ms
    }
}

impl<T> Remembered<T> {
    /// An answer given now.
    #[must_use]
    pub fn new(asked: &Idempotency, answer: T, now_ms: u64) -> Self {
        let until_ms = now_ms.saturating_add(REMEMBERED_MS);
        Self { question: asked.question, until_ms, answer, resting: 1 }
    }

    /// The answer, where this was asked before and not too long ago.
    ///
    /// # Errors
    /// `ERR_LATCHGATE_INPUT` where something else was asked under the same key.
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

/// What is told of a key that stands for another question.
#[must_use]
pub fn another_question() -> Fault {
    Fault::input(
        "idempotencyKey was used for something else within 24 h: a new question needs a key of its own",
    )
}
