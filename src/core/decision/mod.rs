//! Decisions that combine sessions, revocation and quotas.

pub mod admission;
pub mod credential;
pub mod decide;
pub mod login;
pub mod outcome;
