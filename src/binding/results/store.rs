//! The state of the store, and its events, as JavaScript objects.

use crate::binding::convert::number;
use crate::core::op::Replica;
use crate::core::store::{Health, Notice, Topology};
use crate::core::turn::ops::number_of;
use napi_derive::napi;

/// The state of the store.
#[napi(object)]
pub struct NativeHealth {
    pub connected: bool,
    pub version: Option<String>,
    pub topology: String,
    pub primaries: Vec<String>,
    pub unreachable: Vec<String>,
    pub warnings: Vec<String>,
    pub damaged: bool,
}

/// A replica of a primary.
#[napi(object)]
pub struct NativeReplica {
    pub address: String,
    pub lag_bytes: f64,
    pub online: bool,
}

/// An event of the store.
#[napi(object)]
pub struct NativeEvent {
    /// `store-error`, `store-recovered` or `damaged`; for waiters and subscribers: `turn`, `revoked` or `listening`.
    pub r#type: String,
    pub message: Option<String>,
    /// Of `turn`: the number of the queue ticket that should ask again.
    pub ticket: Option<f64>,
    /// Of `revoked`: the user whose credentials should be checked again.
    pub user_id: Option<String>,
}

/// A notice as an event. `None` for a notice that JavaScript does not need.
pub fn event(notice: Notice) -> Option<NativeEvent> {
    let (name, message, ticket, user_id) = match notice {
        Notice::Opened => return None,
        Notice::Lost(message) => ("store-error", Some(message), None, None),
        Notice::Recovered => ("store-recovered", None, None, None),
        Notice::Damaged => ("damaged", None, None, None),
        Notice::Turn(ticket) => ("turn", None, Some(number(number_of(&ticket))), None),
        Notice::Revoked(user) => ("revoked", None, None, Some(user)),
        Notice::Listening => ("listening", None, None, None),
    };
    Some(NativeEvent { r#type: name.to_owned(), message, ticket, user_id })
}

/// The state of the store as an object.
pub fn health(health: Health) -> NativeHealth {
    let Health { connected, version, topology, primaries, unreachable, warnings, damaged } = health;
    let topology = match topology {
        Topology::Embedded => "embedded",
        Topology::Standalone => "standalone",
        Topology::Sentinel => "sentinel",
        Topology::Cluster => "cluster",
    };
    NativeHealth {
        connected,
        version,
        topology: topology.to_owned(),
        primaries,
        unreachable,
        warnings,
        damaged,
    }
}

/// A replica as an object.
pub fn replica(Replica { address, lag_bytes, online }: Replica) -> NativeReplica {
    NativeReplica { address, lag_bytes: number(lag_bytes), online }
}
