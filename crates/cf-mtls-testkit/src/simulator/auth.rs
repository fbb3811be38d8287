//! Credentials: which forms a request can carry, and what a token may do.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use http::header::{AUTHORIZATION, HeaderMap};
use http::{HeaderValue, StatusCode};

use crate::simulator::protocol::envelope::{Entry, ErrorResponse};
use crate::simulator::protocol::ids::random_hex_id;
use crate::simulator::protocol::route::Operation;

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

/// A permission of an API token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Permission {
    /// "SSL and Certificates" of an account: its certificates.
    Certificates,
    /// "SSL and Certificates" of a zone: its hostnames.
    Hostnames,
    /// "Zone" of a zone: whether it is listed.
    Zones,
    /// "Workers Scripts" of an account.
    Workers,
    /// "Hyperdrive" of an account.
    Hyperdrive,
    /// "Zero Trust" of an account: its Gateway certificates.
    Gateway,
}

/// An API token; see [`Simulator::add_token`](crate::simulator::Simulator::add_token).
///
/// Unless it is restricted it may read and change everything in all accounts.
///
/// ```
/// use cf_mtls_testkit::simulator::{Permission, Token};
///
/// let reader = Token::new("reader").read_only();
/// let without_zones = Token::new("narrow").without(Permission::Hostnames);
/// # let _ = (reader, without_zones);
/// ```
#[derive(Clone)]
#[must_use = "a token does nothing until it is added to a simulator"]
pub struct Token {
    text: String,
    pub(crate) id: String,
    pub(crate) owner: Option<String>,
    denied: BTreeSet<Permission>,
    read_only: bool,
    accounts: Option<BTreeSet<String>>,
    zones: Option<BTreeSet<String>>,
    pub(crate) expires_on: Option<SystemTime>,
    is_disabled: bool,
}

impl Token {
    /// A token with this text, which belongs to a user.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            id: random_hex_id(),
            owner: None,
            denied: BTreeSet::new(),
            read_only: false,
            accounts: None,
            zones: None,
            expires_on: None,
            is_disabled: false,
        }
    }

    /// Takes one permission away.
    pub fn without(mut self, permission: Permission) -> Self {
        self.denied.insert(permission);
        self
    }

    /// Lets it read only, whatever its permissions.
    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// Restricts it to these accounts, and the zones in them.
    pub fn accounts<S: AsRef<str>>(mut self, ids: impl IntoIterator<Item = S>) -> Self {
        self.accounts = Some(ids.into_iter().map(|id| id.as_ref().to_owned()).collect());
        self
    }

    /// Restricts it to these zones.
    pub fn zones<S: AsRef<str>>(mut self, ids: impl IntoIterator<Item = S>) -> Self {
        self.zones = Some(ids.into_iter().map(|id| id.as_ref().to_owned()).collect());
        self
    }

    /// Makes it a token of this account instead of a user, and restricts it to the
    /// account. `GET /accounts/{account_id}/tokens/verify` verifies it.
    pub fn owned_by_account(mut self, id: impl AsRef<str>) -> Self {
        self.owner = Some(id.as_ref().to_owned());
        self.accounts([id])
    }

    /// The date from which on it is refused, and verified with the status `expired`;
    /// none by default.
    pub fn expires_on(mut self, at: SystemTime) -> Self {
        self.expires_on = Some(at);
        self
    }

    /// Disables it: it is refused, and verified with the status `disabled`. To disable one
    /// later, add it again.
    pub fn disabled(mut self) -> Self {
        self.is_disabled = true;
        self
    }

    /// What a verification calls it.
    pub(crate) fn status(&self, now: SystemTime) -> &'static str {
        match self.expires_on {
            _ if self.is_disabled => "disabled",
            Some(end) if end <= now => "expired",
            _ => ACTIVE,
        }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

impl From<&str> for Token {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Token {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("id", &self.id).finish_non_exhaustive()
    }
}

/// An email address and a global API key.
#[derive(Clone, PartialEq)]
pub(crate) struct EmailAndKey {
    pub(crate) email: String,
    pub(crate) key: String,
}

impl fmt::Debug for EmailAndKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmailAndKey").finish_non_exhaustive()
    }
}

/// Whose request it is, and what it may touch.
#[derive(Clone, Debug)]
pub(crate) enum Identity {
    /// A user with the global key: may do everything.
    User,
    Token(Arc<Token>),
}

impl Identity {
    /// Whether it may read what a permission covers, or change it.
    pub(crate) fn may(&self, permission: Permission, change: bool) -> bool {
        let forbids =
            |token: &Token| token.denied.contains(&permission) || change && token.read_only;
        !self.token().is_some_and(forbids)
    }

