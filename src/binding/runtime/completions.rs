//! Turns the outcome of an operation into the result that JavaScript gets.

use super::api_key_steps;
use super::decisions::Decisions;
use super::token_steps::TokenSteps;
use crate::binding::convert::{Result, error};
use crate::binding::flows::continuation::Continuation;
use crate::binding::results::result::{self, object};
use crate::core::api_key::ops::KeyAnswer;
use crate::core::op::{Answer, Outcome};
use crate::core::turn::ops::TurnAnswer;

/// The result of an operation with that continuation.
pub fn finish(
    decisions: &mut Decisions,
    mut steps: TokenSteps<'_>,
    outcome: Outcome,
    continuation: Continuation,
) -> Result<result::Outcome> {
    match continuation {
        Continuation::KeyDone(flow) => return api_key_steps::finish(decisions, *flow, outcome),
        Continuation::TokenDone(flow) => return steps.finish(*flow, outcome),
        _ => {}
    }
    match (continuation, outcome.map_err(error)?) {
        (Continuation::Issue(request), Answer::Generation(generation)) => {
            let text = steps.tokens.issue(&request, generation, steps.tokens.now_ms())?;
            Ok(result::Outcome { text: Some(text), ..Default::default() })
        }
        (Continuation::Created(made), Answer::ApiKey(KeyAnswer::Done(true))) => {
            Ok(result::Outcome { key: Some((*made).into()), ..Default::default() })
        }
        (Continuation::TurnDenied(reason), _) => {
            Ok(object(Answer::Turn(TurnAnswer::Denied(reason))))
        }
        (Continuation::LearnKey, Answer::Key(key)) => {
            decisions.charges.learn_key(key);
            Ok(result::Outcome::default())
        }
        (Continuation::Consume(refund), Answer::Consumption(made)) => {
            let consumption = decisions.charges.sealed(*refund, &made)?;
            Ok(result::Outcome { consumption: Some(consumption), ..Default::default() })
        }
        (_, verdict) => Ok(object(verdict)),
    }
}
