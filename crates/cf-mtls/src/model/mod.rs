//! Values that errors and responses share.

mod association;
pub(crate) mod hostname_writes;

pub use association::Association;
