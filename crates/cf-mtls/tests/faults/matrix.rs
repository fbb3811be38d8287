//! Operation x fault x moment, on the simulator.
//!
//! [`faults`] says what kind of failure each fault is to the client, and
//! [`OUTCOMES`] the one right outcome of each operation for each kind. What
//! comes in sequence is told row by row in [`sequences_of_faults`].

use std::time::{Duration, Instant};

use cf_mtls::{Error, Retry};
use cf_mtls_testkit::Simulator;
use cf_mtls_testkit::simulator::{Effects, Fault, Operation, Seed};
use futures_util::stream::{self, StreamExt as _};

use crate::support::{SHORT, account_of, builder, ca, own_builder, requests_of, tls, verdict};

/// What an attempt that failed tells the client.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Class {
    /// No response of the service itself, which may still be at it.
    Silent,
    /// A response of the service itself that does not say.
    Unclear,
    /// Turned away before it could do anything, for now.
    Rejected,
    /// Refused for good.
    Refused,
}
use Class::{Refused, Rejected, Silent, Unclear};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Moment {
    /// The request never takes effect.
    Before,
    After,
    /// It does when the client has given up.
    Late,
}
use Moment::{After, Before, Late};

/// When what is late takes effect: after all requests of an operation.
const LATE: Duration = Duration::from_secs(3600);

