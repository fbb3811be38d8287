//! Several accounts and tokens, and what each token may do.

use std::time::{Duration, SystemTime};

use cf_mtls_testkit::Simulator;
use cf_mtls_testkit::simulator::{Permission, Seed, Token};
use reqwest::Method;
use serde_json::json;

use super::support::{Caller, ca, hostname_path};

/// Statuses of: list, get, upload, delete, hostnames, a change of them, zones.
async fn statuses(caller: &Caller, zone: &str, id: &str) -> [u16; 7] {
    let hosts = format!("{}?mtls_certificate_id={id}", hostname_path(zone));
    let responses = [
        caller.list("").await,
        caller.certificate(id).await,
        caller.upload_ca(&ca().pem, "").await,
        caller.delete("2458ce5a-0c35-4c7f-82c7-8e9487d3ff60").await,
        caller.get(&hosts).await,
        caller.put_hostnames(zone, Some(id), &["a"]).await,
        caller.get("/zones").await,
    ];
    responses.map(|response| {
        if response.status == 403 {
            assert_eq!(response.codes(), [10000], "{}", response.text);
            assert_eq!(response.message(), "Authentication error");
        }
        response.status.as_u16()
    })
}

#[tokio::test]
async fn a_token_does_what_its_permissions_allow() {
    let simulator = Simulator::builder().ca_quota(100).start().await.unwrap();
    let caller = Caller::new(&simulator);
    let (zone, other) = (simulator.add_zone("a.example"), simulator.add_zone("b.example"));
    let id = simulator.seed(Seed::ca(ca().pem)).unwrap();
    let token = || Token::new("restricted");
    let everything = [200, 200, 200, 404, 200, 200, 200];
    let table = [
        (token(), everything),
        (token().read_only(), [200, 200, 403, 403, 200, 403, 200]),
        (token().without(Permission::Certificates), [403, 403, 403, 403, 200, 200, 200]),
        (token().without(Permission::Hostnames), [200, 200, 200, 404, 403, 403, 200]),
        (token().zones([&zone]), everything),
        (token().zones([&other]), [200, 200, 200, 404, 403, 403, 200]),
        (token().accounts([simulator.account_id()]), everything),
        (token().accounts([&zone]), [403, 403, 403, 403, 403, 403, 200]),
    ];
    for (token, want) in table {
        simulator.add_token(token);
        let restricted = caller.with_token("restricted");
        assert_eq!(statuses(&restricted, &zone, &id).await, want);
    }
    assert_eq!(statuses(&caller, &zone, &id).await, everything, "its own token");
    simulator.remove_token("restricted");
    let revoked = caller.with_token("restricted").list("").await;
    assert_eq!((revoked.status.as_u16(), revoked.codes()), (403, vec![9109]));
}

#[tokio::test]
async fn the_list_of_zones_has_those_that_the_token_may_see() {
    let simulator = Simulator::start().await.unwrap();
    let caller = Caller::new(&simulator);
    let account = simulator.add_account();
    let one = simulator.add_zone("one.example");
    simulator.add_zone("two.example");
    simulator.add_zone_to(&account, "three.example").unwrap();
    assert_eq!(simulator.add_zone_to(&one, "x.example").unwrap_err().id(), one);
    let token = || Token::new("restricted");
    let table: [(Token, &[&str]); 4] = [
        (token(), &["one.example", "two.example", "three.example"]),
        (token().zones([&one]), &["one.example"]),
        (token().accounts([&account]), &["three.example"]),
        (token().without(Permission::Zones), &[]),
    ];
    for (token, want) in table {
        simulator.add_token(token);
        let restricted = caller.with_token("restricted");
        assert_eq!(restricted.get("/zones").await.names(), want);
    }
    let listed = caller.get(&format!("/zones?account.id={account}")).await;
    assert_eq!(listed.names(), ["three.example"]);
    assert_eq!(listed.result()[0]["account"]["id"], account);
}

