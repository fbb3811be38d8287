//! What holds for any input: ids, PEM, headers and answers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

/// Shared with the fuzz targets.
#[path = "../../../fuzz/src/checks.rs"]
#[allow(unreachable_pub, reason = "a module of another crate")]
mod checks;
mod support;

use std::sync::LazyLock;
use std::time::Duration;

use cf_mtls::{CertificateChain, CertificateId, Secret, Upload, fuzzing};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

static MADE: LazyLock<Vec<support::Made>> =
    LazyLock::new(|| (0..4).map(|_| support::leaf()).collect());

/// Any JSON, with the service's own words more often than others.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        Just(json!(checks::SECRET)),
        Just(json!("2458ce5a-0c35-4c7f-82c7-8e9487d3ff60")),
        Just(json!("2122-10-29T16:59:47Z")),
        Just(json!(MADE[0].pem)),
    ];
    leaf.prop_recursive(5, 48, 6, |inner| {
        let word = prop_oneof![
            prop::sample::select(vec![
                "success",
                "errors",
                "messages",
                "result",
                "result_info",
                "code",
                "message",
                "source",
                "pointer",
                "error_chain",
                "documentation_url",
                "id",
                "ca",
                "name",
                "certificates",
                "expires_on",
                "type",
                "service",
                "status",
                "hostnames",
                "page",
                "total_pages",
                "total_count",
                "per_page",
                "count",
            ])
            .prop_map(str::to_owned),
            ".{0,8}",
        ];
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            vec((word, inner), 0..6).prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn status() -> impl Strategy<Value = u16> {
    prop_oneof![Just(200), Just(400), Just(404), Just(429), Just(502), 100u16..1000]
}

/// A text of lines that look like those of PEM.
fn nearly_pem() -> impl Strategy<Value = String> {
    let made = &MADE[0];
    let line = prop_oneof![
        3 => prop::sample::select(made.pem.lines().chain(made.key.lines()).map(str::to_owned).collect::<Vec<_>>()),
        1 => "-----(BEGIN|END) (CERTIFICATE|PRIVATE KEY|EC PARAMETERS|.{0,12})-----",
        1 => ".{0,20}",
    ];
    let end = prop::sample::select(vec!["\n", "\r\n", "\r", " \n", "\\n", ""]);
    vec((line, end), 0..24)
        .prop_map(|lines| lines.into_iter().map(|(line, end)| line + end).collect())
}

#[test]
fn reads_the_rate_limit() {
    let seconds = Duration::from_secs;
    let table = [
        ("\"default\";r=50;t=30", Some((50, seconds(30)))),
        ("default; t=30 ; r=0", Some((0, seconds(30)))),
        ("\"a\";r=9;t=1, \"b\";r=3;t=20", Some((3, seconds(20)))),
        ("\"default\";r=50", None),
        ("\"default\";r=-1;t=30", None),
        ("\"default\";r=99999999999999999999999;t=1", None),
        ("", None),
        (";;;===,,", None),
    ];
    for (text, want) in table {
        assert_eq!(checks::headers(text.as_bytes()).0, want, "{text:?}");
    }
}

#[test]
fn reads_both_forms_of_retry_after() {
    let wait = |text: &str| checks::headers(text.as_bytes()).1;
    assert_eq!(wait("30"), Some(Duration::from_secs(30)));
    let longest = Some(Duration::from_secs(u64::MAX));
    assert_eq!(wait("99999999999999999999999"), longest);
    let years = Duration::from_secs(7_000 * 365 * 24 * 60 * 60);
    assert!(years < wait("Fri, 31 Dec 9999 23:59:59 GMT").unwrap());
    for past in [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
    ] {
        assert_eq!(wait(past), Some(Duration::ZERO), "{past}");
    }
    for text in ["", "-5", "1.5", "soon", "Mon, 06 Nov 1994 08:49:37 GMT"] {
        assert_eq!(wait(text), None, "{text:?}");
    }
    let later = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(600);
    let date =
        jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&later).unwrap();
    let wait = wait(&date).unwrap();
    assert!((590..=600).contains(&wait.as_secs()), "{date} gives {wait:?}");
}

#[test]
fn shows_one_short_line_without_secrets() {
    let token = "sekret-token-value";
    let key =
        "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF\n-----END PRIVATE KEY-----\n";
    let old = "-----BEGIN PRIVATE KEY-----\rQm9ndXNLZXk\r-----END PRIVATE KEY-----";
    let secrets = [token, key, old];
    let long = "x".repeat(1000);
    let table = [
        ("plain", "plain"),
        ("a\r\nb\tc", "a b c"),
        ("nul\0 bell\u{7} turn\u{202e}ed", "nul bell turn ed"),
        ("Bearer sekret-token-value", "Bearer [secret]"),
        ("k: MIIEvQIBADANBg\\nkqhkiG9w0BAQEF", "k: [secret]\\n[secret]"),
        // The same key with other line ends, and with its slashes escaped.
        ("k: MIIEvQIBA\r\nDANBgkqhki\nG9w0BAQEF!", "k: [secret]!"),
        ("k: MIIE\\/vQIBA", "k: [secret]"),
        // A part of it, and too little of it to tell.
        ("sekret-tok", "[secret]"),
        ("sekret", "sekret"),
        ("k: Qm9ndXNLZXk", "k: [secret]"),
        ("s e k r e t token v a l u e", "[secret]"),
        ("\u{1b}[31mred", "[31mred"),
        ("", ""),
        (&long, &format!("{}…", "x".repeat(40))),
    ];
    for (text, want) in table {
        assert_eq!(shown(&secrets, text, 40), want, "{text:?}");
    }
}

fn shown(secrets: &[&str], text: &str, max_chars: usize) -> String {
    let secrets: Vec<Secret> = secrets.iter().copied().map(Secret::from).collect();
    fuzzing::Sanitizer::new(&secrets).clean(text, max_chars)
}

#[test]
fn hides_a_secret_that_stands_across_the_cut() {
    let shown = shown(&["0123456789abcdef"], "...... 0123456789abcdef", 12);
    assert!(!shown.contains("0123"), "{shown}");
}

#[test]
fn removes_what_a_terminal_obeys() {
    let table = [
        ("api.example.com", "api.example.com"),
        ("a\u{1b}[31mb\r\n", "a[31mb"),
        ("a\u{202e}b\u{200b}\u{e0041}\u{61c}\u{3164}", "ab"),
        ("a\u{ad}\u{180e}\u{115f}\u{1160}\u{fe0f}\u{fff9}\u{ffa0}\u{feff}b", "ab"),
        ("bücher.example", "bücher.example"),
    ];
    for (text, want) in table {
        assert_eq!(cf_mtls::text::printable(text), want, "{text:?}");
    }
}

/// A begin marker inside of a block, an end marker before its end, and the like:
/// nothing but certificates is sent as certificates.
#[test]
fn a_key_is_not_smuggled_into_a_certificate() {
    let made = &MADE[0];
    for end in ["\n", "\r", "\r\n"] {
        let key = made.key.lines().collect::<Vec<_>>().join(end);
        let body = made.pem.lines().filter(|line| !line.starts_with('-'));
        let body = body.collect::<Vec<_>>().join("\n");
        let (begin, close) = ("-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----");
        for text in [
            format!("{begin}\n{body}{end}{key}\n{close}\n"),
            format!("{begin}\n{body}{end}{close}{end}{key}\n{close}\n"),
            format!("{begin}\n{body}{end}{close}{end}{key}\n"),
            format!("{begin}\n{body}{end}{close}x{end}{key}x\n{close}\n"),
            format!("{begin}\n{body}{end}{close}x{end}{body}{end}{close}\n"),
            format!("{begin}\n{key}{end}{begin}\n{body}\n{close}\n"),
            format!("{key}{end}{begin}\n{body}\n{close}\n"),
        ] {
            checks::pem(&text);
            assert!(Upload::ca(&text).is_err(), "{text:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_make_a_response_or_an_error_fit_to_be_shown(status in status(), body in vec(any::<u8>(), 0..400)) {
        checks::response(status, &body);
    }

    #[test]
    fn any_json_makes_a_response_or_an_error_fit_to_be_shown(status in status(), value in any_json()) {
        let body = value.to_string();
        let as_it_is = checks::response(status, body.as_bytes());
        prop_assert!(as_it_is == 0 || (200..300).contains(&status));
        // Cut off anywhere it is no answer.
        let part = &body.as_bytes()[..body.len() / 2];
        prop_assert_eq!(checks::response(200, part), 0);
        checks::differential(value.to_string().as_bytes());
    }

    /// `success` decides, whatever else there is; but what is no list passes for
    /// none, and hostnames are all there or not at all.
    #[test]
    fn success_with_anything_beside_is_a_success(fields in vec((".{0,8}", any_json()), 0..5), result in any_json()) {
        let mut body = serde_json::Map::from_iter(fields);
        let least = if result.is_null() || result.is_array() { 4 } else { 1 };
        body.insert("result".to_owned(), result);
        body.insert("success".to_owned(), true.into());
        let text = Value::Object(body.clone()).to_string();
        prop_assert!(least <= checks::response(200, text.as_bytes()), "{}", text);
        for other in [json!(false), json!("true"), json!(1), Value::Null] {
            body.insert("success".to_owned(), other);
            let text = Value::Object(body.clone()).to_string();
            prop_assert_eq!(checks::response(200, text.as_bytes()), 0, "{}", text);
        }
    }

    #[test]
    fn an_id_never_leaves_its_place(text in prop_oneof![".{0,70}", "[./\\\\%a-z0-9-]{0,20}", "[0-9a-f-]{1,64}"]) {
        let safe = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let want = safe && (1..=64).contains(&text.len());
        prop_assert_eq!(checks::id(&text), want);
    }

    #[test]
    fn an_id_survives_json(text in "[0-9A-Za-z-]{1,64}") {
        let id: CertificateId = text.parse().unwrap();
        let json = serde_json::to_string(&id).unwrap();
        prop_assert_eq!(serde_json::from_str::<CertificateId>(&json).unwrap(), id);
    }

    #[test]
    fn any_pem_is_taken_whole_or_refused(text in prop_oneof![nearly_pem(), ".{0,200}"]) {
        checks::pem(&text);
    }

    /// Line ends, white space, and comments between blocks mean nothing.
    #[test]
    fn the_same_certificates_are_equal_in_any_layout(
        which in vec(0..4usize, 1..4),
        end in prop::sample::select(vec!["\n", "\r\n", "\r", " \r\n", "\t\n", "\n  "]),
        before in "[ a-z\n]{0,20}",
        tail in "[ \r\n\t]{0,8}",
    ) {
        let plain: String = which.iter().map(|n| MADE[*n].pem.as_str()).collect();
        let laid_out: String = which
            .iter()
            .map(|n| format!("{before}\n{}{tail}\n", MADE[*n].pem.lines().collect::<Vec<_>>().join(end)))
            .collect();
        let chain = CertificateChain::from_pem(&laid_out).unwrap();
        prop_assert_eq!(&chain, &CertificateChain::from_pem(&plain).unwrap());
        prop_assert_eq!(chain.der().len(), which.len());
    }

    #[test]
    fn a_bundle_is_split_in_any_order(number in 0..4usize, key_first in any::<bool>(), comment in "[ a-z]{0,20}") {
        let made = &MADE[number];
        let (first, second) = if key_first { (&made.key, &made.pem) } else { (&made.pem, &made.key) };
        let bundle = format!("{first}\n{comment}\n{second}");
        let upload = Upload::leaf_bundle(bundle.as_str()).unwrap();
        prop_assert!(!upload.is_ca());
        prop_assert_eq!(upload.chain(), &CertificateChain::from_pem(&made.pem).unwrap());
        prop_assert!(Upload::ca(&bundle).is_err());
    }

    #[test]
    fn any_header_is_read_or_left(value in vec(any::<u8>(), 0..80)) {
        checks::headers(&value);
    }

    #[test]
    fn what_remains_is_read_in_any_layout(
        name in "[a-z]{1,8}",
        remaining in any::<u64>(),
        seconds in any::<u64>(),
        space in prop::sample::select(vec!["", " ", "\t"]),
        swap in any::<bool>(),
    ) {
        let (r, t) = (format!("r={remaining}"), format!("t={seconds}"));
        let (a, b) = if swap { (t, r) } else { (r, t) };
        let text = format!("\"{name}\";{space}{a}{space};{space}{b}");
        let (window, _) = checks::headers(text.as_bytes());
        prop_assert_eq!(window, Some((remaining, Duration::from_secs(seconds))));
    }

    #[test]
    fn seconds_to_wait_are_read(seconds in any::<u64>()) {
        let (_, wait) = checks::headers(seconds.to_string().as_bytes());
        prop_assert_eq!(wait, Some(Duration::from_secs(seconds)));
    }
}
