//! The methods for counters, and for keys of `once`.

use super::NativeAuth;
use crate::binding::convert::{Result, error, to_id, to_integer};
use crate::binding::runtime::auth::NowOrLater;
use crate::binding::runtime::credentials::presented;
use crate::binding::runtime::slots::enter;
use crate::core::base::error::Fault;
use crate::core::counter::counter::{Apply, Change, MOST};
use crate::core::op::Act;
use crate::tokens::jwt::issue::random_id;
use crate::tokens::request::fingerprint::counter_idempotency;
use napi_derive::napi;

/// Changes of one call.
const MAX_CHANGES: usize = 64;

#[napi]
impl NativeAuth {
    /// Changes counters, all or none. `numbers` has delta, least and most for each name; `several`: asked for as
    /// such, and not as one. `token` and `api_key`: only while they stand.
    #[allow(clippy::too_many_arguments)]
    #[napi]
    pub fn apply(
        &self,
        user_id: String,
        names: Vec<String>,
        numbers: Vec<f64>,
        several: bool,
        key: Option<String>,
        token: Option<String>,
        api_key: Option<String>,
    ) -> Result<NowOrLater> {
        let user = to_id("userId", user_id)?;
        let changes = changes(names, &numbers)?;
        let key = key.map(|key| to_id("idempotencyKey", key)).transpose()?;
        let once = key.map(|key| counter_idempotency(&user, &key, several, &changes));
        let credential = match (token, api_key) {
            (None, None) => None,
            (token, key) => {
                let presented = enter(&self.runtime, |runtime| {
                    presented(&mut runtime.tokens, token.as_deref(), key.as_deref(), &user)
                })?;
                Some(presented.map_err(|_| error(Fault::revoked()))?)
            }
        };
        self.submit(Act::Apply(Apply { user: user.into(), changes, once, credential }))
    }

    /// Gives a key to one caller. `by`: left out, a random one; `ttlMs` NaN: for ever.
    #[napi]
    pub fn once(&self, key: String, by: Option<String>, ttl_ms: f64) -> Result<NowOrLater> {
        let key = to_id("key", key)?;
        let by = match by {
            Some(by) => to_id("by", by)?,
            None => random_id().map_err(error)?,
        };
        let ttl_ms =
            if ttl_ms.is_nan() { None } else { Some(to_integer("ttl", ttl_ms, 1).map_err(error)?) };
        self.submit(Act::Once { key: key.into(), by: by.into(), ttl_ms })
    }

    /// Frees such a key.
    #[napi]
    pub fn once_release(&self, key: String, by: String) -> Result<NowOrLater> {
        let (key, by) = (to_id("key", key)?, to_id("by", by)?);
        self.submit(Act::OnceRelease { key: key.into(), by: by.into() })
    }
}

fn changes(names: Vec<String>, numbers: &[f64]) -> Result<Vec<Change<'static>>> {
    if names.is_empty() || names.len() > MAX_CHANGES || numbers.len() != 3 * names.len() {
        return Err(error(Fault::input(format!("1 to {MAX_CHANGES} changes in one call"))));
    }
    let mut seen: Vec<&str> = names.iter().map(String::as_str).collect();
    seen.sort_unstable();
    if seen.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(error(Fault::input("each counter may be named once in one call")));
    }
    names
        .into_iter()
        .zip(numbers.chunks_exact(3))
        .map(|(name, numbers)| {
            let name = to_id("name", name)?;
            let delta = to_signed_integer("delta", numbers[0])?;
            let (min, max) =
                (to_signed_integer("min", numbers[1])?, to_signed_integer("max", numbers[2])?);
            if min > max {
                return Err(error(Fault::input("min must not be above max")));
            }
            Ok(Change { name: name.into(), delta, min, max })
        })
        .collect()
}

/// An integer that a double holds exactly.
fn to_signed_integer(name: &str, value: f64) -> Result<i64> {
    #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
    if value.fract() == 0.0 && value.abs() <= MOST as f64 {
        Ok(value as i64)
    } else {
        Err(error(Fault::input(format!("{name} must be an integer from -(2^53 - 1) to 2^53 - 1"))))
    }
}
