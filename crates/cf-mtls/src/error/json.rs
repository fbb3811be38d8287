//! An error as JSON: a stable form for events, queues and scripts.

use std::time::Duration;

use cf_mtls_api::{AccountId, CertificateId, ZoneId};
use http::StatusCode;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Error, ErrorKind, Operation, ServiceMessage, Subject};
use crate::model::Association;
use crate::text::Cause;

/// The JSON form of [`Error`]. Fields may be added; none is removed, renamed or
/// changes its meaning.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub(super) struct ErrorBody {
    /// What a caller can do next, as one word.
    kind: ErrorKind,
    /// The whole message for a person. Ignored when read.
    #[serde(default)]
    message: String,
    /// What the message says beside the other fields.
    detail: Option<String>,
    /// The operation that failed.
    operation: Option<Operation>,
    account_id: Option<AccountId>,
    zone_id: Option<ZoneId>,
    certificate_id: Option<CertificateId>,
    /// HTTP status of the last response.
    status: Option<u16>,
    /// The service's codes, causes included, in its order. Ignored when read.
    #[serde(default)]
    codes: Vec<i64>,
    /// What the service said.
    #[serde(default)]
    messages: Vec<ServiceMessage>,
    /// `cf-ray` of the last response.
    ray_id: Option<String>,
    /// How many times the request was sent.
    #[serde(default)]
    attempts: u32,
    /// Whether the operation may have taken effect all the same.
    #[serde(default)]
    may_have_taken_effect: bool,
    /// How long the service asks to wait, in whole seconds, rounded up.
    retry_after_seconds: Option<u64>,
    /// What uses the certificate, for `in_use`.
    #[serde(default)]
    associations: Vec<Association>,
    /// The certificates that match, for `ambiguous`.
    #[serde(default)]
    candidates: Vec<CertificateId>,
    /// The stored certificate, for `already_exists`.
    existing_certificate_id: Option<CertificateId>,
    /// The chain of causes, outermost first.
    #[serde(default)]
    causes: Vec<String>,
}

impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let source = std::error::Error::source(self);
        let causes = std::iter::successors(source, |cause| cause.source());
        let body = ErrorBody {
            kind: self.kind(),
            message: self.to_string(),
            detail: self.0.detail.clone(),
            operation: self.operation(),
            account_id: self.account_id().cloned(),
            zone_id: self.zone_id().cloned(),
            certificate_id: self.certificate_id().cloned(),
            status: self.status().map(|status| status.as_u16()),
            codes: self.codes().collect(),
            messages: self.messages().to_vec(),
            ray_id: self.ray_id().map(str::to_owned),
            attempts: self.attempts(),
            may_have_taken_effect: self.may_have_taken_effect(),
            retry_after_seconds: self.retry_after().map(|wait| wait.as_secs_f64().ceil() as u64),
            associations: self.associations().to_vec(),
            candidates: self.candidates().to_vec(),
            existing_certificate_id: self.existing_certificate().cloned(),
            causes: causes.map(ToString::to_string).collect(),
        };
        body.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Error {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let body = ErrorBody::deserialize(deserializer)?;
        let mut error = Self::new(body.kind);
        error.0.detail = body.detail;
        error.0.operation = body.operation;
        error.0.subject = Subject {
            account: body.account_id,
            zone: body.zone_id,
            certificate: body.certificate_id,
        };
        error.0.status = body.status.and_then(|status| StatusCode::from_u16(status).ok());
        error.0.messages = body.messages;
        error.0.ray_id = body.ray_id;
        error.0.attempts = body.attempts;
        error.0.may_have_taken_effect = body.may_have_taken_effect;
        error.0.retry_after = body.retry_after_seconds.map(Duration::from_secs);
        error.0.associations = body.associations;
        error.0.candidates = body.candidates;
        error.0.existing_certificate_id = body.existing_certificate_id;
        Ok(match Cause::chain(body.causes) {
            Some(cause) => error.with_source(cause),
            None => error,
        })
    }
}
