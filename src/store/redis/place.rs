//! Where the server of a connection is: where a URL says, or where Sentinels say at that moment.

use super::cluster::Shared;
use super::sentinel::Sentinels;
use super::socket::Address;
use std::future::pending;
use std::io;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::time::sleep;

/// How often it is looked whether a node is still one of the Cluster's.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Clone)]
pub enum Place {
    Fixed(Address),
    Sentinels(Arc<Sentinels>),
    /// Any node of a Cluster: each passes on to all what is published.
    AnyOf(Weak<Shared>),
}

impl Place {
    /// Where it is now.
    ///
    /// # Errors
    /// Where nobody can say.
    pub async fn find(&self) -> io::Result<Address> {
        match self {
            Self::Fixed(address) => Ok(address.clone()),
            Self::Sentinels(sentinels) => sentinels.primary().await,
            Self::AnyOf(cluster) => {
                let found = cluster.upgrade().and_then(|cluster| cluster.any_node());
                found.ok_or_else(|| io::Error::other("no node of the Cluster can be reached"))
            }
        }
    }

    /// Waits until it is elsewhere.
    pub async fn moved_from(&self, address: &Address) -> io::Error {
        match self {
            Self::Fixed(_) => pending().await,
            Self::Sentinels(sentinels) => sentinels.moved_from(address).await,
            Self::AnyOf(cluster) => {
                let serves = || cluster.upgrade().is_some_and(|cluster| cluster.serves(address));
                while serves() {
                    sleep(LOOK_AGAIN).await;
                }
                io::Error::other("the node serves no slots any more")
            }
        }
    }
}
