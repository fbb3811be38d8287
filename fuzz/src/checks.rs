//! What must hold for any input. Each check panics when it does not.

use std::time::Duration;

use cf_mtls::{
    AccountId, Association, Certificate, CertificateChain, CertificateId, Error, Upload, ZoneId,
    fuzzing,
};
use reqwest::StatusCode;
use reqwest::header::HeaderValue;
use serde::de::IgnoredAny;
use serde_json::Value;

/// The secret of the client that reads the responses.
pub const SECRET: &str = "Fz7Kq2Vx9Lm4Tb6Rw8Yc3Nd5";

/// Reads a response as that of each kind of operation, and returns as how many it is
/// a success.
///
/// # Panics
///
/// When an error of it is not fit to be shown, or a certificate does not read back.
pub fn response(status: u16, body: &[u8]) -> usize {
    let Ok(status) = StatusCode::from_u16(status) else {
        return 0;
    };
    let read = Read::new(status, body);
    assert!(read.successes == 0 || status.is_success());
    read.errors.iter().for_each(assert_presentable);
    read.certificates.iter().for_each(certificate);
    for association in &read.associations {
        drop(association.to_string());
    }
    read.successes
}

/// A response, read as that of each kind of operation.
struct Read {
    /// As how many kinds it is a success.
    successes: usize,
    certificates: Vec<Certificate>,
    associations: Vec<Association>,
    /// The hostnames, if it is a list of them.
    hostnames: Option<Vec<String>>,
    /// The errors of the other kinds.
    errors: Vec<Error>,
}

impl Read {
    fn new(status: StatusCode, body: &[u8]) -> Self {
        let results = fuzzing::response(SECRET, status, body);
        let successes = results.iter().flatten().count();
        let errors = results.iter().filter_map(|result| result.clone().err()).collect();
        let [one, list, rows, hostnames, _] = results;
        let values = |list: Result<Value, Error>| match list {
            Ok(Value::Array(items)) => items,
            _ => Vec::new(),
        };
        // What has no id is no certificate.
        let certificates = values(list).into_iter().chain(one.ok());
        let certificates = certificates.filter_map(|one| serde_json::from_value(one).ok());
        let rows = values(rows).into_iter().map(|row| {
            serde_json::from_value(row).expect("whatever the service sends is an association")
        });
        let hostnames = hostnames.ok().filter(Value::is_object).map(|mut result| {
            let list = result["hostnames"].take();
            serde_json::from_value(list).unwrap_or_default()
        });
        Self {
            successes,
            certificates: certificates.collect(),
            associations: rows.collect(),
            hostnames,
            errors,
        }
    }
}

fn certificate(certificate: &Certificate) {
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
    assert!(!message.chars().any(char::is_control), "a control character");
    let all = format!("{message}{error:?}");
    assert!(!all.contains(SECRET), "a secret");
}

/// Compares what is read of a response, strictly or leniently, with its JSON.
///
/// # Panics
///
/// When something is read that the JSON does not say.
pub fn differential(body: &[u8]) -> bool {
    let read = Read::new(StatusCode::OK, body);
    if read.successes == 0 {
        return false;
    }
    assert!(serde_json::from_slice::<IgnoredAny>(body).is_ok(), "not JSON");
    // Numbers out of range and text that is not UTF-8 are ignored in other members.
    let Ok(json) = serde_json::from_slice::<Value>(body) else {
        return true;
    };
    assert!(json.is_object() && json["success"] == true, "no success");
    assert!(json["errors"].as_array().is_none_or(Vec::is_empty), "errors");
    let result = &json["result"];
    let items = match result {
        Value::Array(items) => items.iter().collect(),
        Value::Object(_) => vec![result],
        _ => Vec::new(),
    };
    assert!(read.certificates.len() <= items.len(), "more certificates");
    assert!(read.associations.len() <= items.len(), "more associations");
    // What has no id is no certificate.
    let id = |item: &Value| item["id"].as_str()?.parse::<CertificateId>().ok();
    let with_ids = items.into_iter().filter_map(|item| Some((id(item)?, item)));
    for (certificate, (id, item)) in read.certificates.iter().zip(with_ids) {
        let text = |name: &str| item[name].as_str();
        assert_eq!(*certificate.id(), id);
        if let Some(name) = certificate.name() {
            assert_eq!(Some(name), text("name"));
        }
        if let Some(ca) = certificate.is_ca() {
            assert_eq!(Some(ca), item["ca"].as_bool());
        }
    }
    if let Some(hostnames) = read.hostnames {
        let list = result.get("hostnames").expect("no hostnames is not an empty list");
        match list {
            Value::Null => assert!(hostnames.is_empty()),
            list => assert_eq!(*list, Value::from(hostnames)),
        }
    }
    true
}

/// Reads a value as `Ratelimit` and as `Retry-After`.
pub fn headers(value: &[u8]) -> (Option<(u64, Duration)>, Option<Duration>) {
    match HeaderValue::from_bytes(value) {
        Ok(value) => (fuzzing::headers::ratelimit([&value]), fuzzing::headers::retry_after(&value)),
        Err(_) => (None, None),
    }
}

/// Reads a text as an id of each kind.
///
/// # Panics
///
/// When one is accepted that could leave its place in a URL.
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
/// When an accepted text does not mean the same when it is read again, or a refused
/// one is shown.
pub fn pem(text: &str) -> bool {
    let chain = CertificateChain::from_pem(text);
    let uploads = [Upload::ca(text), Upload::leaf_bundle(text), Upload::leaf(text, text)];
    for error in uploads.iter().filter_map(|upload| upload.as_ref().err()) {
        assert_presentable(error);
    }
    if let Err(error) = &chain {
        assert_presentable(error);
    }
    for upload in uploads.iter().flatten() {
        let (certificates, has_key) = fuzzing::upload_body(upload);
        let sent = CertificateChain::from_pem(&certificates);
        assert!(sent.is_ok_and(|sent| sent == *upload.chain()), "another chain is sent");
        // Nothing but certificates: "PRIVATE KEY" alone is base64, too.
        let markers = certificates.matches("-----").count();
        assert_eq!(markers, 4 * upload.chain().der().len(), "more than certificates");
        assert!(!certificates.contains("KEY-----"), "a key beside certificates");
        assert_eq!(has_key, !upload.is_ca());
    }
    if let (Ok(chain), Ok(upload)) = (&chain, &uploads[0]) {
        assert!(chain == upload.chain());
    }
    assert_eq!(chain.is_ok(), uploads[0].is_ok());
    chain.is_ok()
}
