//! What is done when an outcome comes.

use super::charges::Draft;
use crate::service::issue::Request;

/// Noted under the ticket of a question, for when its outcome comes.
#[derive(Default)]
pub enum Continuation {
    Decide {
        session_is_token: bool,
        /// Where what is charged may be given back.
        draft: Option<Box<Draft>>,
    },
    Issue(Request),
    Consume(Box<Draft>),
    LearnKey,
    #[default]
    Plain,
}
