//! Responses and texts as the transport reads them, for fuzzing and property tests. Not
//! part of the API.

use std::borrow::Cow;

use cf_mtls_api::Association;
use cf_mtls_api::{Secret, types};
use http::StatusCode;

pub use cf_mtls_api::headers;
pub use cf_mtls_api::text::Sanitizer;

use crate::certificates::{Certificate, Upload, from_wire};
use crate::error::{Error, Operation};
use crate::transport::Interpreter;
use crate::transport::envelope::Envelope;

/// A response, read as that of each kind of operation.
#[derive(Debug, Default)]
pub struct Read {
    /// As how many kinds it is a success.
    pub successes: usize,
    /// The certificates in it.
    pub certificates: Vec<Certificate>,
    /// The associations in it.
    pub associations: Vec<Association>,
    /// The hostnames, if it is a list of them.
    pub hostnames: Option<Vec<String>>,
    /// The errors of the other kinds.
    pub errors: Vec<Error>,
}

/// Reads a response of a client with this secret.
pub fn response(secret: &str, status: StatusCode, body: &[u8]) -> Read {
    let mut read = Read::default();
    let secret = Secret::from(secret);
    let interpreter =
        Interpreter::new(Operation::GetCertificate, Cow::Owned(Sanitizer::new([&secret])));
    let (it, read_as) = (&interpreter, &mut read);
    let one: Option<types::CertificateEnvelope> = read_as.decode(it, status, body);
    let list: Option<types::CertificateListEnvelope> = read_as.decode(it, status, body);
    let rows: Option<types::AssociationListEnvelope> = read_as.decode(it, status, body);
    let hostnames: Option<types::HostnamesEnvelope> = read_as.decode(it, status, body);
    let _: Option<types::ZoneListEnvelope> = read_as.decode(it, status, body);
    let certificates = list.and_then(|envelope| envelope.result).into_iter().flatten();
    let certificates = certificates.chain(one.and_then(|envelope| envelope.result));
    read.certificates = certificates.filter_map(Certificate::from_wire).collect();
    let hostnames = hostnames.and_then(|envelope| envelope.result);
    read.hostnames = hostnames.map(|result| result.hostnames.unwrap_or_default());
    let rows = rows.and_then(|envelope| envelope.result).into_iter().flatten();
    read.associations = rows.map(from_wire).collect();
    read
}

impl Read {
    fn decode<E: Envelope>(
        &mut self,
        interpreter: &Interpreter<'_>,
        status: StatusCode,
        body: &[u8],
    ) -> Option<E> {
        let decoded = match serde_json::from_slice::<E>(body) {
            Ok(envelope) => interpreter.interpret_envelope(status, envelope),
            Err(_) => interpreter.decode_leniently(status, body),
        };
        self.successes += usize::from(decoded.is_ok());
        decoded.map_err(|attempt| self.errors.push(attempt.error)).ok()
    }
}

/// The certificates of an upload's body, and whether it has a private key.
pub fn upload_body(upload: &Upload) -> (String, bool) {
    let body = upload.to_wire();
    (body.certificates.clone(), body.private_key.is_some())
}
