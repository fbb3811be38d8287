//! The subcommands, one file each.

pub(crate) mod associations;
pub(crate) mod completions;
pub(crate) mod delete;
pub(crate) mod deletion;
pub(crate) mod get;
pub(crate) mod hostnames;
pub(crate) mod list;
pub(crate) mod prune;
pub(crate) mod release;
pub(crate) mod rotate;
#[cfg(feature = "simulate")]
pub(crate) mod simulate;
pub(crate) mod upload;
