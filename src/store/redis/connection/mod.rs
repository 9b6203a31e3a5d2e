//! A connection: its queue of calls, its replies, its pool.

pub(crate) mod acks;
pub(crate) mod connection;
pub(crate) mod io;
pub(crate) mod pending;
pub(crate) mod pool;
pub(crate) mod queue;
