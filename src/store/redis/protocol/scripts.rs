//! The texts of the scripts. Each begins with the prelude; those
//! that look at the whole record have the library behind their own first lines, those that look at a quota
//! have the library of quotas, those that look at an API key the library of keys behind it, and
//! those that ask for a credential again both.

use crate::core::script::{Script, WhenFull};
use std::sync::LazyLock;

/// A script, ready to be called.
pub struct Text {
    /// Its text.
    pub text: String,
    /// Its SHA-1, in hexadecimal.
    pub sha: String,
}

const PRELUDE: &str = include_str!("../lua/prelude.lua");
const OURS: &str = include_str!("../lua/ours.lua");
const ANNOUNCE: &str = include_str!("../lua/announce.lua");
const LIB: &str = include_str!("../lua/lib.lua");
const QUOTA: &str = include_str!("../lua/quota.lua");
const APPLY: &str = include_str!("../lua/apply.lua");
const KEY: &str = include_str!("../lua/key.lua");
const POINTER: &str = include_str!("../lua/pointer.lua");
const LEAD_SEEN: &str = include_str!("../lua/lead_seen.lua");
const TURN: &str = include_str!("../lua/turn.lua");
const TURN_FREE: &str = include_str!("../lua/turn_free.lua");
const TURN_ASK_BODY: &str = include_str!("../lua/turn_ask_body.lua");
const TURN_LEAVE_FREE: &str = include_str!("../lua/turn_leave_free.lua");
const TURN_LEAVE_BODY: &str = include_str!("../lua/turn_leave_body.lua");
const TURN_LINE: &str = include_str!("../lua/turn_line.lua");
const CREDENTIAL: &str = include_str!("../lua/credential.lua");
const CREDENTIAL_DENY: &str = include_str!("../lua/credential_deny.lua");

/// The parts of a script, in the order in which they are put together: what many share is kept once.
macro_rules! text {
    ($first:ident then $body:literal) => {
        &[PRELUDE, $first, include_str!(concat!("../lua/", $body, ".lua"))]
    };
    ($first:literal) => {
        &[PRELUDE, include_str!(concat!("../lua/", $first, ".lua"))]
    };
    (key, $($part:literal),+) => {
        &[PRELUDE, OURS, ANNOUNCE, QUOTA, KEY, $(include_str!(concat!("../lua/", $part, ".lua"))),+]
    };
    (credential, $first:literal, $($body:literal),+) => {
        &[
            PRELUDE,
            include_str!(concat!("../lua/", $first, ".lua")),
            CREDENTIAL,
            OURS,
            LIB,
            KEY,
            CREDENTIAL_DENY,
            $(include_str!(concat!("../lua/", $body, ".lua"))),+
        ]
    };
    (turn, $first:literal, $free:expr, $body:expr) => {
        &[PRELUDE, include_str!(concat!("../lua/", $first, ".lua")), TURN, $free, OURS, TURN_LINE, $body]
    };
    ($first:literal, $($body:literal),+) => {
        &[
            PRELUDE,
            include_str!(concat!("../lua/", $first, ".lua")),
            OURS,
            ANNOUNCE,
            LIB,
            $(include_str!(concat!("../lua/", $body, ".lua"))),+
        ]
    };
}

const TURN_EXTEND: &[&str] = &[
    PRELUDE,
    include_str!("../lua/turn_extend.lua"),
    TURN,
    include_str!("../lua/turn_extend_body.lua"),
];

/// What is needed where the credential is not seen to stand at once comes behind.
const TURN_ASK_STANDING: &[&str] = &[
    PRELUDE,
    include_str!("../lua/turn_ask_standing.lua"),
    CREDENTIAL,
    include_str!("../lua/turn_stands.lua"),
    TURN,
    TURN_FREE,
    OURS,
    LIB,
    KEY,
    CREDENTIAL_DENY,
    include_str!("../lua/turn_deny.lua"),
    TURN_LINE,
    TURN_ASK_BODY,
];

