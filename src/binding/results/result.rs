//! The result of an operation as a JavaScript object.

use super::api_key;
use super::api_key::{NativeIndexUpdate, NativeKey, NativeKeyInfo, NativeKeyUse, NativePlace};
use super::counter::{NativeApplied, applied};
use super::grant::{NativeGrant, NativeRefusal};
use super::quota::{NativeConsumption, consumption};
use super::session::{NativeAdmission, NativeCursor, NativeSession, admission, cursor, session};
use super::store::{NativeReplica, replica};
use super::turn::{NativeTurn, turn};
use crate::binding::convert::number;
use crate::core::api_key::ops::KeyAnswer;
use crate::core::api_key::types::KeyPlace;
use crate::core::base::reason::Reason;
use crate::core::op::Answer;
use crate::core::session::session::Page;
use napi_derive::napi;

/// The result of an operation; which member is set depends on the operation.
#[napi(object)]
#[derive(Default)]
pub struct Outcome {
    pub flag: Option<bool>,
    pub count: Option<f64>,
    pub text: Option<String>,
    pub session: Option<NativeSession>,
    pub sessions: Option<Vec<NativeSession>>,
    /// Where the next page of sessions begins.
    pub next: Option<NativeCursor>,
    pub admission: Option<NativeAdmission>,
    pub consumption: Option<NativeConsumption>,
    pub key: Option<NativeKey>,
    pub place: Option<NativePlace>,
    pub key_ids: Option<Vec<String>>,
    /// Where the next page of ids begins.
    pub next_key: Option<String>,
    pub key_infos: Option<Vec<NativeKeyInfo>>,
    pub index_updates: Option<Vec<NativeIndexUpdate>>,
    pub key_use: Option<NativeKeyUse>,
    pub applied: Option<NativeApplied>,
    pub turn: Option<NativeTurn>,
    pub replicas: Option<Vec<NativeReplica>>,
    pub grant: Option<NativeGrant>,
    pub refusal: Option<NativeRefusal>,
}

/// A result that is true or false.
pub fn flag(flag: bool) -> Outcome {
    Outcome { flag: Some(flag), ..Outcome::default() }
}

/// An answer about an API key as an object.
pub fn key_object(answer: KeyAnswer) -> Outcome {
    let mut outcome = Outcome::default();
    match answer {
        KeyAnswer::Place(place) => {
            outcome.place =
                place.map(|KeyPlace { id, owner }| NativePlace { key_id: id, owner_id: owner });
        }
        KeyAnswer::Done(done) => outcome.flag = Some(done),
        KeyAnswer::Added(added) => outcome.consumption = Some(consumption(added)),
        KeyAnswer::Ids { ids, next } => {
            outcome.key_ids = Some(ids);
            outcome.next_key = next;
        }
        KeyAnswer::Infos(infos) => {
            outcome.key_infos = Some(infos.into_iter().map(api_key::info).collect());
        }
        KeyAnswer::Used(used) => outcome.key_use = Some(api_key::key_use(*used)),
        KeyAnswer::IndexUpdate(index_updates, answer) => {
            outcome = key_object(*answer);
            outcome.index_updates = Some(index_updates.into_iter().map(Into::into).collect());
        }
    }
    outcome
}

/// A verdict as an object. Decisions go as numbers instead, and generations become tokens first.
pub fn object(verdict: Answer) -> Outcome {
    let mut outcome = Outcome::default();
    match verdict {
        Answer::Flag(flag) => outcome.flag = Some(flag),
        Answer::Count(count) => outcome.count = Some(number(count)),
        Answer::Session(found) => outcome.session = found.map(session),
        Answer::Sessions(Page { sessions, next }) => {
            outcome.sessions = Some(sessions.into_iter().map(session).collect());
            outcome.next = next.map(cursor);
        }
        Answer::Admission(it) => outcome.admission = Some(admission(*it)),
        Answer::Consumption(it) => outcome.consumption = Some(consumption(it)),
        Answer::Generation(generation) => outcome.count = Some(number(generation)),
        Answer::Applied(it) => outcome.applied = Some(applied(it)),
        Answer::Turn(answer) => outcome.turn = Some(turn(answer)),
        Answer::Validity(reason) => outcome.count = Some(number(reason as u64)),
        Answer::Pong(replicas) => {
            outcome.flag = Some(true);
            outcome.replicas = replicas.map(|all| all.into_iter().map(replica).collect());
        }
        Answer::Decision(decision) => outcome.flag = Some(decision.reason == Reason::Allowed),
        Answer::ApiKey(answer) => return key_object(answer),
        // Faults are errors, families become tokens first, and the key of receipts stays in the addon.
        Answer::Fault(_) | Answer::Family(_) | Answer::Key(_) => {}
    }
    outcome
}
