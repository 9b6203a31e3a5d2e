//! latchgate: exact sessions, revocation and admission for Express, decided in one step.
//!
//! Storeys, each importing only what stands to its right:
//! `binding` (the only napi code) -> { `store`, `service` } -> `core` (std only).

pub mod core;
pub mod service;
pub mod store;

// The unit-test build registers no exports, so that they look unused there.
#[cfg(feature = "binding")]
#[cfg_attr(test, allow(dead_code))]
mod binding;
