//! Where the server of a connection is: where a URL says, or where Sentinels say at that moment.

use super::sentinel::Sentinels;
use crate::store::redis::net::socket::Address;
use std::future::pending;
use std::io;
use std::sync::Arc;

/// See the module.
#[derive(Clone, Debug)]
pub enum EndpointResolver {
    Fixed(Address),
    Sentinels(Arc<Sentinels>),
}

impl EndpointResolver {
    /// Where it is now.
    ///
    /// # Errors
    /// Where nobody can say.
    pub async fn find(&self) -> io::Result<Address> {
        match self {
            Self::Fixed(address) => Ok(address.clone()),
            Self::Sentinels(sentinels) => sentinels.primary().await,
        }
    }

    /// Waits until it is elsewhere.
    pub async fn moved_from(&self, address: &Address) -> io::Error {
        match self {
            Self::Fixed(_) => pending().await,
            Self::Sentinels(sentinels) => sentinels.moved_from(address).await,
        }
    }
}
