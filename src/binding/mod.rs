//! The Node.js boundary, and the only code that names napi: arguments to operations, verdicts to
//! numbers and plain objects, faults to coded errors.

mod api_keys;
mod bridge;
mod charges;
mod class;
mod clock;
mod completions;
mod config;
mod continuation;
mod counters;
mod credentials;
mod exports;
mod gate;
mod key_flow;
mod key_outcome;
mod key_set;
mod key_steps;
mod outcome;
mod policy;
mod quotas;
mod slots;
mod text;
mod turn_outcome;
mod turns;
mod watcher;
