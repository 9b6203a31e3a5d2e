//! The scripts, one per verb, and how a call of one is written. Each begins with the prelude; those
//! that look at the whole record have the library behind their own first lines, those that look at a quota
//! have the library of quotas, those that look at an API key the library of keys behind it, and
//! those that ask for a credential again both.

use std::sync::LazyLock;

/// One verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(usize)]
pub enum Verb {
    Decide,
    Admit,
    Touch,
    End,
    List,
    RevokeToken,
    IsRevoked,
    RevokeUser,
    UnblockUser,
    NextGeneration,
    Consume,
    AddUnits,
    Refund,
    ReceiptKey,
    ResetQuotas,
    Apply,
    ApplyStanding,
    Standing,
    TurnAsk,
    TurnAskStanding,
    TurnLeave,
    TurnExtend,
    Once,
    OnceRelease,
    Check,
    KeyFind,
    KeyClaim,
    KeyPoint,
    KeyCreate,
    KeyUse,
    KeyUndo,
    KeyRotate,
    KeyRevoke,
    KeyAdd,
    KeyUpdate,
    KeyIds,
    KeyGet,
    FamilyFind,
    Login,
    Refresh,
    Logout,
    Lead,
}

/// A script, ready to be called.
pub struct Script {
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

/// (parts, whether it runs where the server is out of memory: checks must, new revocations must not
/// seem to have been kept).
const TEXTS: [(&[&str], bool); 42] = [
    (text!("decide", "quota", "decide_slow"), true),
    (text!("admit", "admit_session", "admit_body"), false),
    (text!("touch", "touch_body"), true),
    (text!("end", "end_body"), true),
    (text!("list", "list_body"), true),
    (text!("revoke_token", "revoke_token_body"), false),
    (text!("is_revoked", "is_revoked_body"), true),
    (text!("revoke_user", "lead_seen", "revoke_user_body"), false),
    (text!("unblock_user", "unblock_user_body"), true),
    (text!("next_generation", "next_generation_body"), false),
    (text!(QUOTA then "consume"), false),
    (text!(QUOTA then "add_units"), false),
    (text!(QUOTA then "refund"), false),
    (text!("receipt_key"), false),
    (text!(QUOTA then "reset_quotas"), true),
    (text!(APPLY then "apply_body"), false),
    (text!(credential, "apply_standing", "apply_standing_body", "apply_body"), false),
    (text!(credential, "standing", "standing_body"), true),
    (text!(turn, "turn_ask", TURN_FREE, TURN_ASK_BODY), false),
    (TURN_ASK_STANDING, false),
    (text!(turn, "turn_leave", TURN_LEAVE_FREE, TURN_LEAVE_BODY), true),
    (TURN_EXTEND, true),
    (text!("once"), false),
    (text!("once_release"), true),
    (text!("check"), true),
    (text!(POINTER then "key_find"), true),
    (text!(POINTER then "key_claim"), false),
    (text!(POINTER then "key_point"), true),
    (text!(key, "key_patch", "key_create"), false),
    (text!(key, "key_use", "key_judge", "lib", "key_decide", "decide_slow", "key_use_end"), true),
    // Of what it writes the server has room already.
    (text!(key, "key_undo"), true),
    (text!(key, "key_rotate"), false),
    (text!(key, "key_revoke"), true),
    (text!(key, "key_add"), false),
    (text!(key, "key_patch", "key_update"), false),
    (text!("key_ids"), true),
    (text!(key, "key_get"), true),
    (text!(OURS then "family_find"), true),
    (text!("login", "family", "admit_session", "login_body"), false),
    (text!("refresh", "family", "refresh_body"), false),
    (text!("logout", "family", "logout_body"), true),
    (text!(LEAD_SEEN then "lead"), true),
];

static SCRIPTS: LazyLock<Vec<Script>> = LazyLock::new(|| {
    TEXTS
        .iter()
        .map(|(parts, out_of_memory)| {
            let flags = if *out_of_memory { " flags=allow-oom" } else { "" };
            let text = format!("#!lua{flags}\n{}", parts.concat());
            let sha = redis::Script::new(&text).get_hash().to_owned();
            Script { text, sha }
        })
        .collect()
});

/// Every script.
pub fn all() -> &'static [Script] {
    &SCRIPTS
}

impl Verb {
    /// Its script.
    pub fn script(self) -> &'static Script {
        &SCRIPTS[self as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a script reads must not grow with what an account has done.
    #[test]
    fn no_script_reads_a_whole_key() {
        for (at, script) in all().iter().enumerate().filter(|(at, _)| *at != Verb::Check as usize) {
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