    pub(crate) fn reaches_account(&self, id: &str) -> bool {
        let accounts = self.token().and_then(|token| token.accounts.as_ref());
        accounts.is_none_or(|accounts| accounts.contains(id))
    }

    pub(crate) fn reaches_zone(&self, account: &str, id: &str) -> bool {
        let zones = self.token().and_then(|token| token.zones.as_ref());
        self.reaches_account(account) && zones.is_none_or(|zones| zones.contains(id))
    }

    pub(crate) fn token(&self) -> Option<&Token> {
        match self {
            Self::User => None,
            Self::Token(token) => Some(token),
        }
    }
}

/// The credentials that are right.
#[derive(Clone, Debug)]
pub(crate) struct Keyring {
    /// The first is the simulator's own.
    tokens: Vec<Arc<Token>>,
    email_and_key: Option<EmailAndKey>,
}

/// The status of a token that works.
const ACTIVE: &str = "active";
const EMAIL: &str = "x-auth-email";
const KEY: &str = "x-auth-key";

impl Keyring {
    pub(crate) fn new(token: Token, email_and_key: Option<EmailAndKey>) -> Self {
        Self { tokens: vec![Arc::new(token)], email_and_key }
    }

    /// Adds a token, or replaces the one with its text.
    pub(crate) fn add(&mut self, token: Token) {
        self.remove(&token.text);
        self.tokens.push(Arc::new(token));
    }

    pub(crate) fn remove(&mut self, text: &str) {
        self.tokens.retain(|token| token.text != text);
    }

    /// Whose credentials these are. A token that does not work any more can be
    /// verified, and nothing else.
    pub(crate) fn check(
        &self,
        headers: &HeaderMap,
        operation: Operation,
        now: SystemTime,
    ) -> Result<Identity, ErrorResponse> {
        let is_verification =
            matches!(operation, Operation::VerifyToken | Operation::VerifyAccountToken);
        let works = |token: &Token| is_verification || token.status(now) == ACTIVE;
        match (headers.get(AUTHORIZATION), headers.get(EMAIL), headers.get(KEY)) {
            // Where both forms are sent the token decides.
            (Some(authorization), ..) => self.check_token(authorization, works),
            (None, None, None) => {
                let message = "Unable to authenticate request";
                Err(ErrorResponse::new(StatusCode::BAD_REQUEST, 10001, message))
            }
            (None, email, key) => self.check_key(email, key),
        }
    }

    fn check_token(
        &self,
        value: &HeaderValue,
        works: impl Fn(&Token) -> bool,
    ) -> Result<Identity, ErrorResponse> {
        let text = value.to_str().ok().and_then(|text| text.strip_prefix("Bearer "));
        let Some(text) = text.filter(|text| is_token(text)) else {
            return Err(malformed(6111, "Invalid format for Authorization header"));
        };
        let known = self.tokens.iter().find(|token| token.text == text);
        match known.filter(|token| works(token)) {
            Some(token) => Ok(Identity::Token(Arc::clone(token))),
            None => Err(ErrorResponse::new(StatusCode::FORBIDDEN, 9109, "Invalid access token")),
        }
    }

    fn check_key(
        &self,
        email: Option<&HeaderValue>,
        key: Option<&HeaderValue>,
    ) -> Result<Identity, ErrorResponse> {
        let text = |value: Option<&HeaderValue>| {
            value.and_then(|value| value.to_str().ok()).map(str::to_owned)
        };
        let Some(email) = text(email).filter(|email| email.contains('@')) else {
            return Err(malformed(6102, "Invalid format for X-Auth-Email header"));
        };
        // An API token in the place of the key has the wrong form, too.
        let is_key =
            |key: &String| is_token(key) && self.tokens.iter().all(|token| token.text != *key);
        let Some(key) = text(key).filter(is_key) else {
            return Err(malformed(6103, "Invalid format for X-Auth-Key header"));
        };
        if self.email_and_key.as_ref() == Some(&EmailAndKey { email, key }) {
            return Ok(Identity::User);
        }
        let message = "Unknown X-Auth-Key or X-Auth-Email";
        Err(ErrorResponse::new(StatusCode::BAD_REQUEST, 9103, message))
    }
}

fn malformed(code: u32, message: &str) -> ErrorResponse {
    let entry = Entry::new(Some(6003), "Invalid request headers").caused_by(code, message);
    ErrorResponse { status: StatusCode::BAD_REQUEST, entries: vec![entry] }
}

/// The refusal of valid credentials: no permission, or a foreign id.
pub(crate) fn forbidden() -> ErrorResponse {
    ErrorResponse::new(StatusCode::FORBIDDEN, 10000, "Authentication error")
}

/// The characters of a bearer token in HTTP.
pub(crate) fn is_token(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    !text.is_empty() && text.bytes().all(fits)
}
