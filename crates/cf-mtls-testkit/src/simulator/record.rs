//! What the simulator remembers: requests, and the changes they made.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use http::header::{CONTENT_TYPE, HeaderMap, USER_AGENT};
use http::{Method, Uri};
use serde_json::Value;

use crate::simulator::auth::Credentials;
use crate::simulator::chain;
use crate::simulator::fault::FaultId;
use crate::simulator::protocol::route::Operation;

/// A request that the simulator has seen.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RequestRecord {
    /// Counts requests from 0, also across
    /// [`clear_requests`](super::Simulator::clear_requests).
    pub sequence: u64,
    /// The HTTP method.
    pub method: String,
    /// The path, `/client/v4` included.
    pub path: String,
    /// The query as sent.
    pub query: Option<String>,
    /// The operation to which method and path lead.
    pub operation: Operation,
    /// The form of the credentials; their values are not kept.
    pub credentials: Credentials,
    /// The `User-Agent` header.
    pub user_agent: Option<String>,
    /// The `Content-Type` header.
    pub content_type: Option<String>,
    /// The body, without private keys; `None` if there was none. That of a
    /// refused request is shown to an
    /// [observer](super::Builder::on_request) only, and not kept.
    pub body: Option<String>,
    /// The fault that hit it.
    pub fault: Option<FaultId>,
    /// The status of the response; `None` while there is none, and for good if
    /// the connection ended before the first byte of one.
    pub status: Option<u16>,
}

impl RequestRecord {
    pub(crate) fn new(
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        operation: Operation,
    ) -> Self {
        let text = |name| {
            let value = headers.get(name)?;
            Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        Self {
            sequence: 0,
            method: method.to_string(),
            path: uri.path().to_owned(),
            query: uri.query().map(str::to_owned),
            operation,
            credentials: Credentials::of(headers),
            user_agent: text(USER_AGENT),
            content_type: text(CONTENT_TYPE),
            body: None,
            fault: None,
            status: None,
        }
    }

    /// Whether it is a GET, which changes nothing.
    pub fn is_read(&self) -> bool {
        self.method == Method::GET.as_str()
    }

    fn body_len(&self) -> usize {
        self.body.as_ref().map_or(0, String::len)
    }
}

/// `GET /client/v4/zones?page=1 -> 200 (token; no body; no user agent)`, with
/// long values of the body, PEM above all, shortened.
impl fmt::Display for RequestRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)?;
        if let Some(query) = &self.query {
            write!(f, "?{query}")?;
        }
        match self.status {
            Some(status) => write!(f, " -> {status} (")?,
            None => f.write_str(" -> no response (")?,
        }
        f.write_str(match self.credentials {
            Credentials::Missing => "no credentials",
            Credentials::Token => "token",
            Credentials::EmailAndKey => "email and key",
        })?;
        let body = self.body.as_deref().map_or_else(
            || "no body".to_owned(),
            |body| match serde_json::from_str(body) {
                Ok(mut value) => {
                    shorten(&mut value);
                    value.to_string()
                }
                Err(_) => shortened(&body.escape_debug().to_string()),
            },
        );
        let agent = self.user_agent.as_deref().unwrap_or("no user agent");
        write!(f, "; {body}; {agent})")
    }
}

/// In characters.
const MAX_SHOWN_VALUE: usize = 60;

fn shorten(value: &mut Value) {
    match value {
        Value::String(text) => *text = shortened(text),
        Value::Array(values) => values.iter_mut().for_each(shorten),
        Value::Object(fields) => fields.values_mut().for_each(shorten),
        _ => {}
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_SHOWN_VALUE) {
        Some((end, _)) => format!("{}... ({} bytes)", &text[..end], text.len()),
        None => text.to_owned(),
    }
}

/// In bytes, over all records.
const MAX_KEPT: usize = 64 << 20;

/// The last requests, and how many there were in all.
#[derive(Debug)]
pub(crate) struct Log {
    capacity: usize,
    records: VecDeque<RequestRecord>,
    /// The bytes of all bodies.
    kept: usize,
    next: u64,
    counts: BTreeMap<Operation, u64>,
}

