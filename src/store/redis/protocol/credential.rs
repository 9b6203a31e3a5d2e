//! Credentials that are asked for again, as keys and arguments of a script, and what it finds against them.

use super::call::{Call, Expects, call, field};
use super::fields;
use super::fields::issued;
use super::key_names::Names;
use super::layout::CredentialArguments;
use super::numbers;
use crate::core::base::reason::{Reason, Reasons};
use crate::core::request::credential::Credential;
use crate::core::request::request::SessionCheck;
use crate::core::revocation::epoch::Issued;

/// What comes first among keys and arguments of a script that asks for a credential.
pub struct Asked {
    /// The user's record, its queue, the API key, and the owner's index.
    pub keys: [String; 4],
    /// See lua/request/credential.lua.
    pub arguments: [Vec<u8>; 5],
}

/// Writes a credential of that user.
pub fn asked(prefix: &str, user: &str, credential: &Credential<'_>, horizon_ms: u64) -> Asked {
    let names = Names::of(prefix, user);
    let Credential { token, key } = credential;
    let check = token.as_ref().is_some_and(|token| token.check != SessionCheck::Skip);
    let never = Issued::Own { generation: 0 };
    let (foreign, when) = issued(token.as_ref().map_or(never, |token| token.issued));
    let numbers = CredentialArguments {
        token: token.is_some(),
        key: key.is_some(),
        check,
        foreign,
        issued: when,
        horizon: horizon_ms,
    };
    let (record, queue) = (names.key("u"), names.key("d"));
    let (lies, ring) = match key {
        Some(key) => (Names::of_api_key(prefix, &key.id).key("a"), names.key("ak")),
        None => (record.clone(), record.clone()),
    };
    let session = token.as_ref().map_or(Vec::new(), |it| field(b's', it.session.as_bytes()));
    let revoked = token.as_ref().map_or(Vec::new(), |it| field(b'r', &it.token));
    let digest = key.as_ref().map_or(Vec::new(), |key| key.digest.to_vec());
    Asked {
        keys: [record, queue, lies, ring],
        arguments: [numbers.pack(), session, revoked, digest, user.as_bytes().to_vec()],
    }
}

/// Writes the question whether it stands.
pub fn standing(prefix: &str, user: &str, credential: &Credential<'_>, horizon_ms: u64) -> Call {
    let Asked { keys, arguments } = asked(prefix, user, credential, horizon_ms);
    let arguments = arguments.each_ref().map(|bytes| &bytes[..]);
    call(&keys, &arguments, Expects::Validity)
}

/// Reads the reasons against a credential.
pub fn reasons(bits: u64) -> Reasons {
    fields::reasons(
        bits,
        &[
            (numbers::USER_BLOCKED, Reason::UserBlocked),
            (numbers::TOKEN_REVOKED, Reason::TokenRevoked),
            (numbers::USER_REVOKED, Reason::UserRevoked),
            (numbers::SESSION_ENDED, Reason::SessionEnded),
            (numbers::SESSION_UNKNOWN, Reason::SessionUnknown),
            (numbers::CREDENTIAL_KEY_UNKNOWN, Reason::KeyUnknown),
            (numbers::CREDENTIAL_KEY_REVOKED, Reason::KeyRevoked),
            (numbers::CREDENTIAL_KEY_EXPIRED, Reason::KeyExpired),
        ],
    )
}
