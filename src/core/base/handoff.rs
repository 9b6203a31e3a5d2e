//! Items on their way from any thread to one thread: pushed, announced once a batch, taken all together.
//! A model checker runs this very file (see __test__/rust/handoff.rs), with its own kind of locks.

use super::sync::{AtomicBool, Mutex, MutexGuard, Ordering, PoisonError};

/// The mutex guards the queue, and is held to push or to take all.
pub struct Handoff<T> {
    queue: Mutex<Vec<T>>,
    /// An announcement is on its way. The thread that pushes sets it after the push. It is cleared before the queue is
    /// taken. So an item that is pushed after a take is announced again, and no item stays in the queue.
    announced: AtomicBool,
}

impl<T> Default for Handoff<T> {
    fn default() -> Self {
        Self { queue: Mutex::new(Vec::new()), announced: AtomicBool::new(false) }
    }
}

impl<T> Handoff<T> {
    /// Adds items. True: the caller must notify the receiving thread.
    #[must_use]
    pub fn push(&self, things: impl IntoIterator<Item = T>) -> bool {
        self.lock().extend(things);
        !self.announced.swap(true, Ordering::SeqCst)
    }

    /// Takes everything.
    #[must_use]
    pub fn take(&self) -> Vec<T> {
        self.announced.store(false, Ordering::SeqCst);
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<T>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
