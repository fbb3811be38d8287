use std::time::{Duration, SystemTime};

use cf_mtls::{CertificateType, ErrorKind};
use cf_mtls_lifecycle::{CertificatesExt as _, Prune};
use cf_mtls_testkit::simulator::{Fault, Operation, Seed};
use cf_mtls_testkit::{DOCUMENTED_CA, Simulator};
use jiff::Timestamp;

use super::support::{certificates, writes};

const DAY: u64 = 24 * 60 * 60;

fn day(number: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(20_000 * DAY + number * DAY)
}

fn moment(number: u64) -> Timestamp {
    day(number).try_into().unwrap()
}

/// (name, whether a CA, type, day of upload, day of expiry, what uses it)
const CERTIFICATES: [(&str, bool, &str, u64, u64, &str); 6] = [
    ("old-1", true, "custom", 1, 10, ""),
    ("old-2", false, "custom", 2, 20, "gateway"),
    ("new-1", true, "custom", 5, 30, ""),
    ("new-2", false, "custom", 6, 300, ""),
    ("gone-1", true, "gateway_managed", 1, 10, ""),
    ("gone-2", true, "from_the_future", 1, 10, ""),
];

async fn start() -> Simulator {
    let simulator = Simulator::start().await.unwrap();
    for (name, ca, kind, uploaded, expires, service) in CERTIFICATES {
        let seed = if ca { Seed::ca(DOCUMENTED_CA) } else { Seed::leaf(DOCUMENTED_CA) };
        let seed = seed.name(name).kind(kind).uploaded_on(day(uploaded));
        let id = simulator.seed(seed.expires_on(day(expires))).unwrap();
        if !service.is_empty() {
            simulator.attach_service(&id, service, "active").unwrap();
        }
    }
    simulator
}

#[tokio::test]
async fn what_meets_all_criteria_is_told_with_the_reasons() {
    let new = Prune::new;
    // (criteria, names, the reasons of the first)
    let table = [
        (new().expired_at(moment(10)), "old-1", "expired"),
        (new().expired_at(moment(9)), "", ""),
        (new().expires_before(moment(30)), "old-1 old-2", "expires"),
        (new().expires_before(moment(301)), "old-1 old-2 new-1 new-2", "expires"),
        (new().uploaded_before(moment(5)), "old-1 old-2", "uploaded"),
        (new().name_prefix("new-"), "new-1 new-2", "name begins with \"new-\""),
        (new().name_prefix("New-"), "", ""),
        (new().unused(), "old-1 new-1 new-2", "unused"),
        (new().unused().expires_before(moment(31)).ca(), "old-1 new-1", "expires unused"),
        (new().expires_before(moment(31)).leaf(), "old-2", "expires"),
        (
            new().expired_at(moment(10)).certificate_type(CertificateType::GatewayManaged),
            "gone-1",
            "expired",
        ),
        (
            new()
                .expired_at(moment(10))
                .certificate_type(CertificateType::Custom)
                .certificate_type("from_the_future".parse().unwrap()),
            "old-1 gone-2",
            "expired",
        ),
    ];
    let simulator = start().await;
    for (criteria, names, reasons) in table {
        let certificates = certificates(&simulator);
        let mut candidates = certificates.prune_candidates(criteria.clone()).unwrap();
        let (mut found, mut told) = (Vec::new(), None);
        while let Some(candidate) = candidates.next().await {
            let candidate = candidate.unwrap();
            assert_eq!(candidate.certificate.id(), &candidate.id);
            found.push(candidate.certificate.name().unwrap().to_owned());
            told.get_or_insert(candidate.reasons);
        }
        assert_eq!(found.join(" "), names, "{criteria:?}");
        let told: Vec<_> = told.into_iter().flatten().map(|reason| reason.to_string()).collect();
        let texts: Vec<_> = told
            .iter()
            .map(|text| match text.split_once(" 2024-") {
                Some((word, _)) => word,
                None => text,
            })
            .collect();
        assert_eq!(texts.join(" "), reasons, "{criteria:?}");
    }
    assert_eq!(writes(&simulator), [""; 0]);
}

