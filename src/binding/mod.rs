//! The Node.js boundary, and the only code that names napi: arguments to operations, verdicts to
//! numbers and plain objects, faults to coded errors.

mod api_keys;
mod bridge;
mod bytes;
mod charges;
mod class;
mod clock;
mod completions;
mod config;
mod continuation;
mod counters;
mod credentials;
mod evicted;
mod exports;
mod gate;
mod grant;
mod key_flow;
mod key_outcome;
mod key_set;
mod key_steps;
mod logins;
mod outcome;
mod policy;
mod quotas;
mod records;
mod slots;
mod text;
mod token_flow;
mod token_steps;
mod turn_outcome;
mod turns;
mod watcher;
