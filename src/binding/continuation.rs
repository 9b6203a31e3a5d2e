//! What is done when an outcome comes.

use super::charges::Draft;
use super::key_flow::KeyFlow;
use crate::core::reason::Reason;
use crate::service::api_key::Made;
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
    /// An API key that is handed out if it was created.
    Created(Box<Made>),
    /// An act on an API key that is under way, and one that has come to its end.
    Key(Box<KeyFlow>),
    KeyDone(Box<KeyFlow>),
    /// A turn that is refused, whatever leaving comes to.
    TurnDenied(Reason),
    #[default]
    Plain,
}
