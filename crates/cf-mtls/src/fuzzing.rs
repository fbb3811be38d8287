//! Responses and texts as the transport reads them, for fuzzing and property tests. Not
//! part of the API.

use std::borrow::Cow;

use cf_mtls_api::{Secret, types};
use http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};

pub use cf_mtls_api::headers;
pub use cf_mtls_api::text::Sanitizer;

use crate::certificates::Upload;
use crate::error::{Error, Operation};
use crate::transport::Interpreter;
use crate::transport::envelope::Envelope;

/// What a client with this secret reads in a response: a certificate, and lists of
/// certificates, associations, hostnames and zones.
pub fn response(secret: &str, status: StatusCode, body: &[u8]) -> [Result<Value, Error>; 5] {
    let secret = Secret::from(secret);
    let interpreter =
        Interpreter::new(Operation::GetCertificate, Cow::Owned(Sanitizer::new([&secret])));
    [
        read::<types::CertificateEnvelope>(&interpreter, status, body),
        read::<types::CertificateListEnvelope>(&interpreter, status, body),
        read::<types::AssociationListEnvelope>(&interpreter, status, body),
        read::<types::HostnamesEnvelope>(&interpreter, status, body),
        read::<types::ZoneListEnvelope>(&interpreter, status, body),
    ]
}

fn read<E: Envelope + Serialize>(
    interpreter: &Interpreter<'_>,
    status: StatusCode,
    body: &[u8],
) -> Result<Value, Error> {
    let envelope = match serde_json::from_slice::<E>(body) {
        Ok(envelope) => interpreter.interpret_envelope(status, envelope),
        Err(_) => interpreter.decode_leniently(status, body),
    };
    envelope.map(|envelope| json!(envelope)["result"].take()).map_err(|attempt| attempt.error)
}

/// The certificates of an upload's body, and whether it has a private key.
pub fn upload_body(upload: &Upload) -> (String, bool) {
    let body = upload.to_wire();
    (body.certificates.clone(), body.private_key.is_some())
}
