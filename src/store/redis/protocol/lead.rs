//! By how much the clocks of issuers lead the server's, as calls of a script. They lie in a slot of their own: a revocation
//! reads them first, and a decision that has found a larger lead is told when that is written.

use super::call::{Call, Expects, Plan, Then, script_call};
use super::layout::{LeadArgument, Reach};
use crate::core::revocation::lead::{Ahead, Lead};
use crate::core::script::Script;

/// Notes a lead where it is larger than what is known; 0: only asks. Answers the largest that is known.
fn ask(prefix: &str, issuer: &str, ms: u64) -> Call {
    let numbers = LeadArgument { lead: ms }.pack();
    script_call(
        Script::Lead,
        &[format!("{prefix}:lead")],
        &[&numbers, issuer.as_bytes()],
        Expects::Count,
    )
}

/// Writes down that a token of a clock ahead of the server's was let through.
pub fn note(prefix: &str, ahead: &Ahead) -> Call {
    ask(prefix, &ahead.issuer, ahead.ms)
}

/// A revocation that reaches as far as the lead. One script where no key has a slot; else the lead is asked for first.
pub fn revoke(
    prefix: &str,
    lead: &Lead<'_>,
    has_slots: bool,
    (mut keys, numbers): (Vec<String>, &[u8]),
) -> Plan {
    let revocation = |keys: &[String], arguments: &[&[u8]]| {
        script_call(Script::RevokeUser, keys, arguments, Expects::Count)
    };
    match lead {
        Lead::Observed { issuer } if has_slots => {
            let then = Then::Revoke(revocation(&keys, &[numbers]));
            Plan { call: ask(prefix, issuer, 0), then }
        }
        Lead::Observed { issuer } => {
            keys.push(format!("{prefix}:lead"));
            let call = revocation(&keys, &[numbers, b"", issuer.as_bytes()]);
            Plan { call, then: Then::Nothing }
        }
        Lead::Fixed { ms } => {
            Plan { call: revocation(&keys, &[numbers, &reach(*ms)]), then: Then::Nothing }
        }
    }
}

/// The last argument of a revocation.
pub fn reach(ms: u64) -> Vec<u8> {
    Reach { lead: ms }.pack()
}
