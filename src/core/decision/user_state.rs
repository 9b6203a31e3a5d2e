//! The part of a user's record that decisions on requests and logins read and change.

use crate::core::base::clock::Now;
use crate::core::quota::table::QuotaTable;
use crate::core::revocation::validity::TokenValidity;
use crate::core::session::sessions::Sessions;

/// Sessions, token validity and quotas of one user.
#[derive(Clone, Debug, Default)]
pub struct UserState {
    pub sessions: Sessions,
    pub validity: TokenValidity,
    pub quotas: QuotaTable,
}

impl UserState {
    /// Revokes every token issued until now, and ends every session. Returns how many sessions ended.
    pub fn revoke_all(&mut self, lead_ms: u64, now: Now<'_>) -> u64 {
        self.validity.revoke_all(lead_ms, self.sessions.horizon_ms(), now);
        self.sessions.end_all(None, now.ms())
    }

    /// Drops what has expired, at most `most` entries of each kind.
    pub fn expire(&mut self, settled_ms: u64, most: usize) {
        self.sessions.expire(settled_ms, most);
        self.validity.expire(self.sessions.horizon_ms(), settled_ms, most);
        self.quotas.expire(settled_ms, most);
    }

    /// Whether the user is as if never seen.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty() && self.validity.is_empty() && self.quotas.is_empty()
    }

    /// For the canonical dump: equal states read equal.
    #[must_use]
    pub fn describe(&self) -> String {
        let (sessions, quotas) = (self.sessions.describe(), self.quotas.describe());
        format!("{sessions} {} {quotas}", self.validity.describe())
    }
}
