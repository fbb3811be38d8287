//! What is refused before anything is sent, and what is put right.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail that way")]

mod common;

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use cf_mtls::{
    AccountId, CertificateChain, CertificateFilter, CertificateId, Client, ClientCa, Credentials,
    Error, ErrorKind, Upload, ZoneFilter, ZoneId,
};
use cf_mtls_testkit::DOCUMENTED_CA;
use common::{builder, certificate, success};
use httpmock::MockServer;

#[test]
fn ids_are_what_is_safe_in_a_path() {
    let sound = [
        "023e105f4ecef8ad9ca31a8372d0c353",
        "2458ce5a-0c35-4c7f-82c7-8e9487d3ff60",
        "a",
        &"0".repeat(64),
    ];
    for text in sound {
        assert_eq!(text.parse::<CertificateId>().unwrap().as_str(), text);
        assert_eq!(text.parse::<AccountId>().unwrap().to_string(), text);
        assert_eq!(ZoneId::try_from(text.to_owned()).unwrap().as_ref(), text);
    }
    let odd = [
        ("", "empty"),
        (".", "'.'"),
        ("..", "'.'"),
        ("a/b", "'/'"),
        ("../zones/z", "'.'"),
        ("x\\..\\zones", "'\\\\'"),
        ("%2e%2e", "'%'"),
        ("a b", "' '"),
        (" a", "' '"),
        ("a\n", "'\\n'"),
        ("a\0", "'\\0'"),
        ("a?b", "'?'"),
        ("a#b", "'#'"),
        ("a;b", "';'"),
        ("ä", "'ä'"),
        ("a_b", "'_'"),
        (&"0".repeat(65), "65 bytes"),
        ("me@example.com", "e-mail address"),
        ("example.com", "domain name"),
        ("<ACCOUNT_ID>", "placeholder"),
        ("$CLOUDFLARE_ACCOUNT_ID", "placeholder"),
        ("{account_id}", "placeholder"),
        ("YOUR_ACCOUNT_ID", "placeholder"),
    ];
    for (text, told) in odd {
        let error = text.parse::<CertificateId>().unwrap_err().to_string();
        assert!(error.contains(told), "{text:?}: {told:?} is missing from: {error}");
        assert!(error.contains("list of the account's mTLS certificates"), "{error}");
        let error = text.parse::<AccountId>().unwrap_err().to_string();
        assert!(error.contains("CLOUDFLARE_ACCOUNT_ID"), "{error}");
        let error = ZoneId::try_from(text.to_owned()).unwrap_err().to_string();
        assert!(error.contains("overview page"), "{error}");
        assert_eq!(
            Error::from(text.parse::<ZoneId>().unwrap_err()).kind(),
            ErrorKind::InvalidInput
        );
        // Neither does a file of settings let it in.
        let json = serde_json::to_string(text).unwrap();
        assert!(serde_json::from_str::<CertificateId>(&json).is_err(), "{text:?}");
    }
}

#[tokio::test]
async fn tokens_are_put_right_or_refused() {
    let server = MockServer::start_async().await;
    let mock = server.mock(|when, then| {
        when.header("authorization", format!("Bearer {}", common::TOKEN));
        then.status(200).json_body(success(certificate(common::ID)));
    });
    let token = common::TOKEN;
    let meant = [
        token.to_owned(),
        format!("  {token}\r\n"),
        format!("\"{token}\""),
        format!("'{token}'\n"),
        format!("Bearer {token}"),
        format!("bearer  {token}\n"),
        format!("\"Bearer {token}\""),
        format!("Bearer \"{token}\""),
    ];
    for (count, text) in meant.iter().enumerate() {
        let client =
            Client::builder(text.as_str()).with_base_url(server.base_url()).build().unwrap();
        client.certificates(&common::account()).get(&common::id()).await.unwrap();
        assert_eq!(mock.calls(), count + 1, "{text:?}");
    }
    let refused = [
        ("", "is empty"),
        (" \n", "is empty"),
        ("Bearer ", "is empty"),
        ("\"\"", "is empty"),
        ("first second", "white space"),
        ("first\nsecond", "white space"),
        ("<TOKEN>", "placeholder"),
        ("$CLOUDFLARE_API_TOKEN", "placeholder"),
        ("tök\u{1}en", "character"),
        ("a,b", "character"),
    ];
    for (text, told) in refused {
        let error = Client::builder(text).with_base_url(server.base_url()).build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{text:?}");
        assert!(error.to_string().contains(told), "{text:?}: {error}");
    }
    for (email, key) in [("me", "key"), ("me@example.com", ""), ("me @example.com", "key")] {
        let credentials = Credentials::email_and_key(email, key);
        let error = Client::builder(credentials).build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{email:?} {key:?}");
    }
}

