//! The readers of what a server answers, and of URLs, for the fuzz targets (__test__/fuzz). Compiled for those alone.

pub use crate::store::redis::endpoint::url::{Endpoint, Named, parse as parse_url};
pub use crate::store::redis::net::replicas::read as read_replicas;
pub use crate::store::redis::net::resp::{Garbled, Reply, argument, begin, read as read_reply};
pub use crate::store::redis::net::slots::{Range, Redirect, epoch, ranges, redirect, slot};
pub use crate::store::redis::net::socket::Address;
pub use crate::store::redis::protocol::call::{Call, Expects, Plan, Then};
pub use crate::store::redis::protocol::codec::{decode, encode};
pub use crate::store::redis::protocol::pack::{FAR, Packer, Unpacker};
