//! The Node.js boundary, and the only code that names napi: arguments to operations, verdicts to
//! numbers and plain objects, faults to coded errors.

mod bridge;
mod charges;
mod class;
mod clock;
mod config;
mod continuation;
mod counters;
mod exports;
mod gate;
mod outcome;
mod policy;
mod quotas;
mod slots;
mod text;
mod watcher;
