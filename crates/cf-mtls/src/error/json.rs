//! An error as JSON: a stable form for events, queues and scripts.

use cf_mtls_api::text::Cause;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Error, ErrorKind, Facts};

/// The JSON form of [`Error`]. Fields may be added; none is removed, renamed or
/// changes its meaning.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub(super) struct Body {
    /// The whole message for a person. Ignored when read.
    #[serde(default)]
    message: String,
    /// What a caller can do next, as one word.
    kind: ErrorKind,
    #[serde(flatten)]
    facts: Facts,
    /// The service's codes, causes included, in its order. Ignored when read.
    #[serde(default)]
    codes: Vec<i64>,
    /// The chain of causes, outermost first.
    #[serde(default)]
    causes: Vec<String>,
}

impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let source = std::error::Error::source(self);
        let causes = std::iter::successors(source, |cause| cause.source());
        let body = Body {
            message: self.to_string(),
            kind: self.kind,
            facts: (*self.facts).clone(),
            codes: self.codes().collect(),
            causes: causes.map(ToString::to_string).collect(),
        };
        body.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Error {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let body = Body::deserialize(deserializer)?;
        let error = Self { kind: body.kind, facts: Box::new(body.facts) };
        Ok(match Cause::chain(body.causes) {
            Some(cause) => error.with_source(cause),
            None => error,
        })
    }
}
