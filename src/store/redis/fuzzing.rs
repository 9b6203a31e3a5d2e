//! The readers of what a server answers, and of URLs, for the fuzz targets (__test__/fuzz). Compiled for those alone.

pub use super::codec::{Call, Expects, Plan, Then, decode, encode};
pub use super::pack::{FAR, Packer, Unpacker};
pub use super::replicas::read as read_replicas;
pub use super::resp::{Garbled, Reply, argument, begin, read as read_reply};
pub use super::slots::{Range, Redirect, epoch, ranges, redirect, slot};
pub use super::socket::Address;
pub use super::url::{Endpoint, Named, parse as parse_url};
