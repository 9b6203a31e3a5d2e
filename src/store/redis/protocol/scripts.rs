//! The texts of the scripts. build.rs makes each from its file in `src/store/redis/lua` and from the files that it includes.

use crate::core::script::{Script, WhenFull};
use std::sync::LazyLock;

/// A script, ready to be called.
pub struct Text {
    /// Its text.
    pub text: String,
    /// Its SHA-1, in hexadecimal.
    pub sha: String,
}

/// The text that build.rs made from a file.
macro_rules! lua {
    ($file:literal) => {
        include_str!(concat!(env!("OUT_DIR"), "/lua/", $file))
    };
}

/// The text of each script, without its first line.
const fn body(script: Script) -> &'static str {
    match script {
        Script::Decide => lua!("request/decide.lua"),
        Script::Admit => lua!("session/admit.lua"),
        Script::Touch => lua!("session/touch.lua"),
        Script::End => lua!("session/end.lua"),
        Script::List => lua!("session/list.lua"),
        Script::RevokeToken => lua!("revocation/revoke_token.lua"),
        Script::IsRevoked => lua!("revocation/is_revoked.lua"),
        Script::RevokeUser => lua!("revocation/revoke_user.lua"),
        Script::UnblockUser => lua!("revocation/unblock_user.lua"),
        Script::IsBlocked => lua!("revocation/is_blocked.lua"),
        Script::NextGeneration => lua!("revocation/next_generation.lua"),
        Script::Consume => lua!("quota/consume.lua"),
        Script::AddUnits => lua!("quota/add_units.lua"),
        Script::Refund => lua!("quota/refund.lua"),
        Script::ReceiptKey => lua!("quota/receipt_key.lua"),
        Script::ResetQuotas => lua!("quota/reset_quotas.lua"),
        Script::Apply => lua!("counter/apply.lua"),
        Script::ApplyWithCredential => lua!("counter/apply_with_credential.lua"),
        Script::CheckCredential => lua!("request/check_credential.lua"),
        Script::TurnAsk => lua!("turn/ask.lua"),
        Script::TurnAskWithCredential => lua!("turn/ask_with_credential.lua"),
        Script::TurnLeave => lua!("turn/leave.lua"),
        Script::TurnExtend => lua!("turn/extend.lua"),
        Script::Once => lua!("counter/once.lua"),
        Script::OnceRelease => lua!("counter/once_release.lua"),
        Script::Check => lua!("base/check.lua"),
        Script::KeyFind => lua!("api_key/find.lua"),
        Script::KeyClaim => lua!("api_key/claim.lua"),
        Script::KeyUpdateIndex => lua!("api_key/update_index.lua"),
        Script::KeyCreate => lua!("api_key/create.lua"),
        Script::KeyUse => lua!("api_key/use.lua"),
        Script::KeyUndo => lua!("api_key/undo.lua"),
        Script::KeyRotate => lua!("api_key/rotate.lua"),
        Script::KeyRevoke => lua!("api_key/revoke.lua"),
        Script::KeyAdd => lua!("api_key/add.lua"),
        Script::KeyUpdate => lua!("api_key/update.lua"),
        Script::KeyIds => lua!("api_key/ids.lua"),
        Script::KeyGet => lua!("api_key/get.lua"),
        Script::FamilyFind => lua!("family/find.lua"),
        Script::Login => lua!("family/login.lua"),
        Script::Refresh => lua!("family/refresh.lua"),
        Script::Logout => lua!("family/logout.lua"),
        Script::Lead => lua!("revocation/lead.lua"),
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
            let text = format!("#!lua{flags}\n{}", body(*script));
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

    /// The cost of a script must not grow with the history of an account.
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
