//! Revocation: tokens by id, all of a user's tokens up to an instant (the epoch), and blocks.

use crate::core::base::due_map::DueMap;

/// When a token was issued, as the token says it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Issued {
    /// Signed by our own key with `gen`, the store's microseconds at issue.
    Own {
        /// The `gen` claim.
        generation: u64,
    },
    /// Any other token: its `iat`, in milliseconds since the Unix epoch.
    Foreign {
        /// The `iat` claim, rounded down to whole milliseconds.
        iat_ms: u64,
    },
}

/// The revocations of one user. Most users have no revocations.
#[derive(Clone, Debug, Default)]
pub struct Revocations {
    /// Revoked tokens, and until when each is remembered.
    tokens: DueMap<Box<[u8]>, u64>,
    epoch: Option<Epoch>,
    block: Option<Block>,
}

/// Every token issued up to this point is revoked.
#[derive(Clone, Copy, Debug)]
struct Epoch {
    /// Own tokens of this generation and below.
    generation: u64,
    /// Foreign tokens with `iat` before this instant.
    before_ms: u64,
    /// From this instant no token that the epoch revokes can be accepted any more.
    until_ms: u64,
}

/// Denies every request of the user.
#[derive(Clone, Copy, Debug)]
struct Block {
    until_ms: Option<u64>,
}

impl Revocations {
    /// Remembers a token. A second call never shortens the time.
    pub fn revoke_token(&mut self, token: &[u8], until_ms: u64) {
        match self.tokens.get_mut(token) {
            Some(until) => *until = (*until).max(until_ms),
            None => self.tokens.insert(token.into(), until_ms),
        }
    }

    /// Revokes own tokens up to a generation, and foreign tokens issued before an instant.
    pub fn raise_epoch(&mut self, generation: u64, before_ms: u64, until_ms: u64) {
        let old = self.epoch;
        self.epoch = Some(Epoch {
            generation: old.map_or(generation, |e| e.generation.max(generation)),
            before_ms: old.map_or(before_ms, |e| e.before_ms.max(before_ms)),
            until_ms: old.map_or(until_ms, |e| e.until_ms.max(until_ms)),
        });
    }

    /// Denies every request until that instant; `None`: without end. A longer block stays unchanged.
    pub fn block(&mut self, until_ms: Option<u64>) {
        let standing = self.block.map(|block| block.until_ms);
        let until_ms = standing.map_or(until_ms, |until| Some(until?.max(until_ms?)));
        self.block = Some(Block { until_ms });
    }

    /// Lifts the block. False if there is none.
    pub fn unblock(&mut self, now_ms: u64) -> bool {
        let stood = self.is_blocked(now_ms);
        self.block = None;
        stood
    }

    /// Whether the user is blocked.
    #[must_use]
    pub fn is_blocked(&self, now_ms: u64) -> bool {
        self.block.is_some_and(|block| block.until_ms.is_none_or(|until| until > now_ms))
    }

    /// How long the block lasts; `None`: there is no block, or it has no end.
    #[must_use]
    pub fn block_left_ms(&self, now_ms: u64) -> Option<u64> {
        self.block?.until_ms?.checked_sub(now_ms).filter(|left| *left > 0)
    }

    /// Whether this token was revoked by id.
    #[must_use]
    pub fn is_token_revoked(&self, token: &[u8], now_ms: u64) -> bool {
        self.tokens.get(token).is_some_and(|until| *until > now_ms)
    }

    /// Whether the epoch revokes a token issued then. A token without that instant counts as revoked.
    #[must_use]
    pub fn is_before_epoch(&self, issued: Option<Issued>, now_ms: u64) -> bool {
        let Some(epoch) = self.epoch.filter(|epoch| epoch.until_ms > now_ms) else {
            return false;
        };
        match issued {
            Some(Issued::Own { generation }) => generation <= epoch.generation,
            Some(Issued::Foreign { iat_ms }) => iat_ms < epoch.before_ms,
            None => true,
        }
    }

    /// Drops expired entries, at most `most` tokens.
    pub fn expire(&mut self, settled_ms: u64, most: usize) {
        self.tokens.expire(settled_ms, most, |_, _| ());
        self.epoch = self.epoch.filter(|epoch| epoch.until_ms > settled_ms);
        if !self.is_blocked(settled_ms) {
            self.block = None;
        }
    }

    /// Whether there are no revocations.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty() && self.epoch.is_none() && self.block.is_none()
    }

    /// For the canonical dump: sorted, so that equal states read equal.
    #[must_use]
    pub fn describe(&self) -> String {
        let mut tokens: Vec<_> = self.tokens.iter().collect();
        tokens.sort();
        format!("tokens={tokens:?} epoch={:?} block={:?}", self.epoch, self.block)
    }
}
