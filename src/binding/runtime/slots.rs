//! The gates of a thread by number, and the way into one: panics become errors on the way out.

use super::auth::GateInner;
use crate::binding::config::whole;
use crate::binding::results::result::{Result, error};
use crate::core::base::error::{Fault, FaultCode};
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::{Rc, Weak};

thread_local! {
    /// The gates of this thread by number. They are owned by their JavaScript objects.
    static GATES: RefCell<Vec<Weak<RefCell<GateInner>>>> = const { RefCell::new(Vec::new()) };
}

/// Enters a gate and returns its number.
pub fn register(gate: &Rc<RefCell<GateInner>>) -> usize {
    GATES.with_borrow_mut(|gates| {
        let free = gates.iter().position(|slot| slot.strong_count() == 0);
        let number = free.unwrap_or(gates.len());
        if number == gates.len() {
            gates.push(Weak::new());
        }
        gates[number] = Rc::downgrade(gate);
        number
    })
}

/// Runs something on the gate of that number.
pub fn with<T>(number: f64, run: impl FnOnce(&mut GateInner) -> Result<T>) -> Result<T> {
    let number = whole("gate", number, 0).map_err(error)?;
    let number = usize::try_from(number).unwrap_or(usize::MAX);
    let gate = GATES.with_borrow(|gates| gates.get(number).and_then(Weak::upgrade));
    let gate = gate.ok_or_else(|| error(closed()))?;
    enter(&gate, run)
}

/// Runs something on a gate. A panic becomes an error: it must not take Node down, and the request
/// that met it is not let through.
pub fn enter<T>(
    gate: &Rc<RefCell<GateInner>>,
    run: impl FnOnce(&mut GateInner) -> Result<T>,
) -> Result<T> {
    enter_still(gate, |gate| if gate.is_closed() { Err(error(closed())) } else { run(gate) })
}

/// The same on a gate that may be closed: what is in flight is still delivered.
pub fn enter_still<T>(
    gate: &Rc<RefCell<GateInner>>,
    run: impl FnOnce(&mut GateInner) -> Result<T>,
) -> Result<T> {
    guarded(|| run(&mut gate.borrow_mut()))
}

/// Turns a panic into an error.
pub fn guarded<T>(run: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| {
        // Not a fault of the store: no option may turn it into a pass.
        Err(error(Fault::input("internal error of latchgate: please report what was called")))
    })
}

fn closed() -> Fault {
    Fault { code: FaultCode::Closed, message: "this Auth was closed".to_owned() }
}
