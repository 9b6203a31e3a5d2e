//! latchgate: exact sessions, revocation and admission for Express, decided in one step.
//!
//! Storeys, each importing only the storeys to its right:
//! `binding` (the only napi code) -> { `store`, `tokens` } -> `core` (std only).

pub mod core;
pub mod store;
pub mod tokens;

// The unit-test build registers no exports, so they look unused there.
#[cfg(feature = "binding")]
#[cfg_attr(test, allow(dead_code))]
mod binding;
