//! Credentials: which forms a request can carry, and which are right.

use http::header::{AUTHORIZATION, HeaderMap};
use http::{HeaderValue, StatusCode};

use crate::simulator::protocol::envelope::{Entry, ErrorResponse};

/// Which credentials a request carried, without their values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Credentials {
    /// Neither form.
    Missing,
    /// An `Authorization` header.
    Token,
    /// `X-Auth-Email` or `X-Auth-Key`, or both.
    EmailAndKey,
}

impl Credentials {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        if headers.contains_key(AUTHORIZATION) {
            Self::Token
        } else if headers.contains_key(EMAIL) || headers.contains_key(KEY) {
            Self::EmailAndKey
        } else {
            Self::Missing
        }
    }
}

/// The credentials that are right.
#[derive(Clone)]
pub(crate) struct Keyring {
    pub(crate) token: String,
    pub(crate) email_and_key: Option<(String, String)>,
}

const EMAIL: &str = "x-auth-email";
const KEY: &str = "x-auth-key";

impl Keyring {
    pub(crate) fn check(&self, headers: &HeaderMap) -> Result<(), ErrorResponse> {
        match (
            headers.get(AUTHORIZATION),
            headers.get(EMAIL),
            headers.get(KEY),
        ) {
            // Where both forms are sent the token decides.
            (Some(authorization), ..) => self.check_token(authorization),
            (None, None, None) => {
                let status = StatusCode::UNAUTHORIZED;
                Err(ErrorResponse::new(status, 10000, "Authentication error"))
            }
            (None, email, key) => self.check_key(email, key),
        }
    }

    fn check_token(&self, value: &HeaderValue) -> Result<(), ErrorResponse> {
        let token = value
            .to_str()
            .ok()
            .and_then(|text| text.strip_prefix("Bearer "));
        match token {
            Some(token) if token == self.token => Ok(()),
            Some(token) if is_token(token) => Err(ErrorResponse::new(
                StatusCode::FORBIDDEN,
                9109,
                "Invalid access token",
            )),
            _ => Err(malformed(6111, "Invalid format for Authorization header")),
        }
    }

    fn check_key(
        &self,
        email: Option<&HeaderValue>,
        key: Option<&HeaderValue>,
    ) -> Result<(), ErrorResponse> {
        let text = |value: Option<&HeaderValue>| {
            value
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned)
        };
        let Some(email) = text(email).filter(|email| email.contains('@')) else {
            return Err(malformed(6102, "Invalid format for X-Auth-Email header"));
        };
        let Some(key) = text(key).filter(|key| is_token(key)) else {
            return Err(malformed(6103, "Invalid format for X-Auth-Key header"));
        };
        if self.email_and_key.as_ref() == Some(&(email, key)) {
            return Ok(());
        }
        Err(ErrorResponse::new(
            StatusCode::FORBIDDEN,
            10000,
            "Authentication error",
        ))
    }
}

fn malformed(code: u32, message: &str) -> ErrorResponse {
    let entry = Entry::new(6003, "Invalid request headers").caused_by(code, message);
    ErrorResponse {
        status: StatusCode::BAD_REQUEST,
        entries: vec![entry],
    }
}

/// The characters of a bearer token in HTTP.
pub(crate) fn is_token(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    !text.is_empty() && text.bytes().all(fits)
}