impl Log {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, records: VecDeque::new(), kept: 0, next: 0, counts: BTreeMap::new() }
    }

    /// Whether keeping a record makes sense at all.
    pub(crate) fn keeps_records(&self) -> bool {
        self.capacity > 0
    }

    /// Counts a request; its record is made only if it will be kept.
    pub(crate) fn begin(
        &mut self,
        operation: Operation,
        record: impl FnOnce() -> RequestRecord,
    ) -> u64 {
        let sequence = self.next;
        self.next += 1;
        *self.counts.entry(operation).or_default() += 1;
        if self.capacity > 0 {
            if self.records.len() == self.capacity {
                let oldest = self.records.pop_front();
                self.kept -= oldest.map_or(0, |record| record.body_len());
            }
            self.records.push_back(RequestRecord { sequence, ..record() });
        }
        sequence
    }

    /// Changes a record, if it is still there.
    pub(crate) fn amend(&mut self, sequence: u64, change: impl FnOnce(&mut RequestRecord)) {
        let place = self.place(sequence);
        if let Some(record) = place.and_then(|at| self.records.get_mut(at)) {
            change(record);
        }
    }

    /// Sets or removes the body of a record. The oldest bodies go if all of them
    /// get too large.
    pub(crate) fn keep_body(&mut self, sequence: u64, body: Option<String>) {
        let mut change = 0..0;
        self.amend(sequence, |record| {
            change.start = record.body_len();
            record.body = body;
            change.end = record.body_len();
        });
        self.kept = self.kept + change.end - change.start;
        let mut oldest = self.records.iter_mut();
        while MAX_KEPT < self.kept
            && let Some(record) = oldest.next()
        {
            self.kept -= record.body_len();
            record.body = None;
        }
    }

    /// A record, if it is still there.
    pub(crate) fn find(&self, sequence: u64) -> Option<&RequestRecord> {
        self.place(sequence).and_then(|at| self.records.get(at))
    }

    fn place(&self, sequence: u64) -> Option<usize> {
        let key = |record: &RequestRecord| record.sequence;
        self.records.binary_search_by_key(&sequence, key).ok()
    }

    pub(crate) fn records(&self) -> Vec<RequestRecord> {
        self.records.iter().cloned().collect()
    }

    pub(crate) fn count(&self, operation: Option<Operation>) -> u64 {
        match operation {
            Some(operation) => self.counts.get(&operation).copied().unwrap_or_default(),
            None => self.counts.values().sum(),
        }
    }

    pub(crate) fn clear(&mut self) {
        self.records.clear();
        self.kept = 0;
        self.counts.clear();
    }
}

const REDACTED: &str = "[redacted]";

/// The body as a record shows it: nothing that looks like a private key, in
/// whichever field it was sent.
pub(crate) fn readable_body(body: &[u8]) -> Option<String> {
    if body.is_empty() {
        return None;
    }
    let Ok(mut value) = serde_json::from_slice::<Value>(body) else {
        let text = String::from_utf8_lossy(body);
        let secret = text.contains("PRIVATE KEY") || text.contains("private_key");
        return Some(if secret { REDACTED.to_owned() } else { text.into_owned() });
    };
    redact(&mut value);
    Some(value.to_string())
}

fn redact(value: &mut Value) {
    match value {
        Value::String(text) if text.contains("PRIVATE KEY") => REDACTED.clone_into(text),
        Value::Array(values) => values.iter_mut().for_each(redact),
        Value::Object(fields) => {
            for (name, value) in fields {
                if name == "private_key" && !value.is_null() {
                    *value = Value::String(REDACTED.to_owned());
                } else {
                    redact(value);
                }
            }
        }
        _ => {}
    }
}

/// What requests really changed.
///
/// Changes that a test makes itself, such as
/// [`seed`](super::Simulator::seed), are not among them.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Effects {
    /// Certificates stored.
    pub stored: u64,
    /// Certificates deleted.
    pub deleted: u64,
    /// Hostname lists replaced, with another or the same content.
    pub hostnames_replaced: u64,
    /// Hostnames that lost their CA while no other one of their zone was
    /// active for them.
    pub gaps: Vec<Gap>,
    pub(crate) stored_by_fingerprint: BTreeMap<String, u64>,
    pub(crate) deleted_by_id: BTreeMap<String, u64>,
    pub(crate) replaced_by_owner: BTreeMap<Option<String>, u64>,
}

