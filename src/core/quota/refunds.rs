//! What was given back of a bucket amid units that are still used.
//!
//! The units of a bucket come back in the order in which they were charged. So what is left of a charge is told by how many
//! units were charged after it, less what was given back of those: whatever else is used must be older. Without that, a charge
//! whose units have come back by themselves would be given back out of what others have used since.

/// So many stretches are kept. Of more the earliest is forgotten: what was charged before it may get back less than is its,
/// and never more.
const MOST: usize = 64;

/// Stretches of charged units, all of which were given back, in order: each is the number of the last unit, and how many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GivenBack(Vec<(u64, u64)>);

impl GivenBack {
    /// Of so many used units, those that were charged by then. `total`, `at`: units ever charged, now and then.
    #[must_use]
    pub fn left(&self, used: u64, total: u64, at: u64) -> u64 {
        let behind = self.0.iter().filter(|(last, _)| *last > at).map(|(_, units)| units).sum();
        used.saturating_sub(total.saturating_sub(at).saturating_sub(behind))
    }

    /// Notes that so many units, the last of which has that number, were given back.
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

    /// Forgets what nothing that is still used was charged before.
    pub fn forget(&mut self, used: u64, total: u64) {
        if !self.0.is_empty() {
            let over = self.0.partition_point(|(last, _)| self.left(used, total, *last) == 0);
            self.0.drain(..over);
        }
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}