#[test]
#[cfg(any(feature = "rustls", feature = "native-tls"))]
fn base_urls_are_https_or_loopback() {
    let build = |url: &str| Client::builder(common::TOKEN).with_base_url(url).build();
    let sound = [
        "https://api.cloudflare.com/client/v4",
        "https://api.cloudflare.com/client/v4/",
        " https://api.cloudflare.com ",
        "http://127.0.0.1:8787/client/v4",
        "http://127.1.2.3",
        "http://[::1]:8787",
        "http://localhost:8787",
    ];
    for url in sound {
        build(url).unwrap_or_else(|error| panic!("{url}: {error}"));
    }
    let odd = [
        ("", "cannot be read"),
        ("api.cloudflare.com", "cannot be read"),
        ("ftp://127.0.0.1", "neither https nor http"),
        ("file:///etc/passwd", "neither https nor http"),
        ("http://api.cloudflare.com", "plain http"),
        ("http://10.0.0.1", "plain http"),
        ("http://localhost.example.com", "plain http"),
        ("http://127.0.0.1.example.com", "plain http"),
        ("https://user@api.cloudflare.com", "user name"),
        ("https://:password@api.cloudflare.com", "user name"),
        ("https://api.cloudflare.com/?a=b", "query"),
        ("https://api.cloudflare.com/#a", "fragment"),
    ];
    for (url, told) in odd {
        let error = build(url).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{url}");
        assert!(error.to_string().contains(told), "{url}: {error}");
        assert!(!error.to_string().contains("password@"), "{error}");
    }
    let allowed =
        Client::builder(common::TOKEN).with_base_url("http://10.0.0.1").with_plain_http_allowed();
    allowed.build().unwrap();
}

