//! A controller that keeps the CAs of a folder, and their hostnames, in a Cloudflare
//! account. An example to copy: see its README.

mod controller;
mod folder;

pub use controller::{Controller, Report, requeue};
pub use folder::{Wanted, read};
