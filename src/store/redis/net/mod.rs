//! Bytes to and from a server: sockets, RESP, slots and addresses.

pub(crate) mod connect_error;
pub(crate) mod inbox;
pub(crate) mod replicas;
pub(crate) mod resp;
pub(crate) mod slots;
pub(crate) mod socket;
