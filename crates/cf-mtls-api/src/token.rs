//! An API token as the service describes it, and that it works.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{TokenStatus, types};

/// An API token as the service describes it, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ApiToken {
    /// The id, which is no secret.
    pub id: String,
    /// Whether it is valid.
    pub status: TokenStatus,
    /// When it expires; `None` if it never does.
    #[cfg_attr(feature = "schemars", schemars(with = "Option<crate::Timestamp>"))]
    pub expires_on: Option<Timestamp>,
    /// When it becomes valid; `None` if it is from the start.
    #[cfg_attr(feature = "schemars", schemars(with = "Option<crate::Timestamp>"))]
    pub not_before: Option<Timestamp>,
}

impl ApiToken {
    /// A token that is valid from the start and never expires.
    pub fn new(id: impl Into<String>, status: TokenStatus) -> Self {
        Self { id: id.into(), status, expires_on: None, not_before: None }
    }
}

impl types::Token {
    /// The token; `None` without an id or a status.
    #[must_use]
    pub fn into_value(self) -> Option<ApiToken> {
        let mut token = ApiToken::new(self.id?, self.status?.into());
        token.expires_on = self.expires_on.and_then(|time| time.parse());
        token.not_before = self.not_before.and_then(|time| time.parse());
        Some(token)
    }
}

/// Credentials that are valid, and may read the certificates of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Verification {
    /// The API token; `None` for an e-mail address and a global API key, of which the
    /// service describes nothing.
    pub token: Option<ApiToken>,
}

impl Verification {
    /// What is known of credentials that work.
    pub fn new(token: Option<ApiToken>) -> Self {
        Self { token }
    }
}
