//! Values with a meaning: times, durations, and secrets.

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// A date and time as the service wrote it, meant to be RFC 3339, unparsed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schemars", schemars(inline, extend("format" = "date-time")))]
#[serde(transparent)]
pub struct Timestamp(pub String);

impl Timestamp {
    /// The moment; `None` if it cannot be read, or is Go's time that was never set. Times
    /// are parsed when asked for, since most callers never ask.
    #[must_use]
    pub fn parse(&self) -> Option<jiff::Timestamp> {
        const YEAR_ONE: &str = "0001-01-01T00:00:00Z";

        let text = self.0.as_str();
        match text.parse() {
            Ok(moment) => Some(moment).filter(|_| text != YEAR_ONE),
            // RFC 5280's date for "never", which lies beyond the calendar of `jiff`.
            Err(_) => text.starts_with("9999-12-31T").then_some(jiff::Timestamp::MAX),
        }
    }
}

/// A text that must not be seen: an API token, an API key, or a private key.
///
/// It is wiped from memory when dropped, `Debug` prints a placeholder, and it does
/// not serialize. Code that needs the text calls [`expose`](Self::expose).
#[derive(Clone, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schemars", schemars(inline, with = "String", extend("format" = "password")))]
#[serde(from = "String")]
pub struct Secret(Zeroizing<String>);

/// A secret as a field of a request body, the only place where one is serialized.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schemars", schemars(inline))]
#[serde(transparent)]
pub struct SecretField(pub Secret);

impl Serialize for SecretField {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.0.expose())
    }
}

impl Secret {
    /// The text itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// Takes the text over. Copies that were made of it before are not wiped.
impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// For `#[serde(with)]`: a duration in whole seconds, rounded up.
pub mod whole_seconds {
    use std::time::Duration;

    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    /// Writes the seconds.
    ///
    /// # Errors
    ///
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(
        duration: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        duration.map(|duration| duration.as_secs_f64().ceil() as u64).serialize(serializer)
    }

    /// Reads seconds.
    ///
    /// # Errors
    ///
    /// If they are not a whole number.
    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        Ok(Option::deserialize(deserializer)?.map(Duration::from_secs))
    }
}
