//! Doors for fuzzing: each reads bytes that a stranger could send, and panics
//! when what comes of them is not as it must be.

use std::sync::LazyLock;
use std::time::Duration;

use cf_mtls_api::types;
use http::{HeaderValue, StatusCode};

use crate::certificates::{Certificate, CertificateChain, Upload};
use crate::error::{Error, Operation, Subject};
use crate::model::Association;
use crate::transport::envelope::Envelope;
use crate::transport::{Call, Client, rate_limit};
use crate::{AccountId, CertificateId, ZoneId};

/// The secret of the client that reads the answers.
pub const SECRET: &str = "Fz7Kq2Vx9Lm4Tb6Rw8Yc3Nd5";

static CLIENT: LazyLock<Option<Client>> = LazyLock::new(|| {
    Client::builder(SECRET)
        .with_base_url("http://127.0.0.1:1")
        .build()
        .ok()
});

/// Reads a body as the answer to each operation, and says to how many it is one.
///
/// # Panics
///
/// When an error of it is not fit to be shown.
pub fn answer(status: u16, body: &[u8]) -> usize {
    let (Some(client), Ok(status)) = (&*CLIENT, StatusCode::from_u16(status)) else {
        return 0;
    };
    let call = Call::new(client, Operation::GetCertificate, Subject::default());
    let certificate = read::<types::CertificateEnvelope>(&call, status, body);
    let list = read::<types::CertificateListEnvelope>(&call, status, body);
    let associations = read::<types::AssociationListEnvelope>(&call, status, body);
    let hostnames = read::<types::HostnamesEnvelope>(&call, status, body);
    let zones = read::<types::ZoneListEnvelope>(&call, status, body);

    let mut certificates: Vec<types::Certificate> = list
        .iter()
        .flat_map(|envelope| envelope.result.iter().flatten().cloned())
        .collect();
    certificates.extend(
        certificate
            .iter()
            .filter_map(|envelope| envelope.result.clone()),
    );
    for certificate in certificates.into_iter().map(Certificate::from) {
        look_at(&certificate);
    }
    let rows = associations
        .iter()
        .flat_map(|envelope| envelope.result.iter().flatten());
    for association in rows.cloned().map(Association::from) {
        drop(association.to_string());
    }
    [
        certificate.is_some(),
        list.is_some(),
        associations.is_some(),
        hostnames.is_some(),
        zones.is_some(),
    ]
    .into_iter()
    .map(usize::from)
    .sum()
}

fn read<E: Envelope>(call: &Call<'_>, status: StatusCode, body: &[u8]) -> Option<E> {
    let read = match serde_json::from_slice::<E>(body) {
        Ok(envelope) => call.judge(status, envelope),
        Err(_) => call.reread(status, body),
    };
    let error = match read {
        Ok(envelope) => {
            assert!(status.is_success() && envelope.success());
            return Some(envelope);
        }
        Err((error, _)) => call.finish(error),
    };
    assert_presentable(&error);
    None
}

fn look_at(certificate: &Certificate) {
    let (_, _) = (certificate.expires_on(), certificate.uploaded_on());
    if let Err(error) = certificate.chain() {
        assert_presentable(&error);
    }
    drop(certificate.to_string());
    let Ok(json) = serde_json::to_vec(certificate) else {
        return;
    };
    let again = serde_json::from_slice::<Certificate>(&json);
    assert!(again.is_ok_and(|again| again == *certificate));
}

fn assert_presentable(error: &Error) {
    let message = error.to_string();
    assert!(message.len() < 2048, "a long message");
    assert!(
        !message.chars().any(char::is_control),
        "a control character"
    );
    let all = format!("{message}{error:?}");
    assert!(!all.contains(SECRET), "a secret");
}

/// Reads a value as `Ratelimit` and as `Retry-After`.
pub fn headers(value: &[u8]) -> (Option<(u64, Duration)>, Option<Duration>) {
    match HeaderValue::from_bytes(value) {
        Ok(value) => (rate_limit::parse(&value), rate_limit::retry_after(&value)),
        Err(_) => (None, None),
    }
}

/// Reads a text as an id of each kind.
///
/// # Panics
///
/// When one is taken that could leave its place in a URL.
pub fn id(text: &str) -> bool {
    let read = [
        text.parse::<CertificateId>().map(|id| id.to_string()),
        text.parse::<AccountId>().map(|id| id.to_string()),
        text.parse::<ZoneId>().map(|id| id.to_string()),
    ];
    for id in read.iter().flatten() {
        assert!(id.eq_ignore_ascii_case(text));
        let place = format!("https://host/a/{id}/z");
        let url = reqwest::Url::parse(&place).map(|url| url.to_string());
        assert!(url.is_ok_and(|url| url == place), "{id:?} leaves its place");
    }
    for error in read.iter().filter_map(|id| id.as_ref().err()) {
        let message = error.to_string();
        assert!(message.len() < 1024 && !message.chars().any(char::is_control));
    }
    read.iter().all(Result::is_ok)
}

/// Reads a text as PEM in every way there is.
///
/// # Panics
///
/// When what is taken does not say the same when it is read again, or what is
/// refused is shown.
pub fn pem(text: &str) -> bool {
    let chain = CertificateChain::from_pem(text);
    let uploads = [
        Upload::ca(text),
        Upload::leaf_bundle(text),
        Upload::leaf(text, text),
    ];
    for error in uploads.iter().filter_map(|upload| upload.as_ref().err()) {
        assert_presentable(error);
    }
    if let Err(error) = &chain {
        assert_presentable(error);
    }
    for upload in uploads.iter().flatten() {
        let wire = upload.to_wire();
        let sent = CertificateChain::from_pem(&wire.certificates);
        assert!(
            sent.is_ok_and(|sent| sent == *upload.chain()),
            "what is sent is another chain"
        );
        // Nothing but certificates: "PRIVATE KEY" alone is base64, too.
        let markers = wire.certificates.matches("-----").count();
        assert_eq!(
            markers,
            4 * upload.chain().der().len(),
            "more than certificates"
        );
        assert!(
            !wire.certificates.contains("KEY-----"),
            "a key beside certificates"
        );
        assert_eq!(wire.private_key.is_some(), !upload.is_ca());
    }
    if let (Ok(chain), Ok(upload)) = (&chain, &uploads[0]) {
        assert!(chain == upload.chain());
    }
    assert_eq!(chain.is_ok(), uploads[0].is_ok());
    chain.is_ok()
}
