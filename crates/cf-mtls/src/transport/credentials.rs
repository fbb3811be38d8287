//! Credentials of the API.

use std::fmt;

use cf_mtls_api::{Exchange, Secret};

use crate::error::Error;

/// An API token, or a user's e-mail address with the global API key.
///
/// Text converts into an API token. The secret is wiped from memory when it is
/// dropped, and `Debug` does not show it.
///
/// ```
/// let credentials = cf_mtls::Credentials::email_and_key("me@example.com", "0123456789abcdef");
/// assert_eq!(format!("{credentials:?}"), "Credentials(email and key …)");
/// ```
#[derive(Clone)]
pub struct Credentials(Form);

#[derive(Clone)]
enum Form {
    Token(Secret),
    EmailAndKey { email: String, key: Secret },
}

impl Credentials {
    /// An API token, which Cloudflare recommends. It needs the permission "SSL
    /// and Certificates" on the account, and on the zone for hostnames.
    #[must_use]
    pub fn token(token: impl Into<Secret>) -> Self {
        Self(Form::Token(token.into()))
    }

    /// A user's e-mail address and global API key.
    #[must_use]
    pub fn email_and_key(email: impl Into<String>, key: impl Into<Secret>) -> Self {
        Self(Form::EmailAndKey { email: email.into(), key: key.into() })
    }

    /// Removes quotes and `Bearer`, and rejects what cannot be a secret.
    pub(crate) fn checked(self) -> Result<Self, Error> {
        Ok(Self(match self.0 {
            Form::Token(token) => Form::Token(clean(&token, "API token")?),
            Form::EmailAndKey { email, key } => {
                let email = email.trim().to_owned();
                let odd = |c: char| !c.is_ascii_graphic();
                if !email.contains('@') || email.contains(odd) {
                    return Err(Error::configuration(
                        "the e-mail address is not valid; it belongs to the global API key, and an \
                         API token needs none",
                    ));
                }
                Form::EmailAndKey { email, key: clean(&key, "API key")? }
            }
        }))
    }

    pub(crate) fn apply(&self, exchange: Exchange) -> Result<Exchange, Error> {
        match &self.0 {
            Form::Token(token) => exchange.with_bearer_token(token),
            Form::EmailAndKey { email, key } => exchange.with_email_and_key(email, key),
        }
        .map_err(|_| Error::configuration("the credentials are not valid in an HTTP header"))
    }

    pub(crate) fn is_token(&self) -> bool {
        matches!(self.0, Form::Token(_))
    }

    pub(crate) fn secret(&self) -> &Secret {
        match &self.0 {
            Form::Token(secret) | Form::EmailAndKey { key: secret, .. } => secret,
        }
    }
}

/// Tokens and keys consist of letters, digits, hyphens and underscores.
fn clean(secret: &Secret, what: &str) -> Result<Secret, Error> {
    let mut text = unquote(secret.expose());
    if let Some((scheme, rest)) = text.split_at_checked("bearer".len())
        && scheme.eq_ignore_ascii_case("bearer")
        && (rest.is_empty() || rest.starts_with(char::is_whitespace))
    {
        text = unquote(rest);
    }
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "-_.~+/=".contains(c);
    let problem = if text.is_empty() {
        "is empty"
    } else if text.contains(char::is_whitespace) {
        "contains white space; paste only the token, without spaces or line breaks"
    } else if text.starts_with(['<', '$', '{', '[']) {
        "is a placeholder that was not filled in"
    } else if !text.chars().all(is_allowed) {
        "contains a character that is not allowed; paste it again"
    } else {
        return Ok(text.into());
    };
    Err(Error::configuration(format!("the {what} {problem}")))
}

fn unquote(text: &str) -> &str {
    let text = text.trim();
    let mut quotes = ['"', '\'', '`'].into_iter();
    let bare = quotes.find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote));
    bare.unwrap_or(text).trim()
}

impl<T: Into<Secret>> From<T> for Credentials {
    fn from(token: T) -> Self {
        Self::token(token)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Form::Token(_) => "Credentials(token …)",
            Form::EmailAndKey { .. } => "Credentials(email and key …)",
        })
    }
}
