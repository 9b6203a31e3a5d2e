//! The store of observe mode: it decides as the real store does, and changes no session or charge there.

pub(crate) mod steps;
pub(crate) mod store;
