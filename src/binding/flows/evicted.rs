//! Which sessions a decision has ended to make room: told on request, since there are hardly ever any.

use crate::core::request::request::Decision;
use std::collections::VecDeque;

/// So many are kept at most that JavaScript has not asked for: a batch of decisions is no more than 64.
const MOST: usize = 1024;

/// Their ids by number, until JavaScript has asked.
#[derive(Default)]
pub struct Evicted {
    kept: VecDeque<(u64, Vec<String>)>,
    last: u64,
}

impl Evicted {
    /// Keeps those of a decision; their number, 0 where there are none.
    pub fn keep(&mut self, decision: &mut Decision) -> u64 {
        if decision.evicted.is_empty() {
            return 0;
        }
        if self.kept.len() >= MOST {
            self.kept.pop_front();
        }
        self.last += 1;
        self.kept.push_back((self.last, std::mem::take(&mut decision.evicted)));
        self.last
    }

    /// Those of that number, once.
    pub fn take(&mut self, number: u64) -> Vec<String> {
        let found = self.kept.iter().position(|(other, _)| *other == number);
        found.and_then(|found| self.kept.remove(found)).map_or_else(Vec::new, |(_, ids)| ids)
    }
}
