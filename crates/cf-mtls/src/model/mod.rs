//! Values that errors and responses share.

mod association;
pub(crate) mod open_enum;

pub use association::{Association, AssociationStatus};
