//! A warning about Auths of different issuers on one store.

/// Returns a warning if Auths with different first issuers use the store. `cure` adds advice to it.
pub fn shared_users(
    issuers: &[String],
    place: &str,
    cure: impl FnOnce() -> String,
) -> Option<String> {
    let names = issuers.iter().take(8).map(String::as_str).collect::<Vec<_>>().join(", ");
    (issuers.len() > 1).then(|| {
        format!(
            "{place} is used by Auths of different issuers ({names}): the same sub of two of them is one user. Give each \
             Auth a prefix of its own, or the same list as jwt.issuer{}",
            cure()
        )
    })
}
