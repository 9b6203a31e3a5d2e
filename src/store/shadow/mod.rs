//! The store of observe mode: decides as the store below, changes nothing there.

pub(crate) mod steps;
pub(crate) mod store;
