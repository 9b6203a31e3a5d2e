//! What to do with the outcome of an operation when it arrives.

use super::api_key::ApiKeyFlow;
use super::pending_refund::PendingRefund;
use super::token::TokenFlow;
use crate::core::base::reason::Reason;
use crate::tokens::jwt::issue::Request;
use crate::tokens::opaque::api_key::Made;

/// Stored under the completion id of an operation until its outcome arrives.
#[derive(Default)]
pub enum Continuation {
    Decide {
        session_is_token: bool,
        /// The refund of what the request is charged.
        refund: Option<Box<PendingRefund>>,
    },
    Issue(Request),
    Consume(Box<PendingRefund>),
    LearnKey,
    /// An API key that JavaScript gets if the store created it.
    Created(Box<Made>),
    /// An operation on an API key that waits for a step.
    Key(Box<ApiKeyFlow>),
    /// The same after its last step.
    KeyDone(Box<ApiKeyFlow>),
    /// A turn that is denied, whatever the outcome of leaving the queue is.
    TurnDenied(Reason),
    /// A login, refresh or logout that waits for a step.
    Token(Box<TokenFlow>),
    /// The same after its last step.
    TokenDone(Box<TokenFlow>),
    #[default]
    Plain,
}
