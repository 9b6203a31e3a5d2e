//! Requests: what a decision is asked, what it answers, and the credentials of a request.

pub mod credential;
pub mod request;
