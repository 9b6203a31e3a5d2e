//! What comes late, on its way into the verdict records, and what it is told as.

use super::auth::GateInner;
use crate::binding::config::whole;
use crate::binding::flows::continuation::Continuation;
use crate::binding::results::records::RECORDS;
use crate::binding::results::result::{Outcome, Result, error, number, object};
use crate::core::api_key::ops::KeyAnswer;
use crate::core::base::error::Fault;
use crate::core::op::Verdict;
use crate::core::turn::ops::TurnAnswer;

impl GateInner {
    /// What JavaScript is told.
    pub(crate) fn finish(
        &mut self,
        outcome: crate::core::op::Outcome,
        continuation: Continuation,
    ) -> Result<Outcome> {
        let verdict = outcome.map_err(error)?;
        if let (Continuation::Issue(request), Verdict::Generation(generation)) =
            (&continuation, &verdict)
        {
            let now_ms = self.now_ms();
            let (issuer, rules) = self.issuer()?;
            let text = issuer.issue(request, *generation, rules, now_ms).map_err(error)?;
            return Ok(Outcome { text: Some(text), ..Default::default() });
        }
        match (continuation, verdict) {
            (Continuation::Created(made), Verdict::ApiKey(KeyAnswer::Done(true))) => {
                Ok(Outcome { key: Some((*made).into()), ..Default::default() })
            }
            (Continuation::TurnDenied(reason), _) => {
                Ok(object(Verdict::Turn(TurnAnswer::Denied(reason))))
            }
            (continuation, verdict) => self.charges.finish(continuation, verdict),
        }
    }

    /// Moves completions into the verdict records.
    pub fn drain(&mut self) -> usize {
        let mut arrived = self.bridge.take();
        if self.flows > 0 {
            arrived = self.advance_flows(arrived);
        }
        self.tickets.add(arrived);
        let mut written = 0;
        while written < RECORDS {
            let Some((ticket, outcome)) = self.tickets.next() else {
                break;
            };
            let number = number(ticket);
            match (self.tickets.continuation(ticket), outcome) {
                (
                    Some(Continuation::Decide { session_is_token, draft }),
                    Ok(Verdict::Decision(mut decision)),
                ) => {
                    let charge = self.charges.keep(draft.map(|draft| *draft), &decision);
                    let numbers = [charge, self.evicted.keep(&mut decision)];
                    self.records.decision(written, number, &decision, session_is_token, numbers);
                }
                // By number like any answer: when the store is away there may be very many.
                (Some(Continuation::Decide { .. }), Err(fault)) if fault.is_outage() => {
                    self.records.outage(written, number);
                }
                (Some(continuation), outcome) => {
                    self.records.outcome(written, number);
                    self.tickets.wait(ticket, continuation);
                    self.tickets.keep(ticket, outcome);
                }
                // Nobody waits for it: a store that completes twice must not settle another's request.
                (None, _) => continue,
            }
            written += 1;
        }
        written
    }

    /// The outcome announced by a record with code -1.
    pub fn take(&mut self, ticket: f64) -> Result<Outcome> {
        let ticket = whole("ticket", ticket, 1).map_err(error)?;
        match (self.tickets.take(ticket), self.tickets.continuation(ticket)) {
            (Some(outcome), Some(Continuation::KeyDone(flow))) => self.finish_flow(*flow, outcome),
            (Some(outcome), Some(Continuation::TokenDone(flow))) => {
                self.finish_token(*flow, outcome)
            }
            (Some(outcome), Some(continuation)) => self.finish(outcome, continuation),
            _ => Err(error(Fault::input("no such ticket"))),
        }
    }
}
