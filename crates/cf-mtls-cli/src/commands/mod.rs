//! The subcommands, one file each, and what several of them do alike.

pub(crate) mod associations;
pub(crate) mod completions;
pub(crate) mod delete;
mod deletion;
pub(crate) mod get;
pub(crate) mod hostnames;
pub(crate) mod list;
mod lookup;
pub(crate) mod man;
pub(crate) mod prune;
pub(crate) mod release;
pub(crate) mod rotate;
#[cfg(feature = "simulate")]
pub(crate) mod simulate;
pub(crate) mod upload;
pub(crate) mod verify;
