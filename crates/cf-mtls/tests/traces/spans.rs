//! One span for each operation, an event for each attempt and one for the outcome, in
//! OpenTelemetry's words.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cf_mtls::Retry;
use cf_mtls_testkit::Simulator;
use cf_mtls_testkit::simulator::{Fault, Operation, Seed};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

use crate::support::raw::{Raw, THERE, answer};
use crate::support::{ACCOUNT, account_of, builder, ca, unknown_id};

type Fields = BTreeMap<String, String>;

/// A span that was opened, or an event with the fields of the spans around it.
#[derive(Clone, Debug)]
enum Record {
    Span(Fields),
    Event(Fields),
}

#[derive(Clone, Default)]
struct Capture(Arc<Mutex<Vec<Record>>>);

impl Capture {
    /// Captures what this thread traces while the guard lives.
    fn start() -> (Self, tracing::subscriber::DefaultGuard) {
        let capture = Self::default();
        let subscriber = tracing_subscriber::registry().with(capture.clone());
        (capture, tracing::subscriber::set_default(subscriber))
    }

    fn records(&self) -> Vec<Record> {
        self.0.lock().unwrap().clone()
    }
}

struct Visitor<'a>(&'a mut Fields);

impl tracing::field::Visit for Visitor<'_> {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn Debug) {
        let mut text = String::new();
        write!(text, "{value:?}").unwrap();
        self.0.insert(field.name().to_owned(), text);
    }

    fn record_str(&mut self, field: &tracing::field::Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }
}

impl<S: tracing::Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Capture {
    fn on_new_span(
        &self,
        attributes: &tracing::span::Attributes<'_>,
        _: &tracing::Id,
        _: Context<'_, S>,
    ) {
        if attributes.metadata().target().starts_with("cf_mtls") {
            let mut fields = Fields::new();
            attributes.record(&mut Visitor(&mut fields));
            self.0.lock().unwrap().push(Record::Span(fields));
        }
    }

    fn on_event(&self, event: &tracing::Event<'_>, context: Context<'_, S>) {
        if event.metadata().target().starts_with("cf_mtls") {
            let mut fields = Fields::new();
            event.record(&mut Visitor(&mut fields));
            let around = context.event_span(event).map(|span| span.name());
            fields.insert("in".to_owned(), around.unwrap_or_default().to_owned());
            fields.insert("level".to_owned(), event.metadata().level().to_string());
            self.0.lock().unwrap().push(Record::Event(fields));
        }
    }
}

fn of<'a>(fields: &'a Fields, name: &str) -> &'a str {
    fields.get(name).map_or("", String::as_str)
}

#[tokio::test]
async fn one_span_an_operation_and_one_event_an_attempt() {
    let _alone = crate::ALONE.lock().await;
    let (capture, _guard) = Capture::start();

    let simulator = Simulator::start().await.unwrap();
    let id = simulator.seed(Seed::ca(ca().pem)).unwrap();
    simulator.inject(
        Fault::html(502).on(Operation::Delete).nth(1).header("cf-ray", "8d1a2b3c4d5e6f70-TXL"),
    );
    simulator.inject(Fault::error(429, 971, "slow down").on(Operation::Delete).nth(2));
    let lost = Fault::html(502).after_effect();
    simulator.inject(lost.on(Operation::Delete).nth(3));
    let client = builder(simulator.base_url(), simulator.token())
        .with_retry(Retry::with_delays(3, |n| Duration::from_millis(n.into())))
        .build()
        .unwrap();
    let certificates = client.certificates(&account_of(&simulator));
    let gone = certificates.delete(&id.parse().unwrap()).await.unwrap();
    assert!(!gone.is_confirmed());

    let records = capture.records();
    let spans: Vec<&Fields> = records
        .iter()
        .filter_map(|r| match r {
            Record::Span(fields) => Some(fields),
            Record::Event(_) => None,
        })
        .collect();
    let events: Vec<&Fields> = records
        .iter()
        .filter_map(|r| match r {
            Record::Event(fields) => Some(fields),
            Record::Span(_) => None,
        })
        .collect();

    // The delete, and the look afterwards.
    let template = "/accounts/{account_id}/mtls_certificates/{mtls_certificate_id}";
    let methods: Vec<_> = spans.iter().map(|span| of(span, "http.request.method")).collect();
    assert_eq!(methods, ["DELETE", "GET"], "{spans:?}");
    for span in spans {
        assert_eq!(of(span, "url.template"), template);
        assert_eq!(of(span, "cloudflare.account.id"), simulator.account_id());
        assert_eq!(of(span, "cloudflare.certificate.id"), id);
        assert!(of(span, "otel.name").ends_with("certificate"), "{span:?}");
        assert_eq!(of(span, "otel.kind"), "client");
    }

    let (ends, events): (Vec<_>, Vec<_>) =
        events.into_iter().partition(|event| of(event, "message") == "operation ended");
    let names = ["level", "error.type", "may_have_taken_effect"];
    let shown: Vec<_> = ends.iter().map(|event| names.map(|name| of(event, name))).collect();
    // Failed attempts that were survived are not the last word.
    assert_eq!(shown, [["DEBUG", "not_found", ""], ["INFO", "", ""]], "{ends:?}");

    let names = ["http.response.status_code", "http.request.resend_count", "error.type", "wait_ms"];
    let shown: Vec<_> = events.iter().map(|event| names.map(|name| of(event, name))).collect();
    assert_eq!(
        shown,
        [
            ["502", "0", "service_unavailable", "1"],
            ["429", "1", "rate_limited", "2"],
            ["502", "2", "service_unavailable", ""],
            ["404", "0", "not_found", ""], // the look
        ],
        "{events:?}"
    );
    assert_eq!(of(events[0], "cloudflare.ray.id"), "8d1a2b3c4d5e6f70-TXL");
    assert!(events.iter().all(|event| of(event, "in") == "cf_mtls"), "{events:?}");
    assert!(events.iter().all(|event| !of(event, "cloudflare.ray.id").is_empty()));
}

