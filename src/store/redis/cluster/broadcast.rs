//! One answer made of those of several nodes.

use crate::core::base::error::Fault;
use crate::core::op::Answer;
use crate::core::op::{Outcome, Replica};
use crate::core::store::Sink;
use std::sync::{Arc, Mutex, PoisonError};

/// Tells one who waits what several came to.
pub struct Gather {
    sink: Arc<dyn Sink>,
    ticket: u64,
    /// How many are to come, and the replicas of those before, or what was wrong.
    left: Mutex<(usize, Told)>,
}

impl Gather {
    /// One that waits for so many answers.
    pub fn new(sink: &Arc<dyn Sink>, ticket: u64, count: usize) -> Self {
        Self { sink: Arc::clone(sink), ticket, left: Mutex::new((count, Ok(Some(Vec::new())))) }
    }
}

type Told = Result<Option<Vec<Replica>>, Fault>;

impl Sink for Gather {
    fn complete(&self, _ticket: u64, outcome: Outcome) {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        left.0 -= 1;
        let all = std::mem::replace(&mut left.1, Ok(None));
        left.1 = match (all, outcome) {
            (Err(fault), _) | (_, Err(fault)) => Err(fault),
            (Ok(Some(all)), Ok(Answer::Pong(Some(more)))) => Ok(Some([all, more].concat())),
            (Ok(_), Ok(_)) => Ok(None),
        };
        let told = (left.0 == 0).then(|| left.1.clone().map(Answer::Pong));
        drop(left);
        if let Some(outcome) = told {
            self.sink.complete(self.ticket, outcome);
        }
    }
}
