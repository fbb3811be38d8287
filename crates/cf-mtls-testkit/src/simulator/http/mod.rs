//! The HTTP side: connections, and responses as faults want them.

mod body;
mod connection;
mod respond;
pub(super) mod server;
