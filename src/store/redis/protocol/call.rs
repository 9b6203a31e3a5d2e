//! A call of a script, how its reply is to be read, and what follows from it. Below the codecs, which write calls and
//! read replies.

use crate::core::api_key::types::KeyPlace;
use crate::core::script::Script;
use crate::store::redis::net::{resp, slots};

/// One call, ready to be sent.
#[derive(Debug)]
pub struct Call {
    /// The script; `None`: a command without one.
    pub script: Option<Script>,
    /// The slot of its keys.
    pub slot: u16,
    /// How many arguments `tail` holds.
    pub arguments: usize,
    /// Everything behind the script's name: number of keys, keys, arguments. Of a command all of it.
    pub tail: Vec<u8>,
    /// How the reply is to be read.
    pub expects: Expects,
}

/// How a reply is to be read.
#[derive(Debug)]
pub enum Expects {
    /// `quota`: the limit of the quota that is looked at.
    Decision {
        scope_ok: bool,
        limit: Option<u64>,
        quota: Option<u64>,
        issuer: String,
    },
    Admission {
        user: String,
        limit: Option<u64>,
    },
    Session {
        user: String,
    },
    Sessions {
        user: String,
    },
    Pong,
    Flag,
    Count,
    Generation,
    Consumption,
    /// Values of so many counters.
    Applied(usize),
    /// What stands against a credential.
    Validity,
    Turn,
    Key,
    ApiKey(KeyExpects),
    Family(FamilyExpects),
}

/// How a reply about keys is to be read.
#[derive(Debug)]
pub enum KeyExpects {
    /// Of `Find`: the id, where it is known.
    Place(Option<String>),
    Done,
    Added,
    Ids,
    Revoked(KeyPlace),
    /// Of `Update`.
    Updated(KeyPlace),
    Infos {
        owner: String,
        ids: Vec<String>,
    },
    Used(Box<UseExpects>),
}

/// How the reply to a use is to be read.
#[derive(Debug)]
pub struct UseExpects {
    pub place: KeyPlace,
    pub scope_ok: bool,
    pub limit: Option<u64>,
    pub quota: Option<u64>,
    pub issuer: String,
    /// By which units can be given back, where they may have to be.
    pub undo: Option<Undo>,
}

/// What gives the key's own units back where the second step of the decision denies.
#[derive(Debug)]
pub struct Undo {
    pub key: String,
    pub memory: Option<String>,
    pub units: u64,
}

/// How a reply about families is to be read.
#[derive(Debug)]
pub enum FamilyExpects {
    Known,
    Login { user: String, limit: Option<u64> },
    Refresh,
    Done,
}

impl Call {
    /// Appends an argument.
    pub fn push(&mut self, argument: &[u8]) {
        resp::argument(&mut self.tail, argument);
        self.arguments += 1;
    }
}

/// What is asked first, and what follows from it, where that may lie in another slot.
pub struct Plan {
    pub call: Call,
    pub then: Then,
}

/// What follows from a call.
pub enum Then {
    Nothing,
    /// What a request is charged, if the first call allows it.
    Charge(Call),
    /// A revocation, which takes the answer to the first call as its last argument.
    Revoke(Call),
}

/// A call of the script of the operation that is being encoded.
pub(crate) fn call(keys: &[String], arguments: &[&[u8]], expects: Expects) -> Call {
    let mut tail = Vec::with_capacity(384);
    resp::argument(&mut tail, keys.len().to_string().as_bytes());
    for key in keys {
        resp::argument(&mut tail, key.as_bytes());
    }
    for bytes in arguments {
        resp::argument(&mut tail, bytes);
    }
    let slot = keys.first().map_or(0, |key| slots::slot(key));
    Call { script: None, slot, arguments: 1 + keys.len() + arguments.len(), tail, expects }
}

/// A call of a script that is a step of its own.
pub(crate) fn script_call(
    script: Script,
    keys: &[String],
    arguments: &[&[u8]],
    expects: Expects,
) -> Call {
    Call { script: Some(script), ..call(keys, arguments, expects) }
}

pub(crate) fn field(kind: u8, name: &[u8]) -> Vec<u8> {
    let mut field = Vec::with_capacity(name.len() + 1);
    field.push(kind);
    field.extend_from_slice(name);
    field
}