impl Moment {
    fn of(self, fault: Fault) -> Fault {
        match self {
            Before => fault,
            After => fault.after_effect(),
            Late => fault.effect_after(LATE),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum How {
    Once,
    Always,
}
use How::{Always, Once};

type Made = fn() -> Fault;

/// Every fault: its name, itself, its class, and the kind of the error.
fn faults() -> Vec<(&'static str, Made, Class, &'static str)> {
    const CAUSED: &str = r#"{"success":false,"errors":[{"code":10001,"message":"internal error","error_chain":[{"code":971}]}]}"#;
    const ERRORS: &str = r#"{"success":true,"errors":[{"code":99004,"message":"not done"}]}"#;
    const SUCCESS: &str = r#"{"success":true,"errors":[],"messages":[],"result":null}"#;
    #[rustfmt::skip]
    let faults: Vec<(&'static str, Made, Class, &'static str)> = vec![
        ("reset", Fault::reset, Silent, "connection"),
        ("close", Fault::close, Silent, "connection"),
        ("silence", Fault::silence, Silent, "timeout"),
        ("HTML 408", || Fault::html(408), Silent, "invalid_response"),
        ("HTML 499", || Fault::html(499), Silent, "invalid_response"),
        ("HTML 500", || Fault::html(500), Silent, "service_unavailable"),
        ("HTML 502", || Fault::html(502), Silent, "service_unavailable"),
        ("HTML 503", || Fault::html(503), Silent, "service_unavailable"),
        ("HTML 504", || Fault::html(504), Silent, "service_unavailable"),
        ("HTML 520", || Fault::html(520), Silent, "service_unavailable"),
        ("HTML 521", || Fault::html(521), Silent, "service_unavailable"),
        ("HTML 530", || Fault::html(530), Silent, "service_unavailable"),
        ("envelope 408", || Fault::error(408, 1, "late"), Silent, "timeout"),
        ("envelope 499", || Fault::error(499, 1, "late"), Silent, "timeout"),
        ("envelope 504", || Fault::error(504, 1, "late"), Silent, "service_unavailable"),
        ("envelope 524", || Fault::error(524, 1, "late"), Silent, "service_unavailable"),
        ("envelope 504, code 971", || Fault::error(504, 971, "late"), Silent, "rate_limited"),
        ("truncated", Fault::truncated, Silent, "connection"),
        ("stalled body", Fault::stalled, Silent, "timeout"),
        ("endless body", Fault::endless, Silent, "invalid_response"),
        ("HTML 403", || Fault::html(403), Silent, "invalid_response"),
        ("HTML 404", || Fault::html(404), Silent, "invalid_response"),
        ("HTML 200", || Fault::html(200), Silent, "invalid_response"),
        ("302", || Fault::redirect(302, "/elsewhere"), Silent, "invalid_response"),
        ("308", || Fault::redirect(308, "https://example.com/"), Silent, "invalid_response"),
        ("204", || Fault::raw(204, "", ""), Silent, "invalid_response"),
        ("200 without a body", || json(200, ""), Silent, "invalid_response"),
        ("200 cut off in its JSON", Fault::malformed_json, Silent, "invalid_response"),
        ("200 with other JSON", || json(200, "[1]"), Silent, "invalid_response"),
        ("200 with an array for an envelope", || json(200, "[null,null,null,true]"), Silent, "invalid_response"),
        ("200 with success as text", || json(200, r#"{"success":"true"}"#), Silent, "invalid_response"),
        ("200 in UTF-16", || Fault::raw(200, "application/json; charset=utf-16", utf16(SUCCESS)), Silent, "invalid_response"),
        ("200 with NUL bytes", || json(200, [SUCCESS.as_bytes(), b"\0\0"].concat()), Silent, "invalid_response"),
        ("500 that reports success", || json(500, SUCCESS), Silent, "invalid_response"),
        ("404 that reports success", || json(404, SUCCESS), Silent, "invalid_response"),
        ("envelope 500", || Fault::error(500, 10001, "internal error"), Unclear, "service_unavailable"),
        ("envelope 500 without a known code", || Fault::error(500, 99003, "failed"), Unclear, "service_unavailable"),
        ("envelope 500, code 971", || Fault::error(500, 971, "slow down"), Unclear, "rate_limited"),
        ("envelope 500, code 971 as a cause", || json(500, CAUSED), Unclear, "service_unavailable"),
        ("envelope 503", || Fault::error(503, 99003, "busy"), Unclear, "service_unavailable"),
        ("200 that reports success, and errors", || json(200, ERRORS), Unclear, "invalid_response"),
        ("429", || Fault::error(429, 971, "slow down"), Rejected, "rate_limited"),
        ("429, Retry-After: 0", || Fault::error(429, 971, "slow down").retry_after("0"), Rejected, "rate_limited"),
        ("429, Retry-After in the past", || Fault::error(429, 971, "slow down").retry_after("Sun, 06 Nov 1994 08:49:37 GMT"), Rejected, "rate_limited"),
        ("429, Retry-After: soon", || Fault::error(429, 971, "slow down").retry_after("soon"), Rejected, "rate_limited"),
        ("429 in HTML", || Fault::html(429), Rejected, "rate_limited"),
        ("200 with code 971", || Fault::unsuccessful(971, "slow down"), Rejected, "rate_limited"),
        ("envelope 401", || Fault::error(401, 10000, "no"), Refused, "authentication"),
        ("envelope 403", || Fault::error(403, 9109, "no"), Refused, "permission"),
        ("envelope 404, code 7003", || Fault::error(404, 7003, "no"), Refused, "invalid_request"),
        ("200 success: false", || Fault::unsuccessful(1411, "no"), Refused, "invalid_request"),
        ("envelope 400, code 1489", || Fault::error(400, 1489, "full"), Refused, "quota_exceeded"),
        ("envelope 400, code 971 as a cause", || json(400, CAUSED), Unclear, "service_unavailable"),
        ("429, Retry-After beyond the deadline", || Fault::error(429, 971, "slow down").retry_after("86400"), Refused, "rate_limited"),
        ("429, Retry-After at a date beyond it", || Fault::error(429, 971, "slow down").retry_after("Fri, 31 Dec 9999 23:59:59 GMT"), Refused, "rate_limited"),
        ("429, Retry-After with 30 digits", || Fault::error(429, 971, "slow down").retry_after("999999999999999999999999999999"), Refused, "rate_limited"),
    ];
    faults
}

fn json(status: u16, body: impl Into<Vec<u8>>) -> Fault {
    Fault::raw(status, "application/json", body)
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// Operation, class, moment, how often; then the outcome, where `KIND` stands
/// for that of the fault, the requests, and the effects that the server saw.
type Outcome = (Operation, Class, Moment, How, &'static str, &'static str, u64);

const MAYBE: &str = "KIND, may have taken effect";

#[rustfmt::skip]
const OUTCOMES: [Outcome; 35] = {
    use Operation::{Delete, Upload, ReplaceHostnames as Replace, Get, List, Associations, Hostnames};
    [
        // Retried after anything but a refusal; then some looks.
        (Delete, Silent, Before, Once, "ok", "delete 2", 1),
        (Delete, Silent, Before, Always, MAYBE, "delete 3 get 6", 0),
        (Delete, Silent, After, Once, "ok, seen gone", "delete 2", 1),
        (Delete, Silent, After, Always, "ok, seen gone", "delete 3 get 1", 1),
        (Delete, Silent, Late, Once, "ok", "delete 2", 1),
        (Delete, Silent, Late, Always, MAYBE, "delete 3 get 6", 1),
        (Delete, Rejected, Before, Once, "ok", "delete 2", 1),
        (Delete, Rejected, Before, Always, "KIND", "delete 3", 0),
        (Delete, Refused, Before, Once, "KIND", "delete 1", 0),
        // Likewise, since what is stored already is refused.
        (Upload, Silent, Before, Once, "ok", "upload 2", 1),
        (Upload, Silent, Before, Always, MAYBE, "upload 3 list 6", 0),
        (Upload, Silent, After, Once, "ok", "upload 2 list 1", 1),
        (Upload, Silent, After, Always, "ok", "upload 3 list 1", 1),
        (Upload, Silent, Late, Once, "ok", "upload 2", 1),
        (Upload, Silent, Late, Always, MAYBE, "upload 3 list 6", 1),
        (Upload, Rejected, Before, Once, "ok", "upload 2", 1),
        (Upload, Rejected, Before, Always, "KIND", "upload 3", 0),
        (Upload, Refused, Before, Once, "KIND", "upload 1", 0),
        // Read before each attempt, and until a read shows it.
        (Replace, Silent, Before, Once, "ok", "replace 2 hostnames 3", 1),
        (Replace, Silent, Before, Always, MAYBE, "replace 3 hostnames 9", 0),
        (Replace, Silent, After, Once, "ok", "replace 1 hostnames 2", 1),
        (Replace, Silent, After, Always, "ok", "replace 1 hostnames 2", 1),
        (Replace, Silent, Late, Once, "ok", "replace 2 hostnames 3", 2),
        (Replace, Silent, Late, Always, MAYBE, "replace 3 hostnames 9", 3),
        (Replace, Rejected, Before, Once, "ok", "replace 2 hostnames 3", 1),
        (Replace, Rejected, Before, Always, "KIND", "replace 3 hostnames 3", 0),
        (Replace, Refused, Before, Once, "KIND", "replace 1 hostnames 1", 0),
        // Reads are retried freely, and change nothing.
        (Get, Silent, Before, Once, "ok", "get 2", 0),
        (Get, Silent, Before, Always, "KIND", "get 3", 0),
        (Get, Refused, Before, Once, "KIND", "get 1", 0),
        (List, Silent, Before, Once, "ok", "list 2", 0),
        (List, Silent, Before, Always, "KIND", "list 3", 0),
        (List, Refused, Before, Once, "KIND", "list 1", 0),
        (Associations, Silent, Before, Once, "ok", "associations 2", 0),
        (Hostnames, Silent, Before, Always, "KIND", "hostnames 3", 0),
    ]
};

/// Likewise, with a service whose reads lag for a while, and longer than the client
/// looks. What is late is neither missing nor another client's.
#[rustfmt::skip]
const LAGGED: [(Lag, Outcome); 54] = {
    use Lag::{Long, Short};
    use Operation::{Delete, Upload, ReplaceHostnames as Replace};
    [
        (Short, (Delete, Silent, Before, Once, "ok", "delete 2", 1)),
        (Short, (Delete, Silent, Before, Always, MAYBE, "delete 3 get 6", 0)),
        // The service refuses to delete twice, whatever reads show.
        (Short, (Delete, Silent, After, Once, "ok, seen gone", "delete 2", 1)),
        (Short, (Delete, Silent, After, Always, "ok, seen gone", "delete 3 get 3", 1)),
        (Short, (Delete, Silent, Late, Once, "ok", "delete 2", 1)),
        (Short, (Delete, Silent, Late, Always, MAYBE, "delete 3 get 6", 1)),
        (Short, (Delete, Rejected, Before, Once, "ok", "delete 2", 1)),
        (Short, (Delete, Rejected, Before, Always, "KIND", "delete 3", 0)),
        (Short, (Delete, Refused, Before, Once, "KIND", "delete 1", 0)),
        (Short, (Upload, Silent, Before, Once, "ok", "upload 2", 1)),
        (Short, (Upload, Silent, Before, Always, MAYBE, "upload 3 list 6", 0)),
        (Short, (Upload, Silent, After, Once, "ok", "upload 2 list 4", 1)),
        (Short, (Upload, Silent, After, Always, "ok", "upload 3 list 3", 1)),
        (Short, (Upload, Silent, Late, Once, "ok", "upload 2", 1)),
        (Short, (Upload, Silent, Late, Always, MAYBE, "upload 3 list 6", 1)),
        (Short, (Upload, Rejected, Before, Once, "ok", "upload 2", 1)),
        (Short, (Upload, Rejected, Before, Always, "KIND", "upload 3", 0)),
        (Short, (Upload, Refused, Before, Once, "KIND", "upload 1", 0)),
        (Short, (Replace, Silent, Before, Once, "ok", "replace 2 hostnames 8", 1)),
        (Short, (Replace, Silent, Before, Always, MAYBE, "replace 3 hostnames 9", 0)),
        (Short, (Replace, Silent, After, Once, "ok", "replace 2 hostnames 6", 2)),
        (Short, (Replace, Silent, After, Always, "ok", "replace 3 hostnames 4", 3)),
        (Short, (Replace, Silent, Late, Once, "ok", "replace 2 hostnames 8", 2)),
        (Short, (Replace, Silent, Late, Always, MAYBE, "replace 3 hostnames 9", 3)),
        (Short, (Replace, Rejected, Before, Once, "ok", "replace 2 hostnames 8", 1)),
        (Short, (Replace, Rejected, Before, Always, "KIND", "replace 3 hostnames 3", 0)),
        (Short, (Replace, Refused, Before, Once, "KIND", "replace 1 hostnames 1", 0)),
        (Long, (Delete, Silent, Before, Once, "ok", "delete 2", 1)),
        (Long, (Delete, Silent, Before, Always, MAYBE, "delete 3 get 6", 0)),
        (Long, (Delete, Silent, After, Once, "ok, seen gone", "delete 2", 1)),
        (Long, (Delete, Silent, After, Always, MAYBE, "delete 3 get 6", 1)),
        (Long, (Delete, Silent, Late, Once, "ok", "delete 2", 1)),
        (Long, (Delete, Silent, Late, Always, MAYBE, "delete 3 get 6", 1)),
        (Long, (Delete, Rejected, Before, Once, "ok", "delete 2", 1)),
        (Long, (Delete, Rejected, Before, Always, "KIND", "delete 3", 0)),
        (Long, (Delete, Refused, Before, Once, "KIND", "delete 1", 0)),
        (Long, (Upload, Silent, Before, Once, "ok", "upload 2", 1)),
        (Long, (Upload, Silent, Before, Always, MAYBE, "upload 3 list 6", 0)),
        (Long, (Upload, Silent, After, Once, "already_exists, may have taken effect", "upload 2 list 6", 1)),
        (Long, (Upload, Silent, After, Always, MAYBE, "upload 3 list 6", 1)),
        (Long, (Upload, Silent, Late, Once, "ok", "upload 2", 1)),
        (Long, (Upload, Silent, Late, Always, MAYBE, "upload 3 list 6", 1)),
        (Long, (Upload, Rejected, Before, Once, "ok", "upload 2", 1)),
        (Long, (Upload, Rejected, Before, Always, "KIND", "upload 3", 0)),
        (Long, (Upload, Refused, Before, Once, "KIND", "upload 1", 0)),
        (Long, (Replace, Silent, Before, Once, "ok", "replace 2 hostnames 2", 1)),
        (Long, (Replace, Silent, Before, Always, MAYBE, "replace 3 hostnames 9", 0)),
        (Long, (Replace, Silent, After, Once, "ok", "replace 2 hostnames 2", 2)),
        (Long, (Replace, Silent, After, Always, MAYBE, "replace 3 hostnames 9", 3)),
        (Long, (Replace, Silent, Late, Once, "ok", "replace 2 hostnames 2", 2)),
        (Long, (Replace, Silent, Late, Always, MAYBE, "replace 3 hostnames 9", 3)),
        (Long, (Replace, Rejected, Before, Once, "ok", "replace 2 hostnames 2", 1)),
        (Long, (Replace, Rejected, Before, Always, "KIND", "replace 3 hostnames 3", 0)),
        (Long, (Replace, Refused, Before, Once, "KIND", "replace 1 hostnames 1", 0)),
    ]
};

fn is_read(operation: Operation) -> bool {
    use Operation::{Associations, Get, Hostnames, List};
    matches!(operation, Get | List | Associations | Hostnames)
}

/// Whether a row of [`OUTCOMES`] is about faults of a class. What is silent and what
/// is unclear end alike: since reads lag, no look proves that nothing happened. To a
/// read, all that may pass is alike.
fn is_about(row: &Outcome, class: Class) -> bool {
    let is_unclear = class == Unclear || is_read(row.0) && class != Refused;
    row.1 == class || row.1 == Silent && is_unclear
}

/// The time that each request takes.
const STEP: Duration = Duration::from_secs(1);

/// How late the service shows changes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Lag {
    None,
    /// It ends while the client looks.
    Short,
    /// Longer than any pause of the client.
    Long,
}

impl Lag {
    fn time(self) -> Duration {
        Duration::from_millis(match self {
            Self::None => 0,
            Self::Short => 4_500,
            Self::Long => 86_400_000,
        })
    }
}

/// A run of one operation on a simulator of its own.
struct Case {
    label: String,
    operation: Operation,
    faults: Vec<Fault>,
    lag: Lag,
    /// Only where an answer fails to come: it costs that much.
    attempt_timeout: Option<Duration>,
    outcome: String,
    requests: &'static str,
    effects: u64,
}

/// What was seen of a [`Case`].
#[derive(Debug, PartialEq)]
struct Report {
    outcome: String,
    requests: String,
    effects: u64,
}

async fn run(case: &Case, http2: Option<&reqwest::Client>) -> Report {
    let lag = case.lag.time();
    let settings = Simulator::builder()
        .hostname_lag(lag)
        .list_lag(lag)
        .delete_lag(lag)
        .clock_stands_still()
        .clock_step(STEP);
    let simulator = settings.start().await.unwrap();
    let id = simulator.seed(Seed::ca(ca().pem).name("first")).unwrap();
    let zone = simulator.add_zone("example.com");
    for fault in &case.faults {
        simulator.inject(fault.clone());
    }
    let mut builder = match http2 {
        None => builder(simulator.base_url(), simulator.token()),
        Some(http) => {
            let url = tls::front(simulator.base_url()).await;
            own_builder(&url, simulator.token()).with_http_client(http.clone())
        }
    };
    builder =
        builder.with_body_limit(64 * 1024).with_retry(Retry::with_delays(3, |_| Duration::ZERO));
    if let Some(timeout) = case.attempt_timeout {
        builder = builder.with_attempt_timeout(timeout);
    }
    let client = builder.build().unwrap();
    let certificates = client.certificates(&account_of(&simulator));
    let id = id.parse().unwrap();
    let hostnames = client.hostnames(&zone.parse().unwrap());
    let mut hostnames = hostnames.with_settling(Duration::ZERO);
    if case.lag == Lag::Long {
        hostnames = hostnames.with_visibility_timeout(Duration::ZERO);
    }
    let owner = cf_mtls::ClientCa::from(&id);

    let said = |outcome: Result<(), Error>| match outcome {
        Ok(()) => "ok".to_owned(),
        Err(error) => verdict(&error),
    };
    let outcome = match case.operation {
        Operation::Delete => match certificates.delete(&id).await {
            Ok(gone) if !gone.is_confirmed() => "ok, seen gone".to_owned(),
            other => said(other.map(drop)),
        },
        Operation::Upload => {
            let made = ca();
            let upload = cf_mtls::Upload::ca(&made.pem).unwrap().with_name("second");
            let outcome = certificates.upload(&upload).await;
            if let Ok(certificate) = &outcome {
                // It is the one that is stored, not any.
                let held = simulator.certificates();
                let held = held.iter().find(|held| held.name.as_deref() == Some("second"));
                let stored = held.map(|held| held.id.as_str());
                assert_eq!(stored, Some(certificate.id().as_str()), "{}", case.label);
                assert_eq!(certificate.chain().unwrap(), *upload.chain(), "{}", case.label);
            }
            said(outcome.map(drop))
        }
        Operation::ReplaceHostnames => {
            let wanted = ["a.example.com", "b.example.com"];
            let outcome = hostnames.replace(&owner, wanted).await;
            if outcome.is_ok() {
                let held = simulator.hostnames(&zone, id.as_str());
                assert_eq!(held, wanted, "{}", case.label);
            }
            said(outcome.map(drop))
        }
        Operation::Get => said(certificates.get(&id).await.map(drop)),
        Operation::List => {
            let list = certificates.list(cf_mtls::CertificateFilter::all());
            said(list.collect().await.map(drop))
        }
        Operation::Associations => said(certificates.associations(&id).await.map(drop)),
        Operation::Hostnames => said(hostnames.list(&owner).await.map(drop)),
        other => panic!("{other:?} is not part of the matrix"),
    };
    let requests = requests_of(&simulator);
    simulator.advance(LATE);
    Report { outcome, requests, effects: sum(&settled(&simulator, case.effects).await) }
}

fn sum(effects: &Effects) -> u64 {
    effects.stored + effects.deleted + effects.hostnames_replaced
}

/// The effects, once those that are late have come.
async fn settled(simulator: &Simulator, expected: u64) -> Effects {
    let begun = Instant::now();
    loop {
        let effects = simulator.effects();
        if sum(&effects) == expected || Duration::from_secs(5) < begun.elapsed() {
            return effects;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Runs all cases over HTTP/1, and over HTTP/2 with TLS, and tells all that went
/// otherwise.
async fn check(mut cases: Vec<Case>) {
    // What waits for silence comes last, when little else takes its time.
    cases.sort_by_key(|case| case.attempt_timeout.is_some());
    let http2 = tls::http2_client();
    let protocols = [Some(None), http2.as_ref().map(Some)];
    let runs = cases.iter().flat_map(|case| {
        let protocols = protocols.into_iter().flatten();
        protocols.map(move |http2| (case, http2))
    });
    let runs: Vec<_> = runs.collect();
    let count = runs.len();
    let wrong: Vec<String> = stream::iter(runs)
        .map(|(case, http2)| async move {
            let want = Report {
                outcome: case.outcome.clone(),
                requests: case.requests.to_owned(),
                effects: case.effects,
            };
            let got = run(case, http2).await;
            let protocol = if http2.is_some() { "HTTP/2" } else { "HTTP/1" };
            let line = format!(
                "{:?}, {}, {protocol}:\n  want {want:?}\n  got  {got:?}",
                case.operation, case.label
            );
            (got != want).then_some(line)
        })
        .buffered(24)
        .filter_map(|line| async move { line })
        .collect()
        .await;
    assert!(wrong.is_empty(), "{} of {count} rows are wrong:\n{}", wrong.len(), wrong.join("\n"));
    println!("{count} rows hold");
}

/// Each fault with one in `every` of the rows that are about it.
fn cases(rows: &[(Lag, Outcome)], every: usize) -> Vec<Case> {
    let mut cases = Vec::new();
    for (place, (name, fault, class, kind)) in faults().into_iter().enumerate() {
        let waits = matches!(name, "silence" | "stalled body");
        let rows = rows.iter().filter(|(_, row)| is_about(row, class));
        for (lag, row) in rows.skip(place % every).step_by(every) {
            let (operation, _, moment, how, outcome, requests, effects) = *row;
            let mut fault = moment.of(fault().on(operation));
            if how == Once {
                fault = fault.times(1);
            }
            cases.push(Case {
                label: format!("{name}, {moment:?}, {how:?}, {lag:?} lag"),
                operation,
                faults: vec![fault],
                lag: *lag,
                attempt_timeout: waits.then_some(4 * SHORT),
                outcome: outcome.replace("KIND", kind),
                requests,
                effects,
            });
        }
    }
    cases
}

#[tokio::test]
async fn each_operation_says_what_is_true_after_each_fault() {
    let cases = cases(&OUTCOMES.map(|row| (Lag::None, row)), 1);
    assert!(800 < cases.len(), "only {} rows", cases.len());
    check(cases).await;
}

/// `CF_MTLS_WHOLE_MATRIX=1` runs each fault with each lag, and not a part of them.
#[tokio::test]
async fn lags_change_how_long_it_takes_and_not_what_is_true() {
    let is_whole = std::env::var_os("CF_MTLS_WHOLE_MATRIX").is_some();
    let cases = cases(&LAGGED, if is_whole { 1 } else { 5 });
    assert!(300 < cases.len(), "only {} rows", cases.len());
    check(cases).await;
}

/// One fault for each attempt, in order.
fn each<const N: usize>(operation: Operation, faults: [Fault; N]) -> Vec<Fault> {
    let nth = |(at, fault): (usize, Fault)| fault.on(operation).nth(at as u64 + 1);
    faults.into_iter().enumerate().map(nth).collect()
}

/// What every further request of an operation meets.
fn and(mut faults: Vec<Fault>, fault: Fault) -> Vec<Fault> {
    faults.push(fault);
    faults
}

/// What happens, to which operation, by which faults; what the client says of
/// it, the requests that the server saw, and the effects that it had.
type Sequence = (&'static str, Operation, Vec<Fault>, &'static str, &'static str, u64);

#[tokio::test]
async fn sequences_of_faults() {
    use Operation::{
        Associations, Delete, Get, Hostnames, List, ReplaceHostnames as Replace, Upload,
    };
    let failed = || Fault::error(503, 99003, "failed");
    let missing = || Fault::error(404, 99002, "not found");
    let busy = || Fault::error(429, 971, "slow down");
    let later = || Fault::error(429, 971, "slow down").retry_after("3600");
    let forbidden = || Fault::error(403, 9109, "no");
    let conflict = || Fault::error(409, 99001, "in use");
    #[rustfmt::skip]
    let rows: Vec<Sequence> = vec![
        ("unclear, then not found", Delete, each(Delete, [Fault::html(503), missing()]), "ok, seen gone", "delete 2", 0),
        ("no answer, then not found", Delete, each(Delete, [Fault::reset(), missing()]), "ok, seen gone", "delete 2", 0),
        ("HTML 403, then not found", Delete, each(Delete, [Fault::html(403), missing()]), "ok, seen gone", "delete 2", 0),
        ("redirect, then not found", Delete, each(Delete, [Fault::redirect(307, "/"), missing()]), "ok, seen gone", "delete 2", 0),
        ("rejected, then not found", Delete, each(Delete, [busy(), missing()]), "not_found", "delete 2", 0),
        ("rejected twice, then not found", Delete, each(Delete, [busy(), busy(), missing()]), "not_found", "delete 3", 0),
        ("not found at once", Delete, each(Delete, [missing()]), "not_found", "delete 1", 0),
        ("not found with HTTP 200", Delete, each(Delete, [Fault::html(503), Fault::error(410, 1, "gone")]), "ok, seen gone", "delete 2", 0),
        ("rejected, unclear, not found", Delete, each(Delete, [busy(), Fault::reset(), missing()]), "ok, seen gone", "delete 3", 0),
        ("unclear, then all rejected", Delete, each(Delete, [failed(), busy(), busy()]), "rate_limited, may have taken effect", "delete 3 get 6", 0),
        ("no answer, then all rejected", Delete, each(Delete, [Fault::close(), busy(), busy()]), "rate_limited, may have taken effect", "delete 3 get 6", 0),
        ("deleted, then all rejected", Delete, each(Delete, [Fault::close().after_effect(), busy(), busy()]), "ok, seen gone", "delete 3 get 1", 1),
        ("unclear, then refused", Delete, each(Delete, [failed(), forbidden()]), "permission, may have taken effect", "delete 2 get 6", 0),
        ("no answer, then refused", Delete, each(Delete, [Fault::reset(), forbidden()]), "permission, may have taken effect", "delete 2 get 6", 0),
        ("deleted, then refused", Delete, each(Delete, [Fault::reset().after_effect(), forbidden()]), "ok, seen gone", "delete 2 get 1", 1),
        ("deleted, then conflict", Delete, each(Delete, [Fault::reset().after_effect(), conflict()]), "ok, seen gone", "delete 2 get 1 associations 1", 1),
        ("refused, nothing uses it", Delete, each(Delete, [conflict()]), "in_use", "delete 1 associations 1", 0),
        ("refused, uses cannot be read", Delete, and(each(Delete, [conflict()]), Fault::html(502).on(Associations)), "in_use", "delete 1 associations 3", 0),
        ("unclear, and the look too", Delete, vec![Fault::html(503).on(Delete), Fault::html(502).on(Get)], "service_unavailable, may have taken effect", "delete 3 get 3", 0),
        ("deleted, and the look fails", Delete, vec![Fault::html(503).on(Delete).after_effect(), Fault::reset().on(Get)], "service_unavailable, may have taken effect", "delete 3 get 3", 1),
        ("unclear, and the look is refused", Delete, vec![Fault::html(503).on(Delete), forbidden().on(Get)], "service_unavailable, may have taken effect", "delete 3 get 1", 0),
        ("unclear, and HTML 404 for the look", Delete, vec![Fault::html(503).on(Delete), Fault::html(404).on(Get)], "service_unavailable, may have taken effect", "delete 3 get 3", 0),
        ("unclear, and the look fails at first", Delete, vec![Fault::html(503).on(Delete).after_effect(), Fault::reset().on(Get).nth(1)], "ok, seen gone", "delete 3 get 2", 1),
        ("unclear, then blocked for an hour", Delete, each(Delete, [Fault::reset(), later()]), "rate_limited, may have taken effect", "delete 2 get 1", 0),
        ("HTML 503, then all rejected", Delete, each(Delete, [Fault::html(503), busy(), busy()]), "rate_limited, may have taken effect", "delete 3 get 6", 0),
        ("HTML 403, then refused", Replace, each(Replace, [Fault::html(403), forbidden()]), "permission, may have taken effect", "replace 2 hostnames 8", 0),
        ("deleted, then blocked for an hour", Delete, each(Delete, [Fault::reset().after_effect(), later()]), "ok, seen gone", "delete 2 get 1", 1),
        ("late effect while it is looked up", Delete, each(Delete, [Fault::html(503).effect_after(5 * STEP), Fault::html(503), Fault::html(503)]), "ok, seen gone", "delete 3 get 3", 1),
        ("late effect after it was looked up", Delete, each(Delete, [Fault::html(503).effect_after(LATE), Fault::html(503), Fault::html(503)]), "service_unavailable, may have taken effect", "delete 3 get 6", 1),
        ("rejected, then stored without an answer", Upload, each(Upload, [busy(), Fault::reset().after_effect()]), "ok", "upload 3 list 1", 1),
        ("rejected, then lost", Upload, each(Upload, [busy(), Fault::reset()]), "ok", "upload 3", 1),
        ("lost, and the look is empty HTML", Upload, vec![Fault::reset().on(Upload), Fault::html(200).on(List)], "connection, may have taken effect", "upload 3 list 3", 0),
        ("stored, and the look fails", Upload, vec![Fault::reset().on(Upload).after_effect(), Fault::html(502).on(List)], "connection, may have taken effect", "upload 3 list 3", 1),
        ("stored, and the look fails at first", Upload, vec![Fault::reset().on(Upload).after_effect(), Fault::html(502).on(List).nth(1)], "ok", "upload 3 list 2", 1),
        ("stored while it is looked up", Upload, each(Upload, [Fault::html(503).effect_after(5 * STEP), Fault::html(503), Fault::html(503)]), "ok", "upload 3 list 3", 1),
        ("stored, the answer has no result", Upload, each(Upload, [json(200, r#"{"success":true,"result":null}"#).after_effect()]), "ok", "upload 1 list 1", 1),
        ("rejected twice", Upload, each(Upload, [busy(), busy()]), "ok", "upload 3", 1),
        ("unclear, then refused", Replace, each(Replace, [failed(), forbidden()]), "permission, may have taken effect", "replace 2 hostnames 8", 0),
        ("replaced, then refused", Replace, each(Replace, [Fault::html(503).after_effect(), forbidden()]), "ok", "replace 1 hostnames 2", 1),
        ("no answer, then refused", Replace, each(Replace, [Fault::reset(), forbidden()]), "permission, may have taken effect", "replace 2 hostnames 8", 0),
        ("unclear, and the look too", Replace, vec![Fault::html(503).on(Replace), Fault::html(503).on(Hostnames).nth(2), Fault::html(503).on(Hostnames).nth(3), Fault::html(503).on(Hostnames).nth(4)], "service_unavailable, may have taken effect", "replace 1 hostnames 4", 0),
        ("two different failures", Get, each(Get, [Fault::html(502), Fault::truncated()]), "ok", "get 3", 0),
        ("three different failures", Get, each(Get, [Fault::html(502), Fault::truncated(), missing()]), "not_found", "get 3", 0),
        ("rejected, then broken", List, each(List, [busy(), Fault::malformed_json()]), "ok", "list 3", 0),
    ];
    let cases =
        rows.into_iter().map(|(label, operation, faults, outcome, requests, effects)| Case {
            label: label.to_owned(),
            operation,
            faults,
            lag: Lag::None,
            attempt_timeout: None,
            outcome: outcome.to_owned(),
            requests,
            effects,
        });
    check(cases.collect()).await;
}

/// Valid credentials are refused now and then.
#[tokio::test]
async fn a_refusal_of_credentials_that_worked_is_retried_for_reads() {
    let table = [(true, 2, "ok", 3), (true, 3, "permission", 3), (false, 1, "permission", 1)];
    for (worked, flakes, want, requests) in table {
        let simulator = Simulator::start().await.unwrap();
        let id = simulator.seed(Seed::ca(ca().pem)).unwrap().parse().unwrap();
        let client = builder(simulator.base_url(), simulator.token()).build().unwrap();
        let certificates = client.certificates(&account_of(&simulator));
        if worked {
            certificates.associations(&id).await.unwrap();
        }
        simulator.inject(Fault::flaky_credentials().times(flakes));
        let outcome = certificates.get(&id).await;
        let outcome = outcome.map_or_else(|error| verdict(&error), |_| "ok".to_owned());
        assert_eq!(outcome, want, "worked {worked}, {flakes} flakes");
        assert_eq!(simulator.request_count(Operation::Get), requests);
        simulator.clear_faults();
        simulator.inject(Fault::error(403, 10000, "no").on(Operation::Delete));
        let refused = certificates.delete(&id).await.unwrap_err();
        assert_eq!(verdict(&refused), "permission");
        assert_eq!(simulator.request_count(Operation::Delete), 1);
    }
}

#[tokio::test]
async fn what_is_stored_already_is_found_whatever_its_form() {
    let (made, other) = (ca(), ca());
    let crlf = made.pem.replace('\n', "\r\n");
    let maybe = "connection, may have taken effect";
    let rows = [
        ("another certificate", Seed::ca(&other.pem).name("n"), maybe),
        ("another name", Seed::ca(&made.pem).name("m"), "already_exists"),
        ("no name", Seed::ca(&made.pem), "already_exists"),
        ("a leaf", Seed::leaf(&made.pem).name("n"), "already_exists"),
        ("the same in another layout", Seed::ca(&crlf).name("n"), "ok"),
    ];
    for (label, seed, want) in rows {
        let simulator = Simulator::start().await.unwrap();
        let id = simulator.seed(seed).unwrap();
        let client = builder(simulator.base_url(), simulator.token());
        let client = client.build().unwrap();
        let certificates = client.certificates(&account_of(&simulator));
        let upload = cf_mtls::Upload::ca(&made.pem).unwrap().with_name("n");
        let is_held = label != "another certificate";
        if is_held {
            let error = certificates.upload(&upload).await.unwrap_err();
            assert_eq!(verdict(&error), "already_exists", "{label}");
            let existing = error.existing_certificate().map(|id| id.as_str());
            assert_eq!(existing, Some(id.as_str()), "{label}");
            simulator.clear_requests();
            let ensured = certificates.ensure(&upload).await;
            let is_ca = label != "a leaf";
            assert_eq!(ensured.is_ok_and(|ensured| !ensured.uploaded), is_ca, "{label}");
            assert_eq!(simulator.request_count(Operation::Upload), u64::from(!is_ca));
        }
        simulator.clear_requests();
        simulator.inject(Fault::reset().on(Operation::Upload));
        let outcome = certificates.upload(&upload).await;
        let outcome = outcome.map_or_else(|error| verdict(&error), |_| "ok".to_owned());
        assert_eq!(outcome, want, "{label}");
        let looks = if is_held { 1 } else { 6 };
        assert_eq!(requests_of(&simulator), format!("upload 3 list {looks}"), "{label}");
    }
}
