//! Decisions that combine sessions, revocation and quotas.

pub mod admission;
pub mod api_key;
pub mod credential;
pub mod decide;
pub mod login;
pub mod user_state;
