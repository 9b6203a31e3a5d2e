//! Whether a user's tokens are valid, sessions excluded: revocations, and the generation of tokens.

use super::epoch::{Issued, Revocations};
use crate::core::base::clock::Now;
use crate::core::base::reason::{Reason, Reasons};

/// The revocations of one user, and the state that a revocation must reach.
#[derive(Clone, Debug, Default)]
pub struct TokenValidity {
    revocations: Option<Box<Revocations>>,
    /// The highest generation drawn or revoked.
    last_generation: u64,
    /// The latest `iat` of an allowed foreign token that was ahead of the store's clock: a revocation of the user must
    /// reach that token. 0: none.
    ahead_ms: u64,
}

impl TokenValidity {
    /// Whether the user is blocked.
    #[must_use]
    pub fn is_blocked(&self, now_ms: u64) -> bool {
        self.revocations.as_ref().is_some_and(|revocations| revocations.is_blocked(now_ms))
    }

    /// How long the block lasts, in milliseconds; `None`: there is no block, or it has no end.
    #[must_use]
    pub fn block_left_ms(&self, now_ms: u64) -> Option<u64> {
        self.revocations.as_ref()?.block_left_ms(now_ms)
    }

    /// The reasons that deny a token, sessions excluded.
    #[must_use]
    pub fn denial_reasons(&self, token: &[u8], issued: Option<Issued>, now_ms: u64) -> Reasons {
        let mut reasons = Reasons::default();
        if let Some(revocations) = &self.revocations {
            if revocations.is_blocked(now_ms) {
                reasons.add(Reason::UserBlocked);
            }
            if revocations.is_token_revoked(token, now_ms) {
                reasons.add(Reason::TokenRevoked);
            }
            if revocations.is_before_epoch(issued, now_ms) {
                reasons.add(Reason::UserRevoked);
            }
        }
        reasons
    }

    /// Remembers a token as revoked until that instant, in milliseconds.
    pub fn revoke_token(&mut self, token: &[u8], until_ms: u64, now_ms: u64) {
        // The caller has checked whether the token is still accepted.
        if until_ms > now_ms {
            self.revocations_mut().revoke_token(token, until_ms);
        }
    }

    /// Revokes every token issued until now. Own tokens are revoked by generation. Foreign tokens are revoked by `iat`:
    /// at most the end of this second plus the lead of the issuer's clock. Foreign tokens that were allowed before are
    /// revoked as well.
    pub fn revoke_all(&mut self, lead_ms: u64, horizon_ms: u64, now: Now<'_>) {
        let generation = self.last_generation.max(now.us);
        // The next token drawn must have a generation above the epoch, in this same microsecond too.
        self.last_generation = generation;
        let bound_ms = end_of_second(now.ms()).saturating_add(lead_ms);
        let before_ms = bound_ms.max(self.ahead_ms + 1);
        // Counted from the generation: after the clock was set back, the generation is ahead of it.
        let until_ms = now.ms().max(generation / 1000).saturating_add(horizon_ms);
        self.revocations_mut().raise_epoch(generation, before_ms, until_ms);
    }

    /// Blocks the user until that instant, in milliseconds; `None`: without end.
    pub fn block(&mut self, until_ms: Option<u64>) {
        self.revocations_mut().block(until_ms);
    }

    /// Lifts the block. False if there is none.
    pub fn unblock(&mut self, now_ms: u64) -> bool {
        self.revocations.as_mut().is_some_and(|revocations| revocations.unblock(now_ms))
    }

    /// Draws the generation of a token that is about to be issued.
    pub fn next_generation(&mut self, now_us: u64) -> u64 {
        self.last_generation = now_us.max(self.last_generation + 1);
        self.last_generation
    }

    /// Notes the `iat` of an allowed foreign token that is ahead of the store's clock.
    pub fn note_ahead(&mut self, iat_ms: u64) {
        self.ahead_ms = self.ahead_ms.max(iat_ms);
    }

    /// Drops what has expired, of revoked tokens at most `most`.
    pub fn expire(&mut self, horizon_ms: u64, settled_ms: u64, most: usize) {
        if let Some(revocations) = &mut self.revocations {
            revocations.expire(settled_ms, most);
            if revocations.is_empty() {
                self.revocations = None;
            }
        }
        if (self.last_generation / 1000).saturating_add(horizon_ms) <= settled_ms {
            self.last_generation = 0;
        }
        if self.ahead_ms <= settled_ms {
            self.ahead_ms = 0;
        }
    }

    /// Whether nothing is left to remember.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.revocations.is_none() && self.last_generation == 0 && self.ahead_ms == 0
    }

    /// For the canonical dump: equal states read equal.
    #[must_use]
    pub fn describe(&self) -> String {
        let revocations = self.revocations.as_ref().map(|revocations| revocations.describe());
        format!(
            "revocations={revocations:?} last_generation={} ahead={}",
            self.last_generation, self.ahead_ms
        )
    }

    fn revocations_mut(&mut self) -> &mut Revocations {
        self.revocations.get_or_insert_default()
    }
}

/// The end of the current second, in milliseconds. A foreign token whose `iat` is that instant or later was stamped by
/// a clock ahead of the store's.
#[must_use]
pub const fn end_of_second(now_ms: u64) -> u64 {
    (now_ms / 1000 + 1) * 1000
}
