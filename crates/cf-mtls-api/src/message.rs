//! What the service itself says about an error.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::text::{Sanitizer, printable};
use crate::types;

const MAX_CAUSES: usize = 4;
const MAX_CHARS: usize = 400;

/// An error or a notice in a response of the service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ServiceMessage {
    /// The service's number for it; `None` where it gave none.
    pub code: Option<i64>,
    /// The text, without control characters and cut to a readable length.
    pub message: String,
    /// Where the service explains it.
    #[serde(default)]
    pub documentation_url: Option<String>,
    /// JSON pointer into the request.
    #[serde(default)]
    pub pointer: Option<String>,
    /// The causes that the service names, outermost first, none with causes of
    /// its own.
    #[serde(default)]
    pub causes: Vec<ServiceMessage>,
}

impl ServiceMessage {
    /// A message with a code and a text, without harmful characters.
    #[must_use]
    pub fn new(code: impl Into<Option<i64>>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: printable(&message.into()), ..Self::default() }
    }

    /// Whether the message contains a text, in whatever case of its letters.
    #[must_use]
    pub fn mentions(&self, text: &str) -> bool {
        let (message, text) = (self.message.as_bytes(), text.as_bytes());
        message.windows(text.len().max(1)).any(|part| part.eq_ignore_ascii_case(text))
    }
}

impl types::ApiMessage {
    /// The message, safe to keep and to show.
    #[must_use]
    pub fn sanitized(self, sanitizer: &Sanitizer) -> ServiceMessage {
        let clean = |text: String| sanitizer.clean(&text, MAX_CHARS);
        let cause =
            |cause: types::MessageCause| ServiceMessage::new(cause.code, clean(cause.message));
        ServiceMessage {
            code: self.code,
            message: clean(self.message),
            documentation_url: self.documentation_url.map(clean),
            pointer: self.source.and_then(|source| source.pointer).map(clean),
            causes: self.error_chain.into_iter().flatten().take(MAX_CAUSES).map(cause).collect(),
        }
    }
}

impl fmt::Display for ServiceMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.message)?;
        if let Some(code) = self.code {
            write!(f, " (code {code})")?;
        }
        if let Some(pointer) = &self.pointer {
            write!(f, " at {pointer}")?;
        }
        for cause in &self.causes {
            write!(f, ", because {cause}")?;
        }
        Ok(())
    }
}
