//! One request on its way to the service. Knows no resource.

mod call;
pub(crate) mod classify;
mod client;
mod credentials;
pub(crate) mod envelope;
mod limits;
mod pages;
pub(crate) mod rate_limit;
pub(crate) mod requests;
mod retry;

pub(crate) use call::{Call, Failed, Replay, traced};
pub use client::Client;
pub(crate) use client::{Inner, handle_limits};
pub use credentials::Credentials;
pub(crate) use limits::{Limits, Time, limit_setters};
pub use pages::Listing;
pub(crate) use pages::{PER_PAGE, Page};
pub(crate) use retry::Budget;
pub use retry::Retry;
