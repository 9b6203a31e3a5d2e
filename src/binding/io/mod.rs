//! Data that crosses the boundary: text, bytes, completions and sockets.

pub(crate) mod bridge;
pub(crate) mod bytes;
pub(crate) mod text;
pub(crate) mod watcher;
