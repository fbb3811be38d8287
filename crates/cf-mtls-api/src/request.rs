//! An operation with its arguments, as a value.

use crate::{Client, Error, ResponseValue, types};

/// What a method of the [`Client`] returns.
pub type Sent<T> = Result<ResponseValue<T>, Error<types::ErrorEnvelope>>;

/// An operation with its arguments, one of [`requests`](crate::requests).
pub trait Request: Sync {
    /// The body of a response.
    type Response;

    /// Sends it once.
    ///
    /// # Errors
    ///
    /// Those of the method of the [`Client`] for it.
    fn send(&self, client: &Client) -> impl Future<Output = Sent<Self::Response>> + Send;
}
