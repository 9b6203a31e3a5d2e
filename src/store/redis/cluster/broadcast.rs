//! A question to every node that serves slots, and one answer made of theirs.

use super::state::Shared;
use crate::core::base::error::Fault;
use crate::core::op::Verdict;
use crate::core::op::{Outcome, Replica};
use crate::core::store::Sink;
use crate::store::redis::net::slots::bucket_in;
use crate::store::redis::protocol::codec::{Plan, Then, ping};
use std::sync::{Arc, Mutex, PoisonError};

impl Shared {
    /// Asks whether scripts run, on every node. `Some`: it was refused.
    pub fn ask_all(&self, ticket: u64, sink: &Arc<dyn Sink>) -> Option<Outcome> {
        let asked = self.read(|map| {
            let bucket_of = |node| {
                bucket_in(|slot| map.owner(slot).is_some_and(|owner| Arc::ptr_eq(owner, node)))
            };
            let owners = map.owners();
            let buckets: Vec<_> = owners.iter().map(bucket_of).collect();
            let is_whole = map.known && map.uncovered() == 0;
            if is_whole { Ok((owners, buckets)) } else { Err(map.known) }
        });
        let (owners, buckets) = match asked {
            Ok(asked) => asked,
            Err(known) => {
                return match self.refusal(known) {
                    Some(fault) => Some(Err(fault)),
                    None => self.park_all(ticket, sink),
                };
            }
        };
        let gather: Arc<dyn Sink> = Arc::new(Gather {
            sink: Arc::clone(sink),
            ticket,
            left: Mutex::new((owners.len(), Ok(Some(Vec::new())))),
        });
        for (node, bucket) in owners.iter().zip(buckets) {
            // No bucket of ours lies there: it is not needed.
            let refused = match bucket {
                None => Some(Ok(Verdict::Pong(Some(Vec::new())))),
                Some(bucket) => {
                    let plan = Plan { call: ping(&self.way.prefix, bucket), then: Then::Nothing };
                    node.lines.link.submit(plan, 0, &gather)
                }
            };
            if let Some(outcome) = refused {
                let named = |fault: Fault| Fault {
                    message: format!("{} ({})", fault.message, node.name),
                    ..fault
                };
                gather.complete(0, outcome.map_err(named));
            }
        }
        self.hold();
        None
    }
}

/// Tells one who waits what several came to.
struct Gather {
    sink: Arc<dyn Sink>,
    ticket: u64,
    /// How many are to come, and the replicas of those before, or what was wrong.
    left: Mutex<(usize, Told)>,
}

type Told = Result<Option<Vec<Replica>>, Fault>;

impl Sink for Gather {
    fn complete(&self, _ticket: u64, outcome: Outcome) {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        left.0 -= 1;
        let all = std::mem::replace(&mut left.1, Ok(None));
        left.1 = match (all, outcome) {
            (Err(fault), _) | (_, Err(fault)) => Err(fault),
            (Ok(Some(all)), Ok(Verdict::Pong(Some(more)))) => Ok(Some([all, more].concat())),
            (Ok(_), Ok(_)) => Ok(None),
        };
        let told = (left.0 == 0).then(|| left.1.clone().map(Verdict::Pong));
        drop(left);
        if let Some(outcome) = told {
            self.sink.complete(self.ticket, outcome);
        }
    }
}
