//! The service's envelopes, read strictly, and leniently when that fails.

use cf_mtls_api::text::Sanitizer;
use cf_mtls_api::{ServiceMessage, UniqueMembers, types};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

const MAX_MESSAGES: usize = 16;
const MAX_CAUSES: usize = 4;

/// A response in the service's own form.
pub(crate) trait Envelope: DeserializeOwned {
    /// Whether the request succeeded.
    fn success(&self) -> bool;

    /// Whether it names errors.
    fn has_errors(&self) -> bool;

    /// The errors of a request that did not.
    fn into_errors(self) -> Vec<types::ApiMessage>;

    /// The fields of an envelope that did not decode as a whole. `None` if what is
    /// left would mean something else.
    fn salvage(
        success: bool,
        errors: Vec<types::ApiMessage>,
        rest: Map<String, Value>,
    ) -> Option<Self>;
}

/// Reads a body that did not decode. `None` without `success`, which makes an envelope.
pub(crate) fn salvage<E: Envelope>(body: &[u8]) -> Option<E> {
    let UniqueMembers(members) = serde_json::from_slice(body).ok()?;
    let mut map = Map::from_iter(members);
    let Some(Value::Bool(success)) = map.remove("success") else { return None };
    let errors = match map.remove("errors") {
        Some(Value::Array(errors)) => errors.into_iter().take(MAX_MESSAGES).map(message).collect(),
        Some(Value::Object(error)) => vec![message(Value::Object(error))],
        _ => Vec::new(),
    };
    E::salvage(success, errors, map)
}

/// Only `null` is an empty list beside a list.
fn is_list(rest: &Map<String, Value>) -> bool {
    matches!(rest.get("result"), Some(Value::Null | Value::Array(_)))
}

/// The fields of an object that decode.
fn lenient<T: DeserializeOwned + Default>(value: Option<Value>) -> Option<T> {
    let Value::Object(fields) = value? else { return None };
    let alone = |name: &str, value: &Value| Map::from_iter([(name.to_owned(), value.clone())]);
    let sound = fields
        .into_iter()
        .filter(|(name, value)| T::deserialize(Value::Object(alone(name, value))).is_ok())
        .collect();
    Some(T::deserialize(Value::Object(sound)).unwrap_or_default())
}

fn lenient_list<T: DeserializeOwned + Default>(value: Option<Value>) -> Option<Vec<T>> {
    let Value::Array(items) = value? else { return None };
    let items = items.into_iter().map(|item| lenient(Some(item)));
    Some(items.map(Option::unwrap_or_default).collect())
}

/// An error in any form: a code as text, or only a text.
fn message(value: Value) -> types::ApiMessage {
    types::ApiMessage::deserialize(&value).unwrap_or_else(|_| {
        let chain = value.get("error_chain").and_then(Value::as_array);
        let mut message = types::ApiMessage::default();
        message.code = number(value.get("code"));
        message.message = text(value.get("message").unwrap_or(&value));
        message.error_chain = chain.map(|chain| chain.iter().take(MAX_CAUSES).map(cause).collect());
        message
    })
}

fn cause(value: &Value) -> types::MessageCause {
    let mut cause = types::MessageCause::default();
    cause.code = number(value.get("code"));
    cause.message = value.get("message").map(text).unwrap_or_default();
    cause
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn number(value: Option<&Value>) -> Option<i64> {
    let value = value?;
    value.as_i64().or_else(|| value.as_str()?.trim().parse().ok())
}

/// The messages, safe to keep and to show.
pub(crate) fn messages(wire: Vec<types::ApiMessage>, sanitizer: &Sanitizer) -> Vec<ServiceMessage> {
    let wire = wire.into_iter().take(MAX_MESSAGES);
    wire.map(|message| message.sanitized(sanitizer)).collect()
}

macro_rules! envelope {
    ($first:ident, $($other:ident),+ { $($fields:tt)* } $($rule:tt)+) => {
        envelope!($first { $($fields)* } $($rule)+);
        envelope!($($other),+ { $($fields)* } $($rule)+);
    };
    ($name:ident { $($field:ident: $read:expr),* } if |$rest:ident| $is_sound:expr) => {
        impl Envelope for types::$name {
            fn success(&self) -> bool {
                self.success
            }

            fn has_errors(&self) -> bool {
                self.errors.as_ref().is_some_and(|errors| !errors.is_empty())
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
                let $rest = &rest;
                (!success || $is_sound).then(|| {
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

envelope!(CertificateEnvelope, TokenEnvelope { result: lenient } if |_rest| true);
envelope!(CertificateListEnvelope, AssociationListEnvelope, ZoneListEnvelope, WorkersScriptListEnvelope {
    result: lenient_list,
    result_info: lenient
} if |rest| is_list(rest));
// An incomplete list of hostnames would be written back without the others, and what is
// incomplete must not pass for "not used".
envelope!(HostnamesEnvelope, WorkersSettingsEnvelope { result: lenient } if |_rest| false);
envelope!(HyperdriveConfigListEnvelope, GatewayCertificateListEnvelope {
    result: lenient_list,
    result_info: lenient
} if |_rest| false);
envelope!(ErrorEnvelope {} if |_rest| true);
