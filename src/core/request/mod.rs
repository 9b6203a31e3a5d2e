//! Requests: the questions and answers of decisions, and the credentials of a request.

pub mod credential;
pub mod request;
