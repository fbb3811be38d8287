//! Accounts, memberships and tokens.

use cf_mtls_testkit::Simulator;
use reqwest::Method;
use serde_json::json;

use super::support::{Caller, receive};

/// What wrangler and `cf` ask before they ask for certificates.
#[tokio::test]
async fn shows_callers_their_account() {
    let simulator = Simulator::start().await.unwrap();
    let caller = Caller::new(&simulator);
    let id = simulator.account_id();

    let accounts = caller.get("/accounts?page=1&per_page=5").await;
    assert_eq!(accounts.result()[0]["id"], id);
    assert_eq!(accounts.json()["result_info"]["total_count"], 1);
    assert_eq!(caller.get("/accounts?page=2").await.result(), json!([]));

    let memberships = caller.get("/memberships").await.result();
    assert_eq!(memberships[0]["account"]["id"], id);
    assert_eq!(memberships[0]["status"], "accepted");
}

#[tokio::test]
async fn verifies_a_token_and_nothing_else() {
    let simulator =
        Simulator::builder().email_and_key("me@example.com", "key").start().await.unwrap();
    let caller = Caller::new(&simulator);
    let path = "/user/tokens/verify";
    assert_eq!(caller.get(path).await.result()["status"], "active");

    let wrong = caller.request(Method::GET, path).bearer_auth("another");
    assert_eq!(receive(wrong).await.unwrap().codes(), [9109]);
    let key = caller
        .request(Method::GET, path)
        .header("x-auth-email", "me@example.com")
        .header("x-auth-key", "key");
    let response = receive(key).await.unwrap();
    assert_eq!((response.status.as_u16(), response.codes()), (400, vec![1001]));
}
