//! Which server to talk to: URLs, Sentinel, DNS, the handshake.

pub(crate) mod handshake;
pub(crate) mod poll;
pub(crate) mod prefix;
pub(crate) mod resolver;
pub(crate) mod sentinel;
pub(crate) mod url;
