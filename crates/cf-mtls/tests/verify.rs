//! Whether the credentials work: what is sent, and which failure is which.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail that way")]

mod common;

use std::time::{Duration, SystemTime};

use cf_mtls::{Client, Credentials, Error, ErrorKind, Retry, TokenStatus, Verification};
use cf_mtls_testkit::Simulator;
use cf_mtls_testkit::simulator::{Fault, Operation, Permission, Token};
use common::{account, builder, failure, success};
use httpmock::Method::GET;
use httpmock::MockServer;
use serde_json::{Value, json};

async fn verify(
    simulator: &Simulator,
    credentials: impl Into<Credentials>,
) -> Result<Verification, Error> {
    let client = Client::builder(credentials)
        .with_base_url(simulator.base_url())
        .with_retry(Retry::off())
        .build()
        .unwrap();
    client.verify(&simulator.account_id().parse().unwrap()).await
}

fn requests(simulator: &Simulator) -> [u64; 3] {
    [Operation::VerifyToken, Operation::VerifyAccountToken, Operation::List]
        .map(|operation| simulator.request_count(operation))
}

#[tokio::test]
async fn credentials_that_work_are_described() {
    let simulator = Simulator::start().await.unwrap();
    let end = SystemTime::now() + Duration::from_secs(3600);
    simulator.add_token(Token::new("user-token").expires_on(end));
    simulator.add_token(Token::new("account-token").owned_by_account(simulator.account_id()));
    simulator.add_token(Token::new("reader-token").read_only());
    for (token, has_end, sent) in [
        ("user-token", true, [1, 0, 1]),
        ("reader-token", false, [1, 0, 1]),
        // The user's operation refuses it.
        ("account-token", false, [1, 1, 1]),
    ] {
        simulator.clear_requests();
        let verified = verify(&simulator, token).await.unwrap().token.unwrap();
        assert_eq!(verified.status, TokenStatus::Active, "{token}");
        assert_eq!(verified.expires_on.is_some(), has_end, "{token}");
        assert_eq!(requests(&simulator), sent, "{token}");
        let json = serde_json::to_value(&verified).unwrap();
        assert_eq!(serde_json::from_value::<cf_mtls::ApiToken>(json).unwrap(), verified);
    }
}

#[tokio::test]
async fn a_global_key_is_verified_by_the_list_alone() {
    let simulator = Simulator::builder().email_and_key("a@example.com", "key").start();
    let simulator = simulator.await.unwrap();
    let key = Credentials::email_and_key("a@example.com", "key");
    assert_eq!(verify(&simulator, key).await.unwrap().token, None);
    assert_eq!(requests(&simulator), [0, 0, 1]);
    let wrong = Credentials::email_and_key("a@example.com", "another");
    assert_eq!(verify(&simulator, wrong).await.unwrap_err().kind(), ErrorKind::Authentication);
}

#[tokio::test]
async fn credentials_that_do_not_work_say_why() {
    let simulator = Simulator::start().await.unwrap();
    simulator.add_token(Token::new("narrow-token").without(Permission::Certificates));
    simulator.add_token(Token::new("expired-token").expires_on(SystemTime::UNIX_EPOCH));
    for (token, kind, operation) in [
        ("narrow-token", ErrorKind::Permission, cf_mtls::Operation::ListCertificates),
        ("unknown-token", ErrorKind::Authentication, cf_mtls::Operation::VerifyToken),
        ("expired-token", ErrorKind::Authentication, cf_mtls::Operation::VerifyToken),
    ] {
        let error = verify(&simulator, token).await.unwrap_err();
        assert_eq!((error.kind(), error.operation()), (kind, Some(operation)), "{token}: {error}");
        assert!(!error.may_have_taken_effect());
        // It may be a valid token of another account.
        assert_eq!(error.to_string().contains("this account"), token == "unknown-token", "{error}");
    }
    // Whether the credentials are valid is not known.
    let user = Fault::error(401, 1000, "Invalid API Token").on(Operation::VerifyToken);
    simulator.inject(user);
    simulator.inject(Fault::error(503, 1, "down").on(Operation::VerifyAccountToken));
    let error = verify(&simulator, simulator.token()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ServiceUnavailable, "{error}");
}

/// The responses of the token's operation, and what becomes of them.
#[tokio::test]
async fn the_status_of_a_token_decides() {
    use ErrorKind::*;
    let token = |status: &str| success(json!({"id": "1f", "status": status}));
    let rows: [(u16, Value, Result<&str, ErrorKind>); 7] = [
        (200, token("active"), Ok("active")),
        (200, token("paused"), Ok("paused")),
        (200, token("disabled"), Err(Authentication)),
        (200, token("expired"), Err(Authentication)),
        (200, success(json!({"status": "active"})), Err(InvalidResponse)),
        (200, success(Value::Null), Err(InvalidResponse)),
        (429, failure(971, "slow down"), Err(RateLimited)),
    ];
    for (status, body, want) in rows {
        let server = MockServer::start_async().await;
        let list = server.mock(|when, then| {
            when.method(GET).path(common::path("")).query_param("per_page", "5");
            then.status(200).json_body(success(json!([])));
        });
        server.mock(|when, then| {
            when.method(GET).path("/user/tokens/verify");
            then.status(status).json_body(body.clone());
        });
        let verified = builder(&server).build().unwrap().verify(&account()).await;
        assert_eq!(list.calls(), usize::from(want.is_ok()), "{body}");
        match (verified, want) {
            (Ok(verified), Ok(word)) => {
                assert_eq!(verified.token.unwrap().status.as_str(), word, "{body}");
            }
            (Err(error), Err(kind)) => assert_eq!(error.kind(), kind, "{body}: {error}"),
            (got, want) => panic!("{body}: {got:?} instead of {want:?}"),
        }
    }
}
