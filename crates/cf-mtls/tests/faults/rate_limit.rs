//! The rate limit that clones share, the budget of repetitions, and waits that
//! never pass the deadline.

use std::time::Duration;

use cf_mtls::{Certificates, Error, ErrorKind, Retry};
use cf_mtls_testkit::Simulator;
use cf_mtls_testkit::simulator::{Fault, Operation};
use futures_util::future;

use crate::support::raw::{Act, End, Raw, THERE, answer};
use crate::support::{
    ACCOUNT, LONG, account_of, assert_presentable, builder, certificates_of, requests_of,
    unknown_id, verdict,
};

/// Lets a second pass in no time, once a server has been asked once and the
/// client waits. The clock must not stand still while a socket is waited for.
async fn skip_a_second(server: &Raw) {
    while server.seen().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    tokio::time::pause();
    tokio::time::sleep(Duration::from_secs(1)).await;
    tokio::time::resume();
}

fn is_not_sent(error: &Error) -> bool {
    error.kind() == ErrorKind::RateLimited && error.to_string().contains("was not sent")
}

#[tokio::test]
async fn the_last_request_of_a_window_is_the_last_for_all_clones() {
    let simulator = Simulator::builder().rate_limit(3, Duration::from_secs(3600));
    let simulator = simulator.start().await.unwrap();
    let certificates = certificates_of(&simulator);
    let other = certificates.clone();
    for _ in 0..3 {
        let error = certificates.get(&unknown_id()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
    // A request more would earn the account a block.
    for certificates in [&certificates, &other] {
        let outcomes = [
            certificates.get(&unknown_id()).await.map(drop),
            certificates.delete(&unknown_id()).await.map(drop),
            certificates.upload(&crate::support::ca_upload("x")).await.map(drop),
        ];
        for outcome in outcomes {
            let error = outcome.unwrap_err();
            assert!(is_not_sent(&error), "{error}");
            let wait = error.retry_after().unwrap().as_secs();
            // Trusted for ten minutes at most, lest a header blocks for good.
            assert!((1..=600).contains(&wait), "{wait}");
            assert!(!error.may_have_taken_effect(), "{error}");
            assert_presentable(&error, "rate limit");
        }
    }
    assert_eq!(simulator.request_count(None), 3);
}

/// Within a window the count only falls, so the lowest one holds.
#[tokio::test]
async fn a_response_that_was_overtaken_adds_nothing() {
    for remaining in [[0, 7], [7, 0]] {
        let server = Raw::start(move |_, number| {
            let left = remaining.get(number).copied().unwrap_or(9);
            let header = format!("ratelimit: \"default\";r={left};t=300\r\n");
            Act::Say(answer("200 OK", &header, THERE), End::Close)
        });
        let server = server.await;
        let client = builder(&server.base_url(), "token-of-this-test").build().unwrap();
        let certificates = client.certificates(&ACCOUNT.parse().unwrap());
        let id = unknown_id();
        let both = future::join(certificates.get(&id), certificates.get(&id)).await;
        assert!(both.0.is_ok() && both.1.is_ok(), "{both:?}");
        let error = certificates.get(&id).await.unwrap_err();
        assert!(is_not_sent(&error), "{error}");
    }
}

#[tokio::test]
async fn a_reserve_is_left_to_other_tools() {
    // The first request finds out what remains.
    for (reserve, sent) in [(0, 5), (2, 3), (4, 1), (u64::MAX, 1)] {
        let simulator = Simulator::builder().rate_limit(5, Duration::from_secs(3600));
        let simulator = simulator.start().await.unwrap();
        let certificates = certificates_of(&simulator);
        let job = certificates.clone().with_rate_limit_reserve(reserve);
        for _ in 0..sent {
            let error = job.get(&unknown_id()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotFound, "{reserve}");
        }
        for outcome in [job.get(&unknown_id()).await, job.get(&unknown_id()).await] {
            assert!(is_not_sent(&outcome.unwrap_err()), "{reserve}");
        }
        assert_eq!(simulator.request_count(None), sent, "{reserve}");
        // What does without a reserve has the rest.
        for _ in sent..5 {
            let error = certificates.get(&unknown_id()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotFound, "{reserve}");
        }
        assert!(is_not_sent(&certificates.get(&unknown_id()).await.unwrap_err()), "{reserve}");
    }
}

#[tokio::test]
async fn finding_out_the_outcome_may_use_the_reserve() {
    let gone = r#"{"success":false,"errors":[{"code":1472,"message":"not found"}]}"#;
    let server = Raw::start(move |request, number| {
        let left = "ratelimit: \"default\";r=3;t=300\r\n";
        let bytes = match (request.method(), number) {
            ("DELETE", _) => answer("503 Service Unavailable", left, "upstream connect error"),
            (_, 1) => answer("200 OK", left, THERE),
            _ => answer("404 Not Found", left, gone),
        };
        Act::Say(bytes, End::Close)
    })
    .await;
    let retry = Retry::with_delays(2, |_| Duration::ZERO);
    let client = builder(&server.base_url(), "token-of-this-test").with_retry(retry);
    let client = client.with_rate_limit_reserve(3).build().unwrap();
    let outcome = client.certificates(&ACCOUNT.parse().unwrap()).delete(&unknown_id()).await;
    assert!(!outcome.unwrap().is_confirmed());
    assert_eq!(server.methods(), "DELETE 1 GET 2");
}

#[tokio::test]
async fn what_waits_within_its_deadline_is_sent_in_the_next_window() {
    // The window ends a moment after the answer, by the server's own count.
    let server = Raw::start(|_, number| {
        let headers = match number {
            0 => "ratelimit: \"default\";r=0;t=1\r\n",
            _ => "ratelimit: \"default\";r=50;t=1\r\n",
        };
        Act::Say(answer("200 OK", headers, THERE), End::Close)
    })
    .await;
    let client = builder(&server.base_url(), "token-of-this-test").build().unwrap();
    let certificates = client.certificates(&ACCOUNT.parse().unwrap());
    certificates.get(&unknown_id()).await.unwrap();

    let hasty = certificates.clone().with_deadline(Duration::from_millis(200));
    let error = hasty.get(&unknown_id()).await.unwrap_err();
    assert!(is_not_sent(&error), "{error}");
    assert_eq!(server.methods(), "GET 1");

    // A whole second is the shortest that the header can say.
    let id = unknown_id();
    let waiting = [certificates.get(&id), certificates.get(&id)];
    let (outcomes, ()) = tokio::join!(future::join_all(waiting), skip_a_second(&server));
    outcomes.into_iter().for_each(|outcome| drop(outcome.unwrap()));
    assert_eq!(server.methods(), "GET 3");
}

#[tokio::test]
async fn a_block_counts_for_clones_too() {
    let simulator = Simulator::start().await.unwrap();
    let blocked = Fault::error(429, 971, "slow down").retry_after("3600");
    simulator.inject(blocked.on(Operation::Get).times(1));
    let certificates = certificates_of(&simulator);
    let other = certificates.clone();
    let error = certificates.get(&unknown_id()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert_eq!(error.retry_after(), Some(Duration::from_secs(3600)), "{error}");
    assert_eq!(error.attempts(), 1, "the wait does not fit: {error}");
    let error = other.delete(&unknown_id()).await.unwrap_err();
    assert!(is_not_sent(&error), "{error}");
    assert_eq!(requests_of(&simulator), "get 1");
    // Another client, of another user perhaps, is not concerned.
    let error = certificates_of(&simulator).get(&unknown_id()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_wait_beyond_the_deadline_comes_as_an_error_at_once() {
    let rows = [
        ("86400", Some(86_400)),
        ("31", Some(31)),
        ("99999999999999999999", Some(u64::MAX)),
        ("Fri, 31 Dec 2100 23:59:59 GMT", None),
        ("Friday, 31-Dec-60 23:59:59 GMT", None),
        ("Fri Dec 31 23:59:59 2100", None),
    ];
    for (value, seconds) in rows {
        for status in [429, 503] {
            let simulator = Simulator::start().await.unwrap();
            let fault = Fault::error(status, 1, "wait").retry_after(value);
            simulator.inject(fault.on(Operation::Get));
            let client = builder(simulator.base_url(), simulator.token())
                .with_deadline(Duration::from_secs(30))
                .build()
                .unwrap();
            let certificates = client.certificates(&account_of(&simulator));
            let id = unknown_id();
            let at_once = tokio::time::timeout(Duration::from_secs(20), certificates.get(&id));
            let error = at_once.await.expect("it waits").unwrap_err();
            assert_eq!(requests_of(&simulator), "get 1", "{value}");
            let wait = error.retry_after().expect(value).as_secs();
            match seconds {
                Some(seconds) => assert_eq!(wait, seconds, "{value}"),
                None => assert!(30 < wait, "{value}: {wait}"),
            }
            assert!(error.to_string().contains("wait "), "{error}");
            assert_presentable(&error, value);
        }
    }
}

/// Asks to wait for a second, once.
async fn busy_for_a_second() -> Raw {
    Raw::start(|_, number| {
        let busy = answer("429 Too Many Requests", "retry-after: 1\r\n", "busy");
        let bytes = match number {
            0 => busy,
            _ => answer("200 OK", "", THERE),
        };
        Act::Say(bytes, End::Close)
    })
    .await
}

#[tokio::test]
async fn a_wait_that_fits_is_waited_for() {
    let server = busy_for_a_second().await;
    let client = builder(&server.base_url(), "token-of-this-test").build();
    let certificates = client.unwrap().certificates(&ACCOUNT.parse().unwrap());
    let begun = tokio::time::Instant::now();
    let id = unknown_id();
    let (outcome, ()) = tokio::join!(certificates.get(&id), skip_a_second(&server));
    outcome.unwrap();
    assert!(Duration::from_secs(1) <= begun.elapsed(), "it waited");
    assert_eq!(server.methods(), "GET 2");
}

/// Such as the limit of requests a second, while most of the window is left.
#[tokio::test]
async fn a_short_wait_does_not_close_the_window() {
    let server = Raw::start(|_, number| {
        let window = format!("ratelimit: \"default\";r={};t=300\r\n", 1000 - number);
        let bytes = match number {
            1 => answer("429 Too Many Requests", &(window + "retry-after: 1\r\n"), "busy"),
            _ => answer("200 OK", &window, THERE),
        };
        Act::Say(bytes, End::Close)
    });
    let server = server.await;
    let client = builder(&server.base_url(), "token-of-this-test").build();
    let certificates = client.unwrap().certificates(&ACCOUNT.parse().unwrap());
    let id = unknown_id();
    certificates.get(&id).await.unwrap();
    let hasty = certificates.clone().with_retry(Retry::off());
    hasty.get(&id).await.unwrap_err();
    let error = hasty.with_deadline(Duration::from_millis(500)).get(&id).await.unwrap_err();
    assert!(is_not_sent(&error) && error.to_string().contains("asked to wait"), "{error}");
    let (outcome, ()) = tokio::join!(certificates.get(&id), skip_a_second(&server));
    outcome.unwrap();
    assert_eq!(server.methods(), "GET 3");
}

/// Patience is for waits that the service asks for, and for nothing
/// else.
#[tokio::test]
async fn patience_waits_beyond_its_deadline_where_the_service_asks_for_it() {
    let server = busy_for_a_second().await;
    let client =
        builder(&server.base_url(), "token-of-this-test").with_deadline(Duration::from_millis(500));
    let certificates = client.build().unwrap();
    let certificates = certificates.certificates(&ACCOUNT.parse().unwrap()).with_patience(LONG);
    let id = unknown_id();
    let (outcome, ()) = tokio::join!(certificates.delete(&id), skip_a_second(&server));
    assert!(outcome.unwrap().is_confirmed());
    assert_eq!(server.methods(), "DELETE 2");
}

#[tokio::test]
async fn patience_waits_for_no_answer_beyond_its_deadline() {
    let simulator = Simulator::start().await.unwrap();
    simulator.inject(Fault::silence());
    let client = builder(simulator.base_url(), simulator.token())
        .with_deadline(Duration::from_millis(1_200))
        .build()
        .unwrap();
    let certificates = client.certificates(&account_of(&simulator));
    let (certificates, id) = (certificates.with_patience(LONG), unknown_id());
    let outcome = tokio::time::timeout(Duration::from_secs(20), certificates.delete(&id));
    let error = outcome.await.expect("it goes on");
    assert_eq!(verdict(&error.unwrap_err()), "timeout, may have taken effect");
    assert_eq!(requests_of(&simulator), "delete 1 get 1");
}

#[tokio::test]
async fn nonsense_and_the_past_are_no_wait() {
    for value in ["0", "-1", "1e9", "soon", "", "Sun, 06 Nov 1994 08:49:37 GMT"] {
        let simulator = Simulator::start().await.unwrap();
        let fault = Fault::error(429, 971, "slow down").retry_after(value);
        simulator.inject(fault.on(Operation::Get).times(1));
        let certificates = certificates_of(&simulator);
        let error = certificates.get(&unknown_id()).await.unwrap_err();
        assert_eq!(verdict(&error), "not_found", "{value}");
        assert_eq!(error.attempts(), 2, "{value}");
    }
}

/// How often a crowd of reads is sent while everything fails.
async fn load_of(crowd: u64, retry: Retry) -> u64 {
    let simulator = Simulator::builder().no_rate_limit().start().await.unwrap();
    simulator.inject(Fault::html(503));
    let client = builder(simulator.base_url(), simulator.token()).with_retry(retry);
    let certificates = client.build().unwrap().certificates(&account_of(&simulator));
    let reads = (0..crowd).map(|_| async {
        let certificates: Certificates = certificates.clone();
        let error = certificates.get(&unknown_id()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ServiceUnavailable);
    });
    future::join_all(reads).await;
    simulator.request_count(None)
}

#[tokio::test]
async fn a_crowd_that_fails_does_not_multiply_the_load() {
    let four = || Retry::with_delays(4, |_| Duration::ZERO);
    assert_eq!(load_of(1, four()).await, 4, "alone, all attempts are made");
    assert_eq!(load_of(1, Retry::off()).await, 1);
    // A fifth of the requests, and one a second over ten seconds beside.
    let crowd = 400;
    let load = load_of(crowd, four()).await;
    let most = crowd + crowd / 5 + 10;
    assert!((crowd + 1..=most).contains(&load), "{load} requests of {crowd}");
}

#[tokio::test]
async fn the_deadline_holds_whatever_the_attempts_do() {
    // Every attempt would wait for its whole time, and there are many of them.
    let simulator = Simulator::start().await.unwrap();
    simulator.inject(Fault::silence());
    let client = builder(simulator.base_url(), simulator.token())
        .with_deadline(Duration::from_millis(1_200))
        .with_attempt_timeout(Duration::from_secs(60))
        .with_retry(Retry::with_delays(100, |_| Duration::from_millis(1)))
        .build()
        .unwrap();
    let certificates = client.certificates(&account_of(&simulator));
    // Far below the attempt's own time.
    let id = unknown_id();
    let delete = tokio::time::timeout(Duration::from_secs(20), certificates.delete(&id));
    let error = delete.await.expect("it goes on").unwrap_err();
    assert_eq!(verdict(&error), "timeout, may have taken effect");
    // The last quarter was left for the look, which met silence too.
    assert_eq!(requests_of(&simulator), "delete 1 get 1");
}

#[tokio::test]
async fn one_look_is_sent_when_nothing_remains_and_the_first_failure_is_kept() {
    let gone = r#"{"success":false,"errors":[{"code":1472,"message":"not found"}]}"#;
    for (is_gone, want) in [(true, "ok"), (false, "service_unavailable, may have taken effect")] {
        let server = Raw::start(move |request, _| {
            let spent = "ratelimit: \"default\";r=0;t=300\r\ncf-ray: 8a1b2c3d\r\n";
            let bytes = match request.method() {
                "DELETE" => answer("503 Service Unavailable", spent, "upstream connect error"),
                _ if is_gone => answer("404 Not Found", spent, gone),
                _ => answer("200 OK", spent, THERE),
            };
            Act::Say(bytes, End::Close)
        })
        .await;
        let client = builder(&server.base_url(), "token-of-this-test").build();
        let certificates = client.unwrap().certificates(&ACCOUNT.parse().unwrap());
        let outcome = certificates.delete(&unknown_id()).await;
        let got = outcome.as_ref().map_or_else(verdict, |_| "ok".to_owned());
        assert_eq!(got, want, "{outcome:?}");
        assert_eq!(server.methods(), "DELETE 1 GET 1");
        if let Err(error) = outcome {
            assert_eq!(error.status().map(|status| status.as_u16()), Some(503));
            assert_eq!(error.ray_id(), Some("8a1b2c3d"));
            assert!(error.to_string().contains("upstream connect"), "{error}");
            assert!(error.to_string().contains("not retried"), "{error}");
            assert!(error.retry_after().is_some(), "{error}");
        }
    }
}

#[tokio::test]
async fn several_lines_of_a_header_are_read_as_one() {
    let rows = [
        ("retry-after: 1\r\nretry-after: 86400\r\n", "429 Too Many Requests"),
        ("ratelimit: \"a\";r=5;t=300\r\nratelimit: \"b\";r=0;t=300\r\n", "200 OK"),
    ];
    for (headers, status) in rows {
        let server = Raw::start(move |_, _| Act::Say(answer(status, headers, THERE), End::Close));
        let server = server.await;
        let client = builder(&server.base_url(), "token-of-this-test").build();
        let certificates = client.unwrap().certificates(&ACCOUNT.parse().unwrap());
        drop(certificates.get(&unknown_id()).await);
        let error = certificates.get(&unknown_id()).await.unwrap_err();
        assert!(is_not_sent(&error), "{headers}: {error}");
        assert_eq!(server.methods(), "GET 1", "{headers}");
    }
}
