//! One request on its way to the service. Knows no resource.

mod call;
pub(crate) mod classify;
mod client;
mod connections;
mod credentials;
mod deadline;
pub(crate) mod envelope;
mod handle;
mod interpret;
mod outcome;
mod pages;
pub(crate) mod rate_limit;
mod retry;

pub(crate) use call::{Call, FailedCall, check_runtime};
pub use client::Client;
pub(crate) use client::Inner;
pub(crate) use connections::{Connections, HttpSettings};
pub use credentials::Credentials;
pub(crate) use deadline::{Limits, limit_setters};
pub(crate) use handle::handle_limits;
#[cfg(feature = "fuzzing")]
pub(crate) use interpret::Interpreter;
pub(crate) use outcome::{Effect, Outcome};
pub use pages::Listing;
pub(crate) use pages::{PER_PAGE, Page, Progress};
pub use retry::Retry;
pub(crate) use retry::{Looks, budget};
