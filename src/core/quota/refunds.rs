//! Refunds of a bucket whose other units are still in use.
//!
//! The units of a bucket return in the order of their charges. So the remaining units of a charge follow from the units
//! charged after it, minus their refunds: all other used units are older. Without this rule, a refund of a charge whose
//! units have already returned would take units of later charges.

use crate::core::base::limits::MAX_STRETCHES;

/// Most ranges to remember. Beyond that the earliest is dropped. Charges before it may then get a smaller refund than
/// their units, never a larger one.
const MOST: usize = MAX_STRETCHES;

/// Ranges of charged units that were refunded as a whole, in order. Each is the number of its last unit, and its length.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GivenBack(Vec<(u64, u64)>);

impl GivenBack {
    /// How many of `used` units were charged by then. `total`, `at`: units ever charged, now and then.
    #[must_use]
    pub fn left(&self, used: u64, total: u64, at: u64) -> u64 {
        let behind = self.0.iter().filter(|(last, _)| *last > at).map(|(_, units)| units).sum();
        used.saturating_sub(total.saturating_sub(at).saturating_sub(behind))
    }

    /// Records a refund of `units`, the last of which has that number.
    pub fn note(&mut self, at: u64, units: u64) {
        let place = self.0.partition_point(|(last, _)| *last < at);
        let mut stretch = (at, units);
        if let Some(next) = self.0.get(place).filter(|(last, units)| last - units == at) {
            stretch = (next.0, next.1 + units);
            self.0.remove(place);
        }
        match self.0[..place].last_mut() {
            Some(before) if before.0 == at - units => *before = (stretch.0, before.1 + stretch.1),
            _ => self.0.insert(place, stretch),
        }
        if self.0.len() > MOST {
            self.0.remove(0);
        }
    }

    /// Drops the ranges that no unit still in use precedes.
    pub fn forget(&mut self, used: u64, total: u64) {
        if !self.0.is_empty() {
            let over = self.0.partition_point(|(last, _)| self.left(used, total, *last) == 0);
            self.0.drain(..over);
        }
    }

    /// Drops all ranges.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}
