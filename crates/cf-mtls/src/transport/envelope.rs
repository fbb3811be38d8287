//! The service's envelopes, read strictly first and leniently when that fails.

use std::fmt;

use cf_mtls_api::types;
use serde::de::{DeserializeOwned, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::error::ServiceMessage;
use crate::text::Sanitizer;

/// No answer needs more; the rest is dropped.
const MOST_MESSAGES: usize = 16;
/// Likewise of the causes of one message.
const MOST_CAUSES: usize = 4;
/// The longest text of a message that is kept, in characters.
const LONGEST_MESSAGE: usize = 400;

/// An answer in the service's own form.
pub(crate) trait Envelope: DeserializeOwned {
    /// Whether the service did what was asked.
    fn success(&self) -> bool;

    /// What it says went wrong.
    fn into_errors(self) -> Vec<types::ApiMessage>;

    /// Makes the most of an envelope that did not decode as a whole. `None`
    /// where what is left would pass for something else than what was sent.
    fn salvage(
        success: bool,
        errors: Vec<types::ApiMessage>,
        rest: Map<String, Value>,
    ) -> Option<Self>;
}

/// Reads what did not decode. `None` when it is no envelope at all: the word
/// `success` is what makes one.
pub(crate) fn salvage<E: Envelope>(body: &[u8]) -> Option<E> {
    let Members(mut map) = serde_json::from_slice(body).ok()?;
    let Some(Value::Bool(success)) = map.remove("success") else {
        return None;
    };
    let errors = match map.remove("errors") {
        Some(Value::Array(errors)) => errors
            .into_iter()
            .take(MOST_MESSAGES)
            .map(message)
            .collect(),
        Some(Value::Object(error)) => vec![message(Value::Object(error))],
        _ => Vec::new(),
    };
    E::salvage(success, errors, map)
}

/// An object that says each thing once: of two words about success, neither is
/// evidence.
struct Members(Map<String, Value>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;

        impl<'de> Visitor<'de> for Each {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an envelope")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Members, A::Error> {
                let mut map = Map::new();
                while let Some((name, value)) = members.next_entry::<String, Value>()? {
                    if map.insert(name, value).is_some() {
                        return Err(A::Error::custom("a member stands twice"));
                    }
                }
                Ok(Members(map))
            }
        }

        deserializer.deserialize_map(Each)
    }
}

/// A list that is none must not pass for an empty one.
fn is_list(rest: &Map<String, Value>) -> bool {
    matches!(
        rest.get("result"),
        None | Some(Value::Null | Value::Array(_))
    )
}

/// A list of hostnames that lost one would have the others replaced by it.
fn never(_: &Map<String, Value>) -> bool {
    false
}

fn always(_: &Map<String, Value>) -> bool {
    true
}

/// The fields of an object that decode; a field that does not is left out.
fn lenient<T: DeserializeOwned + Default>(value: Option<Value>) -> Option<T> {
    let Value::Object(fields) = value? else {
        return None;
    };
    let alone = |name: &str, value: &Value| Map::from_iter([(name.to_owned(), value.clone())]);
    let sound = fields
        .into_iter()
        .filter(|(name, value)| T::deserialize(Value::Object(alone(name, value))).is_ok())
        .collect();
    Some(T::deserialize(Value::Object(sound)).unwrap_or_default())
}

fn lenient_list<T: DeserializeOwned + Default>(value: Option<Value>) -> Option<Vec<T>> {
    let Value::Array(items) = value? else {
        return None;
    };
    Some(
        items
            .into_iter()
            .map(|item| lenient(Some(item)).unwrap_or_default())
            .collect(),
    )
}

/// An error in whatever form: a code as text, or a bare text.
fn message(value: Value) -> types::ApiMessage {
    if let Ok(message) = types::ApiMessage::deserialize(&value) {
        return message;
    }
    let mut message = types::ApiMessage::default();
    message.code = number(value.get("code"));
    message.message = match value.get("message").unwrap_or(&value) {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let cause = |cause: &Value| {
        let mut read = types::MessageCause::default();
        read.code = number(cause.get("code"));
        let text = cause.get("message").and_then(Value::as_str);
        read.message = text.unwrap_or_default().to_owned();
        read
    };
    let chain = value.get("error_chain").and_then(Value::as_array);
    message.error_chain = chain.map(|chain| chain.iter().take(MOST_CAUSES).map(cause).collect());
    message
}

fn number(value: Option<&Value>) -> Option<i64> {
    match value? {
        Value::String(text) => text.trim().parse().ok(),
        value => value.as_i64().or_else(|| whole(value.as_f64()?)),
    }
}

/// A number with a point and nothing behind it.
fn whole(number: f64) -> Option<i64> {
    let is_whole = number.fract() == 0.0 && number.abs() < 1e15;
    is_whole.then_some(number as i64)
}

/// Makes the service's messages safe to keep and to show.
pub(crate) fn messages(
    wire: Vec<types::ApiMessage>,
    sanitizer: &Sanitizer<'_>,
) -> Vec<ServiceMessage> {
    let clean = |text: &str| sanitizer.clean(text, LONGEST_MESSAGE);
    let causes = |chain: Vec<types::MessageCause>| {
        let chain = chain.into_iter().take(MOST_CAUSES);
        chain
            .map(|cause| (cause.code.unwrap_or_default(), clean(&cause.message)))
            .collect()
    };
    let message = |wire: types::ApiMessage| ServiceMessage {
        code: wire.code.unwrap_or_default(),
        message: clean(&wire.message),
        documentation_url: wire.documentation_url.map(|url| clean(&url)),
        pointer: wire
            .source
            .and_then(|source| source.pointer)
            .map(|pointer| clean(&pointer)),
        causes: wire.error_chain.map(causes).unwrap_or_default(),
    };
    wire.into_iter().take(MOST_MESSAGES).map(message).collect()
}

macro_rules! envelope {
    ($name:ident { $($field:ident: $read:expr),* } if $sound:ident) => {
        impl Envelope for types::$name {
            fn success(&self) -> bool {
                self.success
            }

            fn into_errors(self) -> Vec<types::ApiMessage> {
                self.errors.unwrap_or_default()
            }

            #[allow(unused_mut, unused_variables, reason = "the error envelope has no further fields")]
            fn salvage(
                success: bool,
                errors: Vec<types::ApiMessage>,
                mut rest: Map<String, Value>,
            ) -> Option<Self> {
                (!success || $sound(&rest)).then(|| {
                    let mut envelope = Self::default();
                    envelope.success = success;
                    envelope.errors = Some(errors);
                    $(envelope.$field = $read(rest.remove(stringify!($field)));)*
                    envelope
                })
            }
        }
    };
}

envelope!(CertificateEnvelope { result: lenient } if always);
envelope!(CertificateListEnvelope {
    result: lenient_list,
    result_info: lenient
} if is_list);
envelope!(AssociationListEnvelope {
    result: lenient_list,
    result_info: lenient
} if is_list);
envelope!(HostnamesEnvelope { result: lenient } if never);
envelope!(ZoneListEnvelope {
    result: lenient_list,
    result_info: lenient
} if is_list);
envelope!(ErrorEnvelope {} if always);
