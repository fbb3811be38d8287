//! What the generated client does with our hooks in it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail that way")]

use std::time::Duration;

use cf_mtls_api::{
    AccountId, CertificateId, Client, ClientInfo as _, Error, Exchange, ResponseHead, Secret,
    SecretField, is_body_limit,
};
use httpmock::Method::DELETE;
use httpmock::MockServer;

fn account() -> AccountId {
    "023e105f4ecef8ad9ca31a8372d0c353".parse().unwrap()
}

fn certificate() -> CertificateId {
    "2458ce5a-0c35-4c7f-82c7-8e9487d3ff60".parse().unwrap()
}

fn client(server: &MockServer, exchange: Exchange) -> Client {
    Client::new_with_client(&server.base_url(), reqwest::Client::new(), exchange)
}

fn head(client: &Client) -> ResponseHead {
    client.inner().head().unwrap()
}

#[tokio::test]
async fn status_and_headers_survive_whatever_the_body_is() {
    let envelope = r#"{"success":false,"errors":[{"code":971,"message":"slow down"}],"messages":[],"result":null}"#;
    let bodies = [envelope, "<html>502</html>", "", "{", "\u{0}", "null"];
    for status in [200, 204, 400, 403, 404, 429, 500, 502, 530] {
        for body in bodies {
            let server = MockServer::start_async().await;
            server.mock(|when, then| {
                when.any_request();
                then.status(status)
                    .header("cf-ray", "8f1e2d3c4b5a6978-FRA")
                    .header("retry-after", "30")
                    .header("ratelimit", "\"default\";r=0;t=30")
                    .header("ratelimit-policy", "\"default\";q=1200;w=300")
                    .body(body);
            });
            let client = client(&server, Exchange::default());
            let outcome = client.get_certificate(&account(), &certificate()).await;
            let head = head(&client);
            assert_eq!(head.status.as_u16(), status, "{body:?}");
            assert_eq!(head.cf_ray().unwrap(), "8f1e2d3c4b5a6978-FRA");
            assert_eq!(head.retry_after().next().unwrap(), "30");
            assert_eq!(head.ratelimit().next().unwrap(), "\"default\";r=0;t=30");
            assert_eq!(head.ratelimit_policy().next().unwrap(), "\"default\";q=1200;w=300");
            assert!(!head.redirected);
            // Every operation's errors are of one type, whatever the status is.
            if body == envelope && 400 <= status {
                let Err(Error::ErrorResponse(value)) = outcome else { panic!("{outcome:?}") };
                assert_eq!(value.status().as_u16(), status);
                assert_eq!(value.errors.as_ref().unwrap()[0].code, Some(971));
            }
        }
    }
}

#[tokio::test]
async fn credentials_are_sent_and_not_shown() {
    let server = MockServer::start_async().await;
    let bearer = server.mock(|when, then| {
        when.header("authorization", "Bearer the-token").header_missing("api-version");
        then.status(200).body(r#"{"success":true}"#);
    });
    let email = server.mock(|when, then| {
        when.header("x-auth-email", "me@example.com").header("x-auth-key", "the-key");
        then.status(200).body(r#"{"success":true}"#);
    });
    let token = Exchange::default().with_bearer_token(&Secret::from("the-token")).unwrap();
    let pair =
        Exchange::default().with_email_and_key("me@example.com", &Secret::from("the-key")).unwrap();
    for exchange in [token, pair] {
        let client = client(&server, exchange);
        assert!(client.get_certificate(&account(), &certificate()).await.unwrap().success);
        let shown = format!("{client:?} {client:#?}");
        assert!(!shown.contains("the-token") && !shown.contains("the-key"), "{shown}");
    }
    assert_eq!((bearer.calls(), email.calls()), (1, 1));
    assert!(Exchange::default().with_bearer_token(&Secret::from("a\nb")).is_err());
}

#[tokio::test]
async fn bodies_and_time_are_bounded() {
    let server = MockServer::start_async().await;
    server.mock(|when, then| {
        when.method(DELETE);
        then.status(200).body("x".repeat(10_000));
    });
    let bounded = client(&server, Exchange::default().with_body_limit(9_999));
    let Err(Error::ResponseBodyError(error)) =
        bounded.delete_certificate(&account(), &certificate()).await
    else {
        panic!("the bound does not hold");
    };
    let mut source = std::error::Error::source(&error);
    let mut found = false;
    while let Some(inner) = source {
        found |= is_body_limit(inner);
        source = inner.source();
    }
    assert!(found, "{error:?}");
    assert_eq!(head(&bounded).status.as_u16(), 200);
    // One byte more is enough, and then it is only the wrong body.
    let roomy = client(&server, Exchange::default().with_body_limit(10_000));
    let outcome = roomy.delete_certificate(&account(), &certificate()).await;
    assert!(matches!(outcome, Err(Error::InvalidResponsePayload(body, _)) if body.len() == 10_000));

    let slow = MockServer::start_async().await;
    slow.mock(|when, then| {
        when.any_request();
        then.status(200).delay(Duration::from_secs(5));
    });
    let hasty = client(&slow, Exchange::default().with_timeout(Duration::from_millis(50)));
    let Err(Error::CommunicationError(error)) =
        hasty.delete_certificate(&account(), &certificate()).await
    else {
        panic!("the time is not bounded");
    };
    assert!(error.is_timeout());
    assert_eq!(hasty.inner().head(), None);
}

#[tokio::test]
async fn a_followed_redirect_is_passed_on_as_one() {
    let server = MockServer::start_async().await;
    server.mock(|when, then| {
        when.path("/elsewhere");
        then.status(200).body(r#"{"success":true}"#);
    });
    server.mock(|when, then| {
        when.method(DELETE).path_includes("mtls_certificates");
        then.status(303).header("location", "/elsewhere");
    });
    let client = client(&server, Exchange::default());
    let outcome = client.delete_certificate(&account(), &certificate()).await;
    let Err(Error::UnexpectedResponse(response)) = outcome else { panic!("{outcome:?}") };
    assert_eq!(response.status().as_u16(), 302);
    assert!(response.text().await.unwrap().is_empty());
    assert!(head(&client).redirected);
}

#[tokio::test]
async fn an_empty_list_of_hostnames_is_sent() {
    let server = MockServer::start_async().await;
    let mock = server.mock(|when, then| {
        when.body(r#"{"hostnames":[]}"#);
        then.status(200).body(r#"{"success":true}"#);
    });
    let body = cf_mtls_api::types::ReplaceHostnamesRequest::default();
    let zone = "9a7806061c88ada191ed06f989cc3dac".parse().unwrap();
    client(&server, Exchange::default()).replace_hostname_associations(&zone, &body).await.unwrap();
    mock.assert();
}

#[test]
fn the_private_key_of_an_upload_is_not_shown() {
    let mut body = cf_mtls_api::types::UploadRequest::default();
    body.private_key = Some(SecretField(Secret::from("the-key-itself")));
    assert!(!format!("{body:?} {body:#?}").contains("the-key-itself"));
    assert!(serde_json::to_string(&body).unwrap().contains("the-key-itself"), "but it is sent");
}

#[test]
fn an_id_stays_in_its_place() {
    for text in ["", ".", "..", "a/b", "x\\..\\..\\zones\\z1", "%2e%2e", "a?b", "a#b", " ", "\n"] {
        assert!(text.parse::<AccountId>().is_err(), "{text:?}");
        assert!(text.parse::<CertificateId>().is_err(), "{text:?}");
        let json = serde_json::to_string(text).unwrap();
        assert!(serde_json::from_str::<CertificateId>(&json).is_err(), "{text:?}");
    }
}