impl Effects {
    /// How often the certificate in this PEM text was stored; of a chain, the
    /// first counts.
    pub fn stored_as(&self, pem: &str) -> u64 {
        let chain = chain::read_chain(pem);
        chain.map_or(0, |chain| self.stored_as_fingerprint(&chain.first().fingerprint))
    }

    /// How often a certificate was stored, by the SHA-256 of its DER in lower
    /// case hexadecimal digits.
    pub fn stored_as_fingerprint(&self, fingerprint: &str) -> u64 {
        self.stored_by_fingerprint.get(fingerprint).copied().unwrap_or_default()
    }

    /// How often a certificate was deleted: once at most, ids are not reused.
    pub fn deleted_as(&self, certificate_id: impl AsRef<str>) -> u64 {
        self.deleted_by_id.get(certificate_id.as_ref()).copied().unwrap_or_default()
    }

    /// How often a hostname list of this certificate was replaced, in
    /// whichever zone; `None` stands for the managed CAs.
    pub fn hostnames_replaced_for(&self, certificate_id: Option<&str>) -> u64 {
        let owner = certificate_id.map(str::to_owned);
        let count = self.replaced_by_owner.get(&owner);
        count.copied().unwrap_or_default()
    }
}

/// A hostname that was taken from its CA without an active successor.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Gap {
    /// The zone.
    pub zone_id: String,
    /// The hostname.
    pub hostname: String,
    /// Another CA had the hostname already, but was still being deployed.
    pub successor_pending: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_shown_on_one_line() {
        let uri = Uri::from_static("/client/v4/zones?page=1");
        let headers = HeaderMap::new();
        let mut record = RequestRecord::new(&Method::GET, &uri, &headers, Operation::Zones);
        let shown =
            "GET /client/v4/zones?page=1 -> no response (no credentials; no body; no user agent)";
        assert_eq!(record.to_string(), shown);
        record.status = Some(403);
        record.credentials = Credentials::Token;
        record.body = Some(format!("{{\"name\":\"a\",\"x\":[\"{}\"]}}", "b".repeat(100)));
        record.user_agent = Some("curl/8".to_owned());
        let shown = format!("{{\"name\":\"a\",\"x\":[\"{}... (100 bytes)\"]}}", "b".repeat(60));
        let shown = format!("GET /client/v4/zones?page=1 -> 403 (token; {shown}; curl/8)");
        assert_eq!(record.to_string(), shown);
        record.body = Some("no\nJSON".to_owned());
        assert!(record.to_string().contains("; no\\nJSON; "), "{record}");
    }

    #[test]
    fn bodies_lose_their_keys() {
        let key = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----";
        let json = serde_json::json!({
            "private_key": "c2VjcmV0", "certificates": key, "name": "kept", "deep": [{"x": key}],
        });
        for body in [json.to_string(), format!("{{\"private_key\": \"{key}"), key.to_owned()] {
            let shown = readable_body(body.as_bytes()).unwrap();
            assert!(!shown.contains("c2VjcmV0"), "{shown}");
        }
        assert!(readable_body(json.to_string().as_bytes()).unwrap().contains("kept"));
        assert_eq!(readable_body(b""), None);
        assert_eq!(readable_body(b"{}").as_deref(), Some("{}"));
    }

    #[test]
    fn ring_forgets_the_oldest_and_counts_all() {
        let mut log = Log::new(2);
        let record = || {
            RequestRecord::new(
                &Method::GET,
                &Uri::from_static("/zones"),
                &HeaderMap::new(),
                Operation::Zones,
            )
        };
        let sequences: Vec<_> = (0..3).map(|_| log.begin(Operation::Zones, record)).collect();
        for sequence in sequences {
            log.amend(sequence, |record| record.status = Some(200));
        }
        let kept: Vec<_> = log.records().iter().map(|record| record.sequence).collect();
        assert_eq!(kept, [1, 2]);
        assert!(log.records().iter().all(|record| record.status == Some(200)));
        assert_eq!((log.count(None), log.count(Some(Operation::Get))), (3, 0));
        log.clear();
        assert_eq!((log.records().len(), log.count(None)), (0, 0));
    }
}
