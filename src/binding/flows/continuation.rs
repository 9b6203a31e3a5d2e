//! What is done when an outcome comes.

use super::api_key::KeyFlow;
use super::receipts::Draft;
use super::token::TokenFlow;
use crate::core::base::reason::Reason;
use crate::tokens::jwt::issue::Request;
use crate::tokens::opaque::api_key::Made;

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
    /// The same of a login, or of what follows one.
    Token(Box<TokenFlow>),
    TokenDone(Box<TokenFlow>),
    #[default]
    Plain,
}
