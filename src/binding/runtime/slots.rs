//! The runtimes of a thread by number, and access to a runtime. A panic becomes an error.

use super::auth::AuthRuntime;
use crate::binding::convert::{Result, error, to_integer};
use crate::core::base::error::{Fault, FaultCode};
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::{Rc, Weak};

thread_local! {
    /// The runtimes of this thread by number. Their JavaScript objects own them.
    static RUNTIMES: RefCell<Vec<Weak<RefCell<AuthRuntime>>>> = const { RefCell::new(Vec::new()) };
}

/// Registers a runtime and returns its number.
pub fn register(runtime: &Rc<RefCell<AuthRuntime>>) -> usize {
    RUNTIMES.with_borrow_mut(|runtimes| {
        let free = runtimes.iter().position(|slot| slot.strong_count() == 0);
        let number = free.unwrap_or(runtimes.len());
        if number == runtimes.len() {
            runtimes.push(Weak::new());
        }
        runtimes[number] = Rc::downgrade(runtime);
        number
    })
}

/// Runs `run` on the runtime with that number.
pub fn with<T>(number: f64, run: impl FnOnce(&mut AuthRuntime) -> Result<T>) -> Result<T> {
    let number = to_integer("gate", number, 0).map_err(error)?;
    let number = usize::try_from(number).unwrap_or(usize::MAX);
    let runtime = RUNTIMES.with_borrow(|runtimes| runtimes.get(number).and_then(Weak::upgrade));
    let runtime = runtime.ok_or_else(|| error(closed()))?;
    enter(&runtime, run)
}

/// Runs `run` on a runtime. A panic becomes an error: it must not end the process, and the request is not allowed.
pub fn enter<T>(
    runtime: &Rc<RefCell<AuthRuntime>>,
    run: impl FnOnce(&mut AuthRuntime) -> Result<T>,
) -> Result<T> {
    enter_still(
        runtime,
        |runtime| if runtime.is_closed() { Err(error(closed())) } else { run(runtime) },
    )
}

/// The same on a runtime that may be closed: operations in progress are still delivered.
pub fn enter_still<T>(
    runtime: &Rc<RefCell<AuthRuntime>>,
    run: impl FnOnce(&mut AuthRuntime) -> Result<T>,
) -> Result<T> {
    guarded(|| run(&mut runtime.borrow_mut()))
}

/// Turns a panic into an error.
pub fn guarded<T>(run: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| {
        // This is no fault of the store: no option may allow the request because of it.
        Err(error(Fault::input("internal error of latchgate: please report what was called")))
    })
}

fn closed() -> Fault {
    Fault { code: FaultCode::Closed, message: "this Auth was closed".to_owned() }
}