#[tokio::test]
async fn what_waits_for_the_rate_limit_is_spread_behind_its_end() {
    let _alone = crate::ALONE.lock().await;
    let (capture, _guard) = Capture::start();
    let spent = "ratelimit: \"default\";r=0;t=300\r\n";
    let server = Raw::saying(answer("200 OK", spent, THERE)).await;
    let client = builder(&server.base_url(), "token-of-this-test");
    let client = client.with_deadline(Duration::from_secs(3600)).build().unwrap();
    let certificates = client.certificates(&ACCOUNT.parse().unwrap());
    let id = unknown_id();
    certificates.get(&id).await.unwrap();
    for _ in 0..20 {
        let get = tokio::time::timeout(Duration::ZERO, certificates.get(&id));
        get.await.expect_err("it waits");
    }
    let records = capture.records();
    let waits = records.iter().filter_map(|record| match record {
        Record::Event(fields) => fields.get("wait_ms")?.parse::<u64>().ok(),
        Record::Span(_) => None,
    });
    let waits: Vec<u64> = waits.collect();
    assert_eq!(waits.len(), 20);
    // They end up to a tenth of the wait behind the window.
    let behind = waits.iter().filter(|wait| (300_001..=330_000).contains(*wait));
    let distinct: BTreeSet<&u64> = behind.collect();
    assert!(10 < distinct.len(), "they come at once: {waits:?}");
}

#[tokio::test]
async fn retries_wait_anywhere_below_a_bound_that_doubles() {
    let _alone = crate::ALONE.lock().await;
    let (capture, _guard) = Capture::start();
    let server = Raw::saying(answer("502 Bad Gateway", "", "down")).await;
    let (base, max) = (Duration::from_millis(20), Duration::from_millis(40));
    for _ in 0..20 {
        // Each has a retry budget of its own.
        let client = builder(&server.base_url(), "token-of-this-test");
        let client = client.with_retry(Retry::exponential(4, base, max)).build().unwrap();
        let certificates = client.certificates(&ACCOUNT.parse().unwrap());
        certificates.get(&unknown_id()).await.unwrap_err();
    }
    let records = capture.records();
    let waits = records.iter().filter_map(|record| match record {
        Record::Event(fields) => Some((
            fields.get("http.request.resend_count")?.parse::<u32>().ok()?,
            fields.get("wait_ms")?.parse::<u64>().ok()?,
        )),
        Record::Span(_) => None,
    });
    let waits: Vec<(u32, u64)> = waits.collect();
    assert_eq!(waits.len(), 60, "{waits:?}");
    for (retry, bound) in [(0, 20), (1, 40), (2, 40)] {
        let waits = waits.iter().filter(|(count, _)| *count == retry).map(|(_, wait)| *wait);
        let waits: Vec<u64> = waits.collect();
        let (least, most) = (*waits.iter().min().unwrap(), *waits.iter().max().unwrap());
        // All of the range is used, not its end only.
        assert!(least < bound / 2 && bound / 2 < most && most <= bound, "{retry}: {least}, {most}");
    }
}

#[tokio::test]
async fn a_page_is_an_operation_of_its_own() {
    let _alone = crate::ALONE.lock().await;
    let (capture, _guard) = Capture::start();
    let simulator = Simulator::start().await.unwrap();
    for _ in 0..51 {
        simulator.seed(Seed::ca(ca().pem)).unwrap();
    }
    let client = builder(simulator.base_url(), simulator.token()).build().unwrap();
    let certificates = client.certificates(&account_of(&simulator));
    let list = certificates.list(cf_mtls::CertificateFilter::all());
    assert_eq!(list.collect().await.unwrap().len(), 51);
    let records = capture.records();
    let spans = records.iter().filter(|r| matches!(r, Record::Span(_))).count();
    // For each page its span, the response and the outcome.
    assert_eq!((spans, records.len()), (2, 6), "{records:?}");
}

/// The future is dropped while the server holds the response back.
#[tokio::test]
async fn a_cancelled_delete_may_have_taken_effect() {
    let _alone = crate::ALONE.lock().await;
    let (capture, _guard) = Capture::start();
    let simulator = Simulator::start().await.unwrap();
    let id = simulator.seed(Seed::ca(ca().pem)).unwrap().parse().unwrap();
    simulator.inject(Fault::silence().on(Operation::Delete));
    let client = builder(simulator.base_url(), simulator.token()).build().unwrap();
    let certificates = client.certificates(&account_of(&simulator));
    let is_sent = async {
        while simulator.request_count(Operation::Delete) == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        ended = certificates.delete(&id) => panic!("no response comes: {ended:?}"),
        () = is_sent => {}
    }
    let records = capture.records();
    let ends: Vec<_> = records
        .iter()
        .filter_map(|record| match record {
            Record::Event(fields) if of(fields, "message") == "operation ended" => Some(fields),
            _ => None,
        })
        .map(|event| ["level", "error.type", "may_have_taken_effect"].map(|name| of(event, name)))
        .collect();
    assert_eq!(ends, [["INFO", "cancelled", "true"]]);
}
