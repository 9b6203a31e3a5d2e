//! How far the clock of an issuer is ahead of the store's clock, as its tokens show at their first use. A revocation must
//! reach tokens that such a clock has stamped with a future instant.

use crate::core::base::limits::DAY_MS;
use std::borrow::Cow;

/// Length of a period, in milliseconds. The largest lead of this period and of the previous period counts.
pub const PERIOD_MS: u64 = DAY_MS;

/// The time that a revocation adds to the end of its own second.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lead<'a> {
    /// The largest lead that the store has seen of this issuer. Empty: the issuer is this app.
    Observed {
        /// The issuer.
        issuer: Cow<'a, str>,
    },
    /// A fixed number of milliseconds.
    Fixed {
        /// Milliseconds.
        ms: u64,
    },
}

impl Lead<'_> {
    /// The same, owning what it names.
    #[must_use]
    pub fn into_owned(self) -> Lead<'static> {
        match self {
            Self::Observed { issuer } => Lead::Observed { issuer: Cow::Owned(issuer.into_owned()) },
            Self::Fixed { ms } => Lead::Fixed { ms },
        }
    }

    /// The milliseconds, if they are known without the store.
    #[must_use]
    pub const fn fixed_ms(&self) -> u64 {
        match self {
            Self::Observed { .. } => 0,
            Self::Fixed { ms } => *ms,
        }
    }
}

/// An allowed token whose `iat` is ahead of the store's clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ahead {
    /// The issuer. Empty: this app.
    pub issuer: String,
    /// The lead, in milliseconds.
    pub ms: u64,
}

/// The largest leads of one issuer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SeenLead {
    /// Number of the period of `latest_ms`.
    period: u64,
    latest_ms: u64,
    before_ms: u64,
}

impl SeenLead {
    /// Records a lead. It never lowers the lead of the period.
    pub fn note(&mut self, lead_ms: u64, now_ms: u64) {
        let period = now_ms / PERIOD_MS;
        // A clock that was set back continues the latest period.
        if period > self.period {
            self.before_ms = if period == self.period + 1 { self.latest_ms } else { 0 };
            (self.period, self.latest_ms) = (period, 0);
        }
        self.latest_ms = self.latest_ms.max(lead_ms);
    }

    /// The largest lead of the last 24 hours, and of at most 24 more.
    #[must_use]
    pub fn ms(mut self, now_ms: u64) -> u64 {
        self.note(0, now_ms);
        self.latest_ms.max(self.before_ms)
    }

    /// Whether both leads have expired.
    #[must_use]
    pub fn is_over(self, now_ms: u64) -> bool {
        self.ms(now_ms) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_lead_counts_for_a_day_and_for_at_most_two() {
        let (mut seen, day) = (SeenLead::default(), PERIOD_MS);
        let start = 1_000 * day;
        seen.note(2_000, start + day - 1);
        seen.note(1_500, start + day - 1);
        assert_eq!(seen.ms(start + day - 1), 2_000);
        assert_eq!(seen.ms(start + 2 * day - 1), 2_000, "a day later");
        assert_eq!(seen.ms(start + 2 * day), 0);
        seen.note(700, start + day);
        assert_eq!(seen.ms(start + day), 2_000);
        assert_eq!(seen.ms(start + 2 * day), 700);
        assert!(!seen.is_over(start + 2 * day) && seen.is_over(start + 3 * day));
        let mut back = seen;
        back.note(900, start);
        assert_eq!(back.ms(start), 2_000, "a clock that was set back loses nothing");
    }
}