/// Ids of one account lead nowhere in another.
#[tokio::test]
async fn accounts_have_certificates_of_their_own() {
    let simulator = Simulator::builder().ca_quota(1).start().await.unwrap();
    let first = Caller::new(&simulator);
    let account = simulator.add_account();
    let second = first.with_account(&account);
    let zone = simulator.add_zone_to(&account, "b.example").unwrap();
    let pem = ca().pem;
    let a = first.upload_ca(&pem, "a").await.id();
    let b = second.upload_ca(&pem, "b").await.id();
    assert_eq!(second.upload_ca(&ca().pem, "c").await.codes(), [1489]);
    assert_eq!(first.list("").await.names(), ["a"]);
    assert_eq!(second.list("").await.names(), ["b"]);
    assert_eq!(second.certificate(&a).await.codes(), [1472]);
    assert_eq!(second.delete(&a).await.codes(), [1472]);
    assert_eq!(second.put_hostnames(&zone, Some(&a), &["x"]).await.codes(), [1472]);
    second.put_hostnames(&zone, Some(&b), &["x"]).await.result();
    let seed = Seed::ca(&pem).account(&account).name("seeded");
    simulator.seed(seed).unwrap();
    assert_eq!(second.list("").await.names(), ["b", "seeded"]);
    let held = simulator.certificates();
    let accounts: Vec<_> = held.iter().map(|held| held.account_id.as_str()).collect();
    assert_eq!(accounts, [simulator.account_id(), &account, &account]);
    first.delete(&a).await.result();
    assert_eq!(first.delete(&a).await.codes(), [99002]);
    assert_eq!(second.delete(&a).await.codes(), [1472]);
    let shown = first.get("/accounts").await.result();
    assert_eq!(shown.as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn tokens_are_verified_where_they_belong_until_they_expire() {
    let start = SystemTime::UNIX_EPOCH + Duration::from_secs(86_400);
    let builder = Simulator::builder().start_time(start).clock_stands_still();
    let simulator = builder.start().await.unwrap();
    let caller = Caller::new(&simulator);
    let account = simulator.account_id().to_owned();
    let other = simulator.add_account();
    let day = Duration::from_secs(86_400);
    simulator.add_token(Token::new("of-a-user").expires_on(start + day));
    simulator.add_token(Token::new("of-an-account").owned_by_account(&account));
    simulator.add_token(Token::new("off").disabled());
    let here = format!("/accounts/{account}/tokens/verify");
    let there = format!("/accounts/{other}/tokens/verify");
    let table = [
        ("of-a-user", "/user/tokens/verify", 200),
        ("of-a-user", &here, 401),
        ("of-an-account", "/user/tokens/verify", 401),
        ("of-an-account", &here, 200),
        ("of-an-account", &there, 401),
        ("of-a-user", "/accounts", 200),
        ("of-an-account", "/accounts", 400),
        ("of-an-account", "/memberships", 400),
        ("of-an-account", "/zones", 200),
        ("off", "/zones", 403),
    ];
    for (token, path, status) in table {
        let response = caller.with_token(token).get(path).await;
        assert_eq!(response.status, status, "{token} {path}");
    }
    let user = caller.with_token("of-a-user");
    let state = user.get("/user/tokens/verify").await.result();
    assert_eq!(state["expires_on"], json!("1970-01-03T00:00:00Z"));
    simulator.advance(day);
    for (token, status) in [("of-a-user", "expired"), ("off", "disabled")] {
        let caller = caller.with_token(token);
        let state = caller.get("/user/tokens/verify").await.result();
        assert_eq!(state["status"], status);
        assert_eq!(caller.get("/accounts").await.codes(), [9109], "{token}");
    }
    let post = user.call(Method::POST, "/zones", None).await;
    assert_eq!(post.codes(), [9109], "credentials come before the path");
}

#[test]
fn a_token_is_not_shown() {
    let token = Token::new("s3cret");
    let builder = Simulator::builder().token(token.clone()).email_and_key("me@example.com", "k3y");
    let shown = format!("{token:?} {builder:?}");
    assert!(!shown.contains("s3cret") && !shown.contains("k3y"), "{shown}");
}