#[tokio::test]
async fn without_a_criterion_nothing_is_even_asked() {
    let simulator = start().await;
    let new = Prune::new;
    let custom = CertificateType::Custom;
    let table = [
        new(),
        new().ca(),
        new().leaf(),
        new().certificate_type(custom),
        new().name_prefix(""),
        new().expired().ca().leaf(),
        new().expired().certificate_type(String::new().into()),
    ];
    for criteria in table.into_iter().chain([new().expired().name_prefix("")]) {
        let error = certificates(&simulator).prune_candidates(criteria.clone()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{criteria:?}");
    }
    assert_eq!(simulator.request_count(None), 0);
}

/// Neither a missing nor an unreadable date counts; nor does a missing kind.
#[tokio::test]
async fn what_is_not_known_meets_no_criterion() {
    let list = r#"{"success":true,"errors":[],"messages":[],"result":[
        {"id":"a","name":"a","type":"custom"},
        {"id":"b","name":"b","expires_on":"long ago","uploaded_on":"","type":"custom"},
        {"id":"c","expires_on":"2001-01-01T00:00:00Z","uploaded_on":"2001-01-01T00:00:00Z"}
    ]}"#;
    let simulator = Simulator::start().await.unwrap();
    let found = async |criteria: Prune| {
        simulator.clear_faults();
        let answer = Fault::raw(200, "application/json", list);
        simulator.inject(answer.on(Operation::List));
        let mut found = certificates(&simulator).prune_candidates(criteria).unwrap();
        let mut ids = String::new();
        while let Some(candidate) = found.next().await {
            ids.push_str(candidate.unwrap().id.as_str());
        }
        ids
    };
    assert_eq!(found(Prune::new().expired()).await, "c");
    assert_eq!(found(Prune::new().expires_before(Timestamp::MAX)).await, "c");
    assert_eq!(found(Prune::new().uploaded_before(Timestamp::MAX)).await, "c");
    assert_eq!(found(Prune::new().expired().ca()).await, "");
    assert_eq!(found(Prune::new().name_prefix("c")).await, "");
}

#[tokio::test]
async fn a_certificate_whose_use_is_unknown_is_no_candidate_and_hides_none() {
    let simulator = start().await;
    simulator.inject(Fault::error(403, 9109, "Unauthorized").on(Operation::Associations).nth(1));
    let certificates = certificates(&simulator).with_concurrency(1);
    let mut found = certificates.prune_candidates(Prune::new().unused()).unwrap();
    let error = found.next().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Permission);
    let mut names = Vec::new();
    while let Some(candidate) = found.next().await {
        names.push(candidate.unwrap().certificate.name().unwrap().to_owned());
    }
    assert_eq!(names, ["new-1", "new-2"]);
}

/// The whole job: three expired ones of five, and one of them is in use.
#[tokio::test]
async fn what_was_found_is_deleted_with_outcomes() {
    let simulator = start().await;
    let certificates = certificates(&simulator);
    let criteria = Prune::new().expired_at(moment(30));
    let mut candidates = certificates.prune_candidates(criteria).unwrap();
    let mut ids = Vec::new();
    while let Some(candidate) = candidates.next().await {
        ids.push(candidate.unwrap().id);
    }
    let mut outcomes = certificates.delete_many(ids);
    let (mut gone, mut kept) = (0, 0);
    while let Some(outcome) = outcomes.next().await {
        match outcome.result {
            Ok(_) => gone += 1,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::InUse);
                kept += 1;
            }
        }
    }
    assert_eq!((gone, kept), (2, 1));
    let held: Vec<_> = simulator.certificates().into_iter().filter_map(|one| one.name).collect();
    assert_eq!(held, ["old-2", "new-2", "gone-1", "gone-2"]);
}

/// A clock that is wrong by years would delete what is valid.
#[tokio::test]
async fn nothing_is_a_candidate_by_a_clock_that_is_wrong() {
    for (date, is_right) in [
        ("Tue, 01 Jan 2019 00:00:00 GMT", false),
        ("Fri, 31 Dec 9999 23:59:59 GMT", false),
        ("yesterday", true),
    ] {
        let simulator = start().await;
        simulator.inject(Fault::delay(Duration::ZERO).header("date", date).on(Operation::List));
        let certificates = certificates(&simulator);
        for (criteria, needs_clock) in [
            (Prune::new().expired_at(moment(30)), true),
            (Prune::new().uploaded_before(moment(30)), true),
            (Prune::new().name_prefix("old"), false),
        ] {
            let mut found = certificates.prune_candidates(criteria).unwrap();
            while let Some(candidate) = found.next().await {
                match candidate {
                    Ok(_) => assert!(is_right || !needs_clock, "{date}"),
                    Err(error) => {
                        assert!(!is_right && needs_clock, "{date}: {error}");
                        assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
                    }
                }
            }
        }
        assert_eq!(certificates.client().clock_skew().is_none(), is_right);
    }
}
