//! Completions on their way to the JavaScript thread: any thread adds them, one wake-up announces a batch, and the
//! JavaScript thread takes them.

use crate::core::base::handoff::Handoff;
use crate::core::op::Outcome;
use crate::core::store::{Notice, Sink};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use std::cell::Cell;
use std::ptr;

/// Calls `wake` on the JavaScript thread. The reference is weak, so that it does not keep the process alive.
pub type Wake = ThreadsafeFunction<(), (), (), napi::Status, false, true>;

/// The sink that stores deliver to.
pub struct Bridge {
    completions: Handoff<(u64, Outcome)>,
    notices: Handoff<Notice>,
    wake: Wake,
}

impl Bridge {
    /// Returns a bridge that announces completions through `wake`.
    pub fn new(wake: Wake) -> Self {
        Self { completions: Handoff::default(), notices: Handoff::default(), wake }
    }

    /// Takes the completions that have arrived.
    pub fn take(&self) -> Vec<(u64, Outcome)> {
        self.completions.take()
    }

    /// Takes the notices that the store has sent.
    pub fn notices(&self) -> Vec<Notice> {
        self.notices.take()
    }

    /// Wakes the JavaScript thread.
    pub fn wake(&self) {
        // The call is refused only during the teardown of the environment, when nothing waits any more.
        self.wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
    }

    /// Runs `run` on the JavaScript thread without announcing the completions that it adds. The caller takes them afterwards.
    pub fn here<T>(&self, run: impl FnOnce() -> T) -> T {
        struct Leave;
        impl Drop for Leave {
            fn drop(&mut self) {
                HERE.set(ptr::null());
            }
        }
        HERE.set(self);
        let _leave = Leave;
        run()
    }

    fn announce(&self, needed: bool) {
        if needed && !ptr::eq(HERE.get(), self) {
            self.wake();
        }
    }
}

thread_local! {
    /// The bridge whose completions this thread takes without a wake-up. The pointer is only compared.
    static HERE: Cell<*const Bridge> = const { Cell::new(ptr::null()) };
}

impl Sink for Bridge {
    fn complete(&self, id: u64, outcome: Outcome) {
        self.announce(self.completions.push([(id, outcome)]));
    }

    fn complete_all(&self, batch: Vec<(u64, Outcome)>) {
        self.announce(self.completions.push(batch));
    }

    fn notice(&self, notice: Notice) {
        if self.notices.push([notice]) {
            self.wake();
        }
    }
}
