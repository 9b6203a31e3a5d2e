//! The Node.js boundary, and the only code that names napi: arguments to operations, verdicts to
//! numbers and plain objects, faults to coded errors.

pub(crate) mod clock;
pub(crate) mod config;
pub(crate) mod convert;
pub(crate) mod flows;
pub(crate) mod io;
pub(crate) mod methods;
pub(crate) mod results;
pub(crate) mod runtime;
