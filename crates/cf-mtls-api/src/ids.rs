//! Identifiers that are safe in the path of a URL.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize, Serializer};

/// Which characters stand in an identifier, and how many.
struct Rule {
    max_length: usize,
    allows_underscore: bool,
    /// Whether UUIDs and hexadecimal digits mean the same in either case.
    is_caseless: bool,
}

/// No id of the service is longer.
const ID: Rule = Rule { max_length: 64, allows_underscore: false, is_caseless: true };
const NAME: Rule = Rule { max_length: 255, allows_underscore: true, is_caseless: false };

/// A text that is not an identifier, with what is wrong and where to find one.
///
/// The text itself is not part of it: what was passed may be a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidId {
    expected: &'static str,
    problem: Problem,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Problem {
    Empty,
    TooLong { length: usize, max: usize },
    Placeholder,
    Email,
    Domain,
    Character { odd: char, underscore: bool },
}

impl fmt::Display for InvalidId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problem {
            Problem::Empty => f.write_str("it is empty")?,
            Problem::TooLong { length, max } => {
                write!(f, "it is {length} bytes long, more than the {max} allowed")?;
            }
            Problem::Placeholder => f.write_str("it is a placeholder that was not filled in")?,
            Problem::Email => f.write_str("it is an e-mail address")?,
            Problem::Domain => f.write_str("it is a domain name")?,
            Problem::Character { odd, underscore } => {
                let allowed = match underscore {
                    true => "letters, digits, hyphens and underscores",
                    false => "letters, digits and hyphens",
                };
                write!(f, "it contains {odd:?}; only {allowed} are allowed")?;
            }
        }
        write!(f, "; expected {}", self.expected)
    }
}

impl std::error::Error for InvalidId {}

/// Ids occur as 32 hexadecimal digits and as UUIDs, so this checks what is
/// unsafe in a path instead of guessing at a form. `Ok` says whether there may be capitals.
#[inline]
fn check(text: &str, rule: &Rule) -> Result<bool, Problem> {
    let (length, max) = (text.len(), rule.max_length);
    if text.is_empty() {
        return Err(Problem::Empty);
    }
    if max < length {
        return Err(Problem::TooLong { length, max });
    }
    // As the service writes them.
    if has_only(text, |byte| byte.is_ascii_lowercase() | byte.is_ascii_digit() | (byte == b'-')) {
        return Ok(false);
    }
    let sound = |byte: u8| {
        byte.is_ascii_alphanumeric() || byte == b'-' || rule.allows_underscore && byte == b'_'
    };
    if text.bytes().all(sound) {
        return Ok(true);
    }
    let odd = text.chars().find(|c| !u8::try_from(*c).is_ok_and(sound)).unwrap_or_default();
    // Common paste mistakes are named.
    let placeholder = text.starts_with(['<', '$', '{', '[']) || text.starts_with("YOUR_");
    Err(if placeholder {
        Problem::Placeholder
    } else if text.contains('@') && text.contains('.') {
        Problem::Email
    } else if is_domain(text) {
        Problem::Domain
    } else {
        let underscore = rule.allows_underscore;
        Problem::Character { odd, underscore }
    })
}

/// Whether all bytes are allowed. Runs for every id of every page, so sixteen bytes at a
/// time; the last sixteen overlap those before, so that no rest is left.
#[inline]
pub(crate) fn has_only(text: &str, is_allowed: impl Fn(u8) -> bool) -> bool {
    let all = |bytes: &[u8]| bytes.iter().fold(true, |all, byte| all & is_allowed(*byte));
    match text.as_bytes().last_chunk::<16>() {
        Some(last) => all(last) && text.as_bytes().as_chunks::<16>().0.iter().all(|one| all(one)),
        None => all(text.as_bytes()),
    }
}

fn is_domain(text: &str) -> bool {
    let label =
        |label: &str| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-');
    text.contains('.') && text.split('.').all(label)
}

