//! Data that crosses the boundary: text, bytes, completions and sockets.

pub(crate) mod bridge;
pub(crate) mod bytes;
pub(crate) mod completions;
pub(crate) mod poller;
pub(crate) mod text;