#[test]
#[cfg(any(feature = "rustls", feature = "native-tls"))]
fn the_environment_is_read_as_other_clients_do() {
    let read = |variables: &'static [(&str, &str)]| {
        cf_mtls::ClientBuilder::from_variables(move |name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            Ok(found.map(|(_, value)| (*value).to_owned()))
        })
        .and_then(cf_mtls::ClientBuilder::build)
    };
    let token = ("CLOUDFLARE_API_TOKEN", "token");
    let email = ("CLOUDFLARE_EMAIL", "me@example.com");
    let key = ("CLOUDFLARE_API_KEY", "key");
    let rows: [(&'static [(&str, &str)], &str); 4] = [
        (Box::leak(Box::new([token])), "token …"),
        (Box::leak(Box::new([email, key])), "email and key …"),
        // Both are set: the token is meant.
        (Box::leak(Box::new([token, email, key])), "token …"),
        // Empty is not set.
        (Box::leak(Box::new([("CLOUDFLARE_API_TOKEN", ""), email, key])), "email and key …"),
    ];
    for (variables, told) in rows {
        let client = format!("{:?}", read(variables).unwrap());
        assert!(client.contains(told), "{variables:?}: {client}");
        assert!(client.contains("https://api.cloudflare.com/client/v4"), "{client}");
    }
    let other =
        read(&[("CLOUDFLARE_API_TOKEN", "t"), ("CLOUDFLARE_BASE_URL", "http://localhost:1/v4/")]);
    assert!(format!("{:?}", other.unwrap()).contains("\"http://localhost:1/v4\""));
    let rows: [(&'static [(&str, &str)], &str); 4] = [
        (&[], "CLOUDFLARE_API_TOKEN is not set"),
        (&[("CLOUDFLARE_EMAIL", "me@example.com")], "CLOUDFLARE_API_TOKEN is not set"),
        (&[("CLOUDFLARE_API_KEY", "key")], "without CLOUDFLARE_EMAIL"),
        (&[("CLOUDFLARE_API_TOKEN", "<TOKEN>")], "placeholder"),
    ];
    for (variables, told) in rows {
        let error = read(variables).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{variables:?}");
        assert!(error.to_string().contains(told), "{error}");
    }
}

#[test]
fn pem_is_read_before_anything_is_sent() {
    let made = rcgen::generate_simple_self_signed(["leaf.example.com".to_owned()]).unwrap();
    let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let public = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n";
    let request = "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n";
    let encrypted =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let legacy = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END RSA PRIVATE KEY-----\n";
    let parameters =
        "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
    let cut = &certificate[..certificate.len() / 2];
    let no_base64 = "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n";
    let no_certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let mixed = certificate.replace("END CERTIFICATE", "END PRIVATE KEY");

    let both = format!("{certificate}{key}");
    let two_keys = format!("{certificate}{key}{key}");
    let escaped = certificate.replace("\r\n", "\n").replace('\n', "\\n");
    let one_line = certificate.replace("\r\n", "\n").replace('\n', " ");
    let ca = |pem: &str| Upload::ca(pem).err();
    let leaf = |pem: &str, key: &str| Upload::leaf(pem, key).err();
    let bundle = |pem: &str| Upload::leaf_bundle(pem).err();
    let rows = [
        (ca(""), "is empty"),
        (ca("no PEM at all"), "contains no certificate"),
        (ca(&both), "private key beside the certificates"),
        (ca(&key), "private key, but no certificate"),
        (ca(public), "public key is not a certificate"),
        (ca(&format!("{certificate}{public}")), "public key is not a certificate"),
        (ca(request), "signing request"),
        (ca(cut), "cut off"),
        (ca(&mixed), "ends without its beginning"),
        (ca(&format!("{cut}\n{certificate}")), "begins inside another"),
        (ca(no_base64), "certificate block 1 of the PEM cannot be decoded"),
        (
            ca(&format!("{certificate}{no_certificate}")),
            "certificate block 2 of the PEM does not contain",
        ),
        (ca(&escaped), "in place of line breaks"),
        (ca(&one_line), "no line breaks"),
        (leaf(&both, &key), "pass the certificates alone, and the key"),
        (leaf(&certificate, ""), "no private key"),
        (leaf(&certificate, &certificate), "contains no private key"),
        (leaf(&certificate, public), "not a private key"),
        (leaf(&certificate, encrypted), "encrypted"),
        (leaf(&certificate, legacy), "encrypted"),
        (leaf(&certificate, &format!("{key}{key}")), "more than one"),
        (bundle(&certificate), "without its private key"),
        (bundle(&key), "no certificate"),
        (bundle(&two_keys), "more than one private key"),
        (bundle(&format!("{certificate}{encrypted}")), "encrypted"),
    ];
    for (row, (error, told)) in rows.into_iter().enumerate() {
        let error = error.unwrap_or_else(|| panic!("row {row}, {told:?}, was taken"));
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        assert!(error.to_string().contains(told), "row {row}: {told:?} is missing from: {error}");
    }

    let bom = format!("\u{feff}{certificate}");
    let commented = format!("Certificate:\n  Data: -----\n{certificate}trailing\n");
    for pem in [&certificate, &bom, &commented, &format!("{certificate}\n\n{DOCUMENTED_CA}")] {
        assert!(Upload::ca(pem).is_ok(), "{pem}");
    }
    Upload::leaf(&certificate, format!("{parameters}{key}")).unwrap();
    Upload::leaf_bundle(format!("{parameters}{key}{certificate}")).unwrap();
    let pair = format!("{certificate}{DOCUMENTED_CA}");
    assert_eq!(CertificateChain::from_pem(&pair).unwrap().der().len(), 2);
    assert_eq!(
        Upload::ca(DOCUMENTED_CA).unwrap().with_private_key(key).err().map(|e| e.kind()),
        None
    );
}

#[test]
fn another_form_of_input_is_named_with_what_converts_it() {
    let made = rcgen::generate_simple_self_signed(["leaf.example.com".to_owned()]).unwrap();
    let (der, key) = (made.cert.der().to_vec(), made.signing_key.serialize_der());
    let pem = |label: &str| format!("-----BEGIN {label}-----\nAAAA\n-----END {label}-----\n");
    let json = |key: &str| format!("{{\"id\": 1, {key:?}: \"-----BEGIN CERTIFICATE-----\\n\"}}");
    let utf16 = made.cert.pem().encode_utf16().flat_map(u16::to_le_bytes).collect();
    let damaged = "not PEM, but DER that is cut off, or has other bytes behind it";
    let table: [(&str, Vec<u8>, &str); 22] = [
        ("DER", der.clone(), ""),
        ("half of it", der[..der.len() / 2].to_vec(), damaged),
        ("its beginning", der[..2].to_vec(), damaged),
        ("a line break behind it", [&der[..], b"\n"].concat(), damaged),
        ("two in DER", [&der[..], &der].concat(), damaged),
        ("BER of indefinite length", vec![0x30, 0x80, 0, 0], damaged),
        ("text that begins like DER", b"0 and so on".to_vec(), "must begin with"),
        ("gzip", vec![0x1f, 0x8b, 8, 0, 0], "`gunzip`"),
        ("zeros", vec![0; 64], "must begin with"),
        ("UTF-16", utf16, "`iconv -f UTF-16 -t UTF-8 FILE`"),
        ("UTF-16 with a mark", vec![0xff, 0xfe, b'-', 0], "`iconv -f UTF-16 -t UTF-8 FILE`"),
        ("UTF-16, big", vec![0, b'-', 0, b'-'], "`iconv -f UTF-16 -t UTF-8 FILE`"),
        ("a key", key, "`openssl pkey -inform DER -in FILE`"),
        ("PKCS#12", vec![0x30, 3, 2, 1, 3], "`openssl pkcs12 -in FILE -nodes`"),
        ("PKCS#7", vec![0x30, 2, 6, 0], "`openssl pkcs7 -inform DER -in FILE -print_certs`"),
        ("PKCS#7 in PEM", pem("PKCS7").into(), "`openssl pkcs7 -in FILE -print_certs`"),
        ("old label", pem("X509 CERTIFICATE").into(), "`openssl x509 -in FILE`"),
        ("encrypted", pem("ENCRYPTED PRIVATE KEY").into(), "`openssl pkey -in FILE`"),
        ("JSON", json("certificate").into(), "`jq -r .certificate FILE`"),
        ("JSON of the service", json("certificates").into(), "`jq -r .certificates FILE`"),
        ("JSON of cfssl", json("cert").into(), "`jq -r .cert FILE`"),
        ("other JSON", json("pem").into(), "`jq -r .KEY FILE`"),
    ];
    for (form, input, told) in table {
        let error = CertificateChain::from_pem(input).err().map(|error| error.to_string());
        let error = error.unwrap_or_default();
        assert_eq!(error.is_empty(), told.is_empty(), "{form}: {error}");
        assert!(error.contains(told), "{form}: {told:?} is missing from: {error}");
    }
}

#[tokio::test]
async fn what_is_refused_reaches_nobody() {
    let server = MockServer::start_async().await;
    let mock = server.mock(|when, then| {
        when.any_request();
        then.status(200).json_body(success(certificate(common::ID)));
    });
    let client = builder(&server).build().unwrap();
    let upload = Upload::ca(DOCUMENTED_CA).unwrap();
    for name in ["", "a\nb", &"x".repeat(256)] {
        let named = upload.clone().with_name(name);
        let error = client.certificates(&common::account()).upload(&named).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{name:?}");
    }
    let hostnames = client.hostnames(&common::zone());
    for host in [
        "",
        "https://example.com",
        "example.com/a",
        "a b",
        "example.com:443",
        "a\0",
        &"x".repeat(254),
    ] {
        let error = hostnames.replace(&ClientCa::CloudflareManaged, [host]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{host:?}");
    }
    assert_eq!(mock.calls(), 0);
}

#[test]
fn debug_shows_no_secret() {
    let made = rcgen::generate_simple_self_signed(["leaf.example.com".to_owned()]).unwrap();
    let key = made.signing_key.serialize_pem();
    let upload = Upload::leaf(made.cert.pem(), key.clone()).unwrap();
    let builder = Client::builder(common::TOKEN).with_base_url("http://localhost");
    let proxy = "http://me:pass-of-the-proxy@127.0.0.1:9";
    let shown = [
        format!("{:?}", Client::builder(common::TOKEN).with_proxy(proxy).unwrap()),
        format!("{upload:?} {upload:#?}"),
        format!("{builder:?} {builder:#?}"),
        format!(
            "{:?} {:#?}",
            Credentials::token(common::TOKEN),
            Credentials::email_and_key("a@b.c", "the-key-itself")
        ),
        format!("{:?}", builder.build().unwrap()),
    ];
    for text in shown {
        for secret in [common::TOKEN, "the-key-itself", "pass-of-the-proxy"]
            .into_iter()
            .chain(key.lines().filter(|l| !l.starts_with('-')))
        {
            assert!(!text.contains(secret), "{text}");
        }
    }
}

/// Polls once, without tokio.
#[test]
fn a_call_outside_of_a_runtime_is_refused() {
    let client = Client::builder(common::TOKEN).with_base_url("http://localhost:9");
    let client = client.build().unwrap();
    let certificates = client.certificates(&common::account());
    let hostnames = client.hostnames(&common::zone());
    let (account, id, ca) = (common::account(), common::id(), ClientCa::CloudflareManaged);
    let upload = Upload::ca(DOCUMENTED_CA).unwrap();
    let (mut list, mut zones) =
        (certificates.list(CertificateFilter::all()), client.zones(ZoneFilter::all()));
    type Call<'a> = Pin<Box<dyn Future<Output = Option<Error>> + 'a>>;
    let calls: [(&str, Call<'_>); 10] = [
        ("get", Box::pin(async { certificates.get(&id).await.err() })),
        ("delete", Box::pin(async { certificates.delete(&id).await.err() })),
        ("associations", Box::pin(async { certificates.associations(&id).await.err() })),
        ("list", Box::pin(async { list.next().await.unwrap().err() })),
        ("find", Box::pin(async { certificates.find("a").await.err() })),
        ("ensure", Box::pin(async { certificates.ensure(&upload).await.err() })),
        ("zones", Box::pin(async { zones.next().await.unwrap().err() })),
        ("verify", Box::pin(async { client.verify(&account).await.err() })),
        ("hostnames", Box::pin(async { hostnames.list(&ca).await.err() })),
        ("add", Box::pin(async { hostnames.add(&ca, ["a.example"]).await.err() })),
    ];
    for (name, mut call) in calls {
        let polled = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        let Poll::Ready(Some(error)) = polled else { panic!("{name}: {polled:?}") };
        assert_eq!(error.kind(), ErrorKind::Configuration, "{name}: {error}");
        assert!(error.to_string().contains("no tokio runtime; make the call"), "{name}: {error}");
        assert!(!error.may_have_taken_effect(), "{name}");
    }
}