/// UUIDs and hexadecimal digits name the same thing in either case; the service
/// writes them in lower case.
fn canonical(mut text: String, rule: &Rule) -> String {
    if is_caseless(&text, rule) {
        text.make_ascii_lowercase();
    }
    text
}

fn is_caseless(text: &str, rule: &Rule) -> bool {
    let is_hyphen_place = |index: usize| matches!(index, 8 | 13 | 18 | 23);
    let is_form = match text.len() {
        32 => text.bytes().all(|byte| byte.is_ascii_hexdigit()),
        36 => text.bytes().enumerate().all(|(index, byte)| match is_hyphen_place(index) {
            true => byte == b'-',
            false => byte.is_ascii_hexdigit(),
        }),
        _ => false,
    };
    is_form && rule.is_caseless
}

/// Whether a text is read as this id.
fn is_id(id: &str, text: &str, rule: &Rule) -> bool {
    id == text || id.eq_ignore_ascii_case(text) && is_caseless(id, rule)
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $rule:ident, $max:literal, $pattern:literal, $expected:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
        #[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
        #[cfg_attr(feature = "schemars", schemars(extend(
            "minLength" = 1,
            "maxLength" = $max,
            "pattern" = $pattern
        )))]
        #[serde(try_from = "String")]
        pub struct $name(String);

        impl $name {
            /// The identifier as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                match check(&text, &$rule) {
                    Ok(false) => Ok(Self(text)),
                    Ok(true) => Ok(Self(canonical(text, &$rule))),
                    Err(problem) => Err(InvalidId { expected: $expected, problem }),
                }
            }
        }

        impl TryFrom<&str> for $name {
            type Error = InvalidId;

            fn try_from(text: &str) -> Result<Self, InvalidId> {
                text.parse()
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                // Checked first, so that no long text is copied.
                match check(text, &$rule) {
                    Ok(_) => Ok(Self(canonical(text.to_owned(), &$rule))),
                    Err(problem) => Err(InvalidId { expected: $expected, problem }),
                }
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        /// Looks up ids in a map by their text, which must be in the form kept: lower case for UUIDs
        /// and hexadecimal digits.
        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                is_id(&self.0, other, &$rule)
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                *self == **other
            }
        }

        impl PartialEq<String> for $name {
            fn eq(&self, other: &String) -> bool {
                *self == **other
            }
        }

        // Written by hand, because a query takes plain texts and no newtypes.
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

id! {
    /// Identifies an account.
    ///
    /// Parsed from text. Any identifier that is safe in a path is accepted:
    /// letters, digits and hyphens, at most 64. UUIDs and runs of 32
    /// hexadecimal digits are kept, compared and sent in lower case.
    AccountId, ID, 64, "^[0-9A-Za-z-]+$",
    "an account id, the 32 hexadecimal digits on the account's overview page in the dashboard \
     (other tools keep it in CLOUDFLARE_ACCOUNT_ID)"
}

id! {
    /// Identifies a zone.
    ///
    /// Parsed from text. Any identifier that is safe in a path is accepted:
    /// letters, digits and hyphens, at most 64. UUIDs and runs of 32
    /// hexadecimal digits are kept, compared and sent in lower case.
    ZoneId, ID, 64, "^[0-9A-Za-z-]+$",
    "a zone id, the 32 hexadecimal digits on the zone's overview page in the dashboard"
}

id! {
    /// Identifies an mTLS certificate of an account.
    ///
    /// Parsed from text. Any identifier that is safe in a path is accepted:
    /// letters, digits and hyphens, at most 64. UUIDs and runs of 32
    /// hexadecimal digits are kept, compared and sent in lower case.
    CertificateId, ID, 64, "^[0-9A-Za-z-]+$",
    "a certificate id, the UUID or the 32 hexadecimal digits that the list of the account's mTLS \
     certificates shows"
}

id! {
    /// Names a Worker of an account.
    ///
    /// Parsed from text: letters, digits, hyphens and underscores, at most 255.
    ScriptName, NAME, 255, "^[0-9A-Za-z_-]+$",
    "the name of a Worker, as the list of the account's Workers shows it"
}
