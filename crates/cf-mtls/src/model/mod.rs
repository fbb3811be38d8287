//! Values that errors and responses share.

mod association;
mod hostname;
pub(crate) mod hostname_writes;
pub(crate) mod open_enum;

pub use association::{Association, AssociationStatus};
pub use hostname::Hostname;
pub use open_enum::UnknownWord;
