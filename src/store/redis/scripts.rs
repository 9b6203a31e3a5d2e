//! The scripts, one per verb, and how a call of one is written. Each begins with the prelude; those
//! that look at the whole record have the library behind their own first lines, those that look at a quota
//! have the library of quotas.

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
    Once,
    OnceRelease,
    Check,
}

/// A script, ready to be called.
pub struct Script {
    /// Its text.
    pub text: String,
    /// Its SHA-1, in hexadecimal.
    pub sha: String,
}

macro_rules! text {
    ($first:literal then $body:literal) => {
        concat!(
            include_str!("lua/prelude.lua"),
            include_str!(concat!("lua/", $first, ".lua")),
            include_str!(concat!("lua/", $body, ".lua"))
        )
    };
    ($first:literal) => {
        concat!(include_str!("lua/prelude.lua"), include_str!(concat!("lua/", $first, ".lua")))
    };
    ($first:literal, $($body:literal),+) => {
        concat!(
            include_str!("lua/prelude.lua"),
            include_str!(concat!("lua/", $first, ".lua")),
            include_str!("lua/lib.lua"),
            $(include_str!(concat!("lua/", $body, ".lua"))),+
        )
    };
}

/// (text, whether it runs where the server is out of memory: checks must, new revocations must not
/// seem to have been kept).
const TEXTS: [(&str, bool); 20] = [
    (text!("decide", "quota", "decide_slow"), true),
    (text!("admit", "admit_body"), false),
    (text!("touch", "touch_body"), true),
    (text!("end", "end_body"), true),
    (text!("list", "list_body"), true),
    (text!("revoke_token", "revoke_token_body"), false),
    (text!("is_revoked", "is_revoked_body"), true),
    (text!("revoke_user", "revoke_user_body"), false),
    (text!("unblock_user", "unblock_user_body"), true),
    (text!("next_generation", "next_generation_body"), false),
    (text!("quota" then "consume"), false),
    (text!("quota" then "add_units"), false),
    (text!("quota" then "refund"), false),
    (text!("receipt_key"), false),
    (text!("quota" then "reset_quotas"), true),
    (text!("apply" then "apply_body"), false),
    (text!("apply_standing", "apply_standing_body", "apply_body"), false),
    (text!("once"), false),
    (text!("once_release"), true),
    (text!("check"), true),
];

static SCRIPTS: LazyLock<Vec<Script>> = LazyLock::new(|| {
    TEXTS
        .iter()
        .map(|(text, out_of_memory)| {
            let flags = if *out_of_memory { " flags=allow-oom" } else { "" };
            let text = format!("#!lua{flags}\n{text}");
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
