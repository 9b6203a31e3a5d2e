//! The store of one Auth: what it is asked, and the bridge that its outcomes arrive at.

use crate::binding::config::{self, GateConfig};
use crate::binding::io::bridge::{Bridge, Wake};
use crate::core::base::clock::Clock;
use crate::core::base::error::Fault;
use crate::core::op::{Act, Op, Outcome};
use crate::core::store::{Sink, Store};
use crate::core::turn::ops::TurnGate;
use crate::tokens::jwt::claims::Rules;
use crate::tokens::random::random;
use std::sync::Arc;

/// A store, and the sink that it delivers to.
pub struct StoreClient {
    store: Arc<dyn Store>,
    bridge: Arc<Bridge>,
    sink: Arc<dyn Sink>,
    horizon_ms: u64,
    most_lead_ms: u64,
    /// The prefix of the queue tickets of this Auth's turns.
    pub turn_gate: TurnGate,
}

impl StoreClient {
    /// Opens the store.
    ///
    /// # Errors
    /// `ERR_LATCHGATE_CONFIG` for settings that no store can be opened with.
    pub fn open(
        config: &GateConfig,
        rules: &Rules,
        clock: &Arc<dyn Clock>,
        wake: Wake,
    ) -> Result<Self, Fault> {
        let bridge = Arc::new(Bridge::new(wake));
        let client = Self {
            store: crate::store::registry::open(&config::settings(config)?, Arc::clone(clock))?,
            sink: Arc::clone(&bridge) as Arc<dyn Sink>,
            bridge,
            horizon_ms: rules.horizon_ms(),
            most_lead_ms: rules.most_lead_ms(),
            turn_gate: random()?,
        };
        // The first operation tells the store our horizon, before anything ends in it.
        let _ = client.submit(Act::Ping, 0);
        client.store.watch(Arc::downgrade(&client.sink));
        Ok(client)
    }

    /// Submits an operation. `None`: the outcome arrives later, under the completion id.
    pub fn submit(&self, act: Act<'_>, id: u64) -> Option<Outcome> {
        let op = Op { act, horizon_ms: self.horizon_ms, most_lead_ms: self.most_lead_ms };
        self.store.submit(op, id, &self.sink)
    }

    /// Subscribes to turns and revocations.
    pub fn listen(&self) {
        self.store.listen(self.turn_gate, Arc::downgrade(&self.sink));
    }

    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    pub fn bridge(&self) -> &Arc<Bridge> {
        &self.bridge
    }
}