/// The parts of each script.
fn parts(script: Script) -> &'static [&'static str] {
    match script {
        Script::Decide => text!("decide", "quota", "decide_slow"),
        Script::Admit => text!("admit", "admit_session", "admit_body"),
        Script::Touch => text!("touch", "touch_body"),
        Script::End => text!("end", "end_body"),
        Script::List => text!("list", "list_body"),
        Script::RevokeToken => text!("revoke_token", "revoke_token_body"),
        Script::IsRevoked => text!("is_revoked", "is_revoked_body"),
        Script::RevokeUser => text!("revoke_user", "lead_seen", "revoke_user_body"),
        Script::UnblockUser => text!("unblock_user", "unblock_user_body"),
        Script::IsBlocked => text!("is_blocked", "is_blocked_body"),
        Script::NextGeneration => text!("next_generation", "next_generation_body"),
        Script::Consume => text!(QUOTA then "consume"),
        Script::AddUnits => text!(QUOTA then "add_units"),
        Script::Refund => text!(QUOTA then "refund"),
        Script::ReceiptKey => text!("receipt_key"),
        Script::ResetQuotas => text!(QUOTA then "reset_quotas"),
        Script::Apply => text!(APPLY then "apply_body"),
        Script::ApplyStanding => {
            text!(credential, "apply_standing", "apply_standing_body", "apply_body")
        }
        Script::CheckCredential => text!(credential, "standing", "standing_body"),
        Script::TurnAsk => text!(turn, "turn_ask", TURN_FREE, TURN_ASK_BODY),
        Script::TurnAskStanding => TURN_ASK_STANDING,
        Script::TurnLeave => text!(turn, "turn_leave", TURN_LEAVE_FREE, TURN_LEAVE_BODY),
        Script::TurnExtend => TURN_EXTEND,
        Script::Once => text!("once"),
        Script::OnceRelease => text!("once_release"),
        Script::Check => text!("check"),
        Script::KeyFind => text!(POINTER then "key_find"),
        Script::KeyClaim => text!(POINTER then "key_claim"),
        Script::KeyPoint => text!(POINTER then "key_point"),
        Script::KeyCreate => text!(key, "key_patch", "key_create"),
        Script::KeyUse => {
            text!(key, "key_use", "key_judge", "lib", "key_decide", "decide_slow", "key_use_end")
        }
        Script::KeyUndo => text!(key, "key_undo"),
        Script::KeyRotate => text!(key, "key_rotate"),
        Script::KeyRevoke => text!(key, "key_revoke"),
        Script::KeyAdd => text!(key, "key_add"),
        Script::KeyUpdate => text!(key, "key_patch", "key_update"),
        Script::KeyIds => text!("key_ids"),
        Script::KeyGet => text!(key, "key_get"),
        Script::FamilyFind => text!(OURS then "family_find"),
        Script::Login => text!("login", "family", "admit_session", "login_body"),
        Script::Refresh => text!("refresh", "family", "refresh_body"),
        Script::Logout => text!("logout", "family", "logout_body"),
        Script::Lead => text!(LEAD_SEEN then "lead"),
    }
}

static SCRIPTS: LazyLock<Vec<Text>> = LazyLock::new(|| {
    Script::ALL
        .iter()
        .map(|script| {
            let flags = match script.when_full() {
                WhenFull::Runs => " flags=allow-oom",
                WhenFull::Fails => "",
            };
            let text = format!("#!lua{flags}\n{}", parts(*script).concat());
            let sha = redis::Script::new(&text).get_hash().to_owned();
            Text { text, sha }
        })
        .collect()
});

/// The text of every script.
pub fn all() -> &'static [Text] {
    &SCRIPTS
}

/// The text of a script.
pub fn text_of(script: Script) -> &'static Text {
    &SCRIPTS[script as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a script reads must not grow with what an account has done.
    #[test]
    fn no_script_reads_a_whole_key() {
        for (at, script) in all().iter().enumerate().filter(|(at, _)| *at != Script::Check as usize)
        {
            for command in
                ["HGETALL", "HKEYS", "HVALS", "SMEMBERS", "SORT", "KEYS", "LRANGE", "SCAN"]
            {
                let call = format!("'{command}'");
                assert!(!script.text.contains(&call), "script {at} calls {command}");
            }
            for line in script.text.lines().filter(|line| line.contains("RANGEBYSCORE")) {
                assert!(
                    line.contains("'LIMIT'") || line.contains("ZREMRANGE"),
                    "script {at}: {line}"
                );
            }
        }
    }
}
