//! A hostname, compared in its ASCII form.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::text::printable;

/// The longest hostname of DNS, in its ASCII form.
const MAX_LENGTH: usize = 253;
const MAX_LABEL_LENGTH: usize = 63;

/// A hostname, kept and shown as it was given.
///
/// Compared in its ASCII form, also with text: capitals, a final dot, and Unicode or
/// Punycode (`xn--`) make no difference. Sent as [`normalized`](Self::normalized).
///
/// `"Bücher.Example."` is shown as it is, sent as `bücher.example`, and equals
/// `xn--bcher-kva.example`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schemars", schemars(with = "String"))]
#[serde(try_from = "String", into = "String")]
pub struct Hostname {
    text: String,
    /// `None` if the text is its own ASCII form.
    ascii: Option<String>,
}

impl Hostname {
    /// A hostname as the service shows it, in any spelling. It is not checked.
    pub fn unchecked(text: impl Into<String>) -> Self {
        let text = text.into();
        let ascii = ascii_form(&text);
        Self { text, ascii }
    }

    /// The text, as it was given.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The ASCII form.
    pub fn as_ascii(&self) -> &str {
        self.ascii.as_deref().unwrap_or(&self.text)
    }

    /// The same hostname in the form that is sent: in lower case and without a final dot.
    /// Letters beyond ASCII stay.
    #[must_use]
    pub fn normalized(&self) -> Self {
        // Letter by letter: in the lower case of a whole text, a sigma that ends a word is
        // another letter, and so another hostname.
        let letters = without_root(&self.text).chars().flat_map(char::to_lowercase);
        Self::unchecked(letters.collect::<String>())
    }

    /// Whether it is a hostname, if it is normalized.
    fn is_valid(&self) -> bool {
        let is_name = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
        let is_hyphen = |label: &str| label.starts_with('-') || label.ends_with('-');
        let is_label =
            |label: &str| !label.is_empty() && label.chars().all(is_name) && !is_hyphen(label);
        let name = self.text.strip_prefix("*.").unwrap_or(&self.text);
        let ascii = self.as_ascii();
        self.text.contains('.')
            && name.split('.').all(is_label)
            && ascii.is_ascii()
            && ascii.len() <= MAX_LENGTH
            && ascii.split('.').all(|label| label.len() <= MAX_LABEL_LENGTH)
    }
}

/// The ASCII form of any text; `None` if that is the text itself.
fn ascii_form(text: &str) -> Option<String> {
    let name = without_root(text);
    let is_plain = |b: u8| b.is_ascii() && !b.is_ascii_uppercase();
    if name.bytes().all(is_plain) && !name.contains("xn--") {
        return (name.len() < text.len()).then(|| name.to_owned());
    }
    let ascii = idna::domain_to_ascii(name).unwrap_or_else(|_| name.to_lowercase());
    (ascii != text).then_some(ascii)
}

fn without_root(host: &str) -> &str {
    host.strip_suffix('.').unwrap_or(host)
}

/// A text that is not a hostname.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidHostname(String);

impl fmt::Display for InvalidHostname {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let expected = "expected one like api.example.com, without scheme, port and path";
        write!(f, "{:?} is not a hostname; {expected}", self.0)
    }
}

impl std::error::Error for InvalidHostname {}

/// # Errors
///
/// If it is not a hostname. The service checks the rest, such as whether it is in the
/// zone.
impl FromStr for Hostname {
    type Err = InvalidHostname;

    fn from_str(text: &str) -> Result<Self, InvalidHostname> {
        let host = Self::unchecked(text);
        match host.normalized().is_valid() {
            true => Ok(host),
            false => Err(InvalidHostname(printable(text).chars().take(60).collect())),
        }
    }
}

impl TryFrom<String> for Hostname {
    type Error = InvalidHostname;

    fn try_from(text: String) -> Result<Self, InvalidHostname> {
        text.parse()
    }
}

impl TryFrom<&str> for Hostname {
    type Error = InvalidHostname;

    fn try_from(text: &str) -> Result<Self, InvalidHostname> {
        text.parse()
    }
}

impl From<Hostname> for String {
    fn from(host: Hostname) -> Self {
        host.text
    }
}

impl AsRef<str> for Hostname {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for Hostname {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl PartialEq for Hostname {
    fn eq(&self, other: &Self) -> bool {
        self.as_ascii() == other.as_ascii()
    }
}

impl Eq for Hostname {}

impl PartialEq<str> for Hostname {
    fn eq(&self, other: &str) -> bool {
        *self == Self::unchecked(other)
    }
}

impl PartialEq<&str> for Hostname {
    fn eq(&self, other: &&str) -> bool {
        *self == **other
    }
}

impl PartialEq<String> for Hostname {
    fn eq(&self, other: &String) -> bool {
        *self == **other
    }
}

impl PartialOrd for Hostname {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Hostname {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_ascii().cmp(other.as_ascii())
    }
}

impl Hash for Hostname {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_ascii().hash(state);
    }
}
