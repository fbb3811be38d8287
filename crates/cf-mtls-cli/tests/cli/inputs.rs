//! Every form of a file: what is taken, and what is refused with advice.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::Stdio;

use data_encoding::BASE64;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};

use crate::support::{Run, World, new_ca, new_ca_named, new_leaf};

/// The DER of the first block of a PEM.
fn der(pem: &str) -> Vec<u8> {
    let lines = pem.lines().skip(1).take_while(|line| !line.starts_with('-'));
    BASE64.decode(lines.collect::<String>().as_bytes()).unwrap()
}

fn pem(label: &str, der: &[u8]) -> String {
    let body = BASE64.encode(der);
    format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
}

/// A DER sequence of less than 64 KiB.
fn sequence(content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    [&[0x30, 0x82], &length[..], content].concat()
}

fn without_line(pem: &str, number: usize) -> String {
    let lines = pem.lines().enumerate();
    let kept = lines.filter(|(index, _)| *index != number);
    kept.map(|(_, line)| format!("{line}\n")).collect()
}

fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(bytes).collect()
}

/// A CA that can be used in this time only.
fn ca_valid(from: i32, to: i32) -> String {
    let mut parameters = CertificateParams::default();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.not_before = rcgen::date_time_ymd(from, 1, 1);
    parameters.not_after = rcgen::date_time_ymd(to, 1, 1);
    let key = KeyPair::generate().unwrap();
    parameters.self_signed(&key).unwrap().pem()
}

#[test]
fn a_ca_is_read_out_of_any_file_or_the_message_names_the_remedy() {
    let (ca, other) = (new_ca(), new_ca());
    let text = |text: String| text.into_bytes();
    let whole = der(&ca);
    let body = BASE64.encode(&whole);
    let joined = ca.trim_end().to_owned() + &other;
    let pkcs7 = sequence(&[&[0x06, 0x03, 0x2a, 0x03, 0x04], &whole[..]].concat());
    let pkcs12 = sequence(&[0x02, 0x01, 0x03, 0x30, 0x00]);
    // (the file, what the message says, or nothing where it is taken)
    let table: Vec<(&str, Vec<u8>, &str)> = vec![
        ("plain", text(ca.clone()), ""),
        ("Latin-1 in a comment", [b"friendlyName: B\xfccher\n", ca.as_bytes()].concat(), ""),
        ("bytes behind it", [ca.as_bytes(), b"\xff\x80\n"].concat(), ""),
        ("DER", whole.clone(), ""),
        ("no line break between two", text(joined), ""),
        ("UTF-8 with a mark", text(format!("\u{feff}{ca}")), ""),
        ("UTF-16, little", utf16(&format!("\u{feff}{ca}"), u16::to_le_bytes), ""),
        ("UTF-16, big", utf16(&format!("\u{feff}{ca}"), u16::to_be_bytes), ""),
        ("UTF-16 without a mark", utf16(&ca, u16::to_le_bytes), ""),
        ("a CRL beside it", text(ca.clone() + &pem("X509 CRL", b"0")), ""),
        ("PKCS#12", pkcs12, "openssl pkcs12"),
        ("PKCS#7 in DER", pkcs7.clone(), "openssl pkcs7 -inform DER"),
        ("PKCS#7 in PEM", text(pem("PKCS7", &pkcs7)), "openssl pkcs7"),
        ("PKCS#7 as a certificate", text(pem("CERTIFICATE", &pkcs7)), "PKCS#7"),
        ("old label", text(ca.replace("CERTIFICATE", "X509 CERTIFICATE")), "openssl x509"),
        ("space in the label", text(ca.replace("CATE-", "CATE -")), "remove the space"),
        ("four hyphens", text(ca.replace("-----", "----")), "five hyphens"),
        ("a comment behind the end", text(ca.trim_end().to_owned() + " # x"), "(line "),
        ("JSON", text(serde_json::json!({ "certificate": ca }).to_string()), "jq -r"),
        ("base64 of PEM", text(BASE64.encode(ca.as_bytes())), "base64 -d"),
        ("base64 alone", text(body), "lacks its lines -----BEGIN"),
        ("a lost line", text(without_line(&ca, 2)), "block 1 of the PEM does not contain a whole"),
        ("half of it", text(pem("CERTIFICATE", &whole[..99])), "does not contain a whole"),
        ("an integer", text(pem("CERTIFICATE", &sequence(&[2, 1, 5]))), "does not contain a whole"),
        ("nothing", Vec::new(), "empty"),
    ];
    for (name, content, want) in table {
        let world = World::new();
        let file = world.folder.path().join("file");
        std::fs::write(&file, content).unwrap();
        let run = world.run(&["upload", "--ca", file.to_str().unwrap()]);
        match want {
            "" => assert_eq!((run.code, world.ids().len()), (0, 1), "{name}: {run:?}"),
            advice => {
                assert_eq!((run.code, world.ids().len()), (2, 0), "{name}: {run:?}");
                let error = run.last_error();
                assert!(error.contains(advice), "{name}: {error}");
                assert!(error.contains("file: "), "{name}: {error}");
                assert_eq!(world.simulator.request_count(None), 0, "{name}");
            }
        }
    }
}

#[test]
fn a_leaf_and_its_key_are_read_out_of_any_file() {
    let (leaf, key) = new_leaf();
    let key_der = der(&key);
    let both = leaf.clone() + &key;
    let joined = leaf.trim_end().to_owned() + &key;
    let backwards = key.trim_end().to_owned() + &leaf;
    let indented: String = key.lines().map(|line| format!("   {line}\n")).collect();
    let garbled = key.replace('\n', "\n!").replace("!-----END", "-----END");
    // (certificate, key, what the message says)
    let table = [
        (&leaf, &key, ""),
        (&leaf, &indented, ""),
        (&both, &String::new(), ""),
        (&joined, &String::new(), ""),
        (&backwards, &String::new(), ""),
        (&both, &both, ""),
        (&leaf, &both, ""),
        (&both, &key, "leave out --key"),
        (&leaf, &garbled, "the private key cannot be decoded"),
        (&leaf, &without_line(&key, 2), "the private key cannot be decoded"),
        (&leaf, &pem("OPENSSH PRIVATE KEY", b"x"), "ssh-keygen -p -m PEM"),
        (&leaf, &leaf, "contains no private key"),
    ];
    for (certificate, key, want) in table {
        let world = World::new();
        let cert = world.file("cert.pem", certificate);
        let key = match certificate == key {
            true => cert.clone(),
            false => world.file("key.pem", key),
        };
        let run = match std::fs::read(&key).unwrap().is_empty() {
            true => world.run(&["upload", "--cert", &cert]),
            false => world.run(&["upload", "--cert", &cert, "--key", &key]),
        };
        match want {
            "" => assert_eq!(run.code, 0, "{run:?}"),
            advice => {
                assert_eq!(run.code, 2, "{run:?}");
                assert!(!run.stderr.contains("Upload::"), "{run:?}");
                let told = run.last_error().contains(advice);
                // One file that is no bundle is a leaf without its key.
                assert!(told || run.last_error().contains("without its private key"), "{run:?}");
            }
        }
    }
    let world = World::new();
    let cert = world.file("cert.pem", &leaf);
    let file = world.folder.path().join("key.der");
    std::fs::write(&file, key_der).unwrap();
    let run = world.run(&["upload", "--cert", &cert, "--key", file.to_str().unwrap()]);
    assert!(run.last_error().contains("openssl pkey -inform DER"), "{run:?}");
}

#[test]
#[cfg(feature = "x509")]
fn what_is_inside_a_file_is_looked_at_before_it_is_sent() {
    let world = World::new();
    let key = KeyPair::generate().unwrap();
    let mut root = CertificateParams::default();
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root_pem = root.self_signed(&key).unwrap().pem();
    let leaf_key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(["leaf.example.com".to_owned()]).unwrap();
    let leaf = leaf.signed_by(&leaf_key, &Issuer::new(root, &key)).unwrap().pem();
    let reversed = world.file("reversed.pem", &(root_pem.clone() + &leaf));
    let key_file = world.file("leaf.key", &leaf_key.serialize_pem());
    let run = world.run(&["upload", "--cert", &reversed, "--key", &key_file]);
    assert!(run.last_error().contains("the leaf has to come first"), "{run:?}");

    // A CA with its key, as Gateway needs it.
    let ca = world.file("root.pem", &root_pem);
    let ca_key = world.file("root.key", &key.serialize_pem());
    let run = world.run(&["upload", "--ca", &ca, "--key", &ca_key]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{run:?}");

    let many: String = (0..12).map(|number| new_ca_named(&format!("ca-{number}"))).collect();
    let many = world.file("many.pem", &many);
    let run = world.run(&["upload", "--ca", &many]);
    assert!(run.stderr.contains("many.pem holds 12 certificates"), "{run:?}");
}

#[test]
#[cfg(feature = "x509")]
fn a_ca_that_rejects_its_clients_is_warned_of_and_not_rotated_in() {
    let ed25519 = {
        let key = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        let mut parameters = CertificateParams::default();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.self_signed(&key).unwrap().pem()
    };
    let table = [
        (ca_valid(2010, 2020), "it expired on 2020-"),
        (ca_valid(2040, 2050), "is not valid before 2040-01-01"),
        (ed25519, "its key is neither RSA nor ECDSA"),
    ];
    for (pem, why) in table {
        let world = World::new();
        let old = world.seed_in_use("devices");
        let file = world.file("new.pem", &pem);
        for consent in ["--yes", "--dry-run"] {
            let run = world.run(&["rotate", &old, "--ca", &file, consent]);
            assert_eq!(run.code, 2, "{run:?}");
            assert!(run.last_error().contains(why), "{run:?}");
        }
        assert_eq!(world.simulator.request_count(None), 0);
        let run = world.run(&["upload", "--ca", &file, "--name", "new"]);
        assert!(run.stderr.contains(why), "{run:?}");
        let target = ["--zone", "example.com", "--certificate", "new"];
        let run = world.run(&[&["hostnames", "add", "c.example.com"], &target[..]].concat());
        assert_eq!(run.code, 0, "{run:?}");
        assert!(run.stderr.contains(why), "{run:?}");
        let run = world.run(&["rotate", &old, "--ca", &file, "--yes", "--allow-unusable"]);
        assert_eq!(run.code, 0, "{run:?}");
    }
}

/// A list of certificates with these dates of expiry, whatever is asked.
fn serve_dates(dates: &[&str]) -> String {
    let certificates = (0..).zip(dates).map(|(number, date)| {
        let id = format!("00000000-0000-4000-8000-{number:012}");
        json!({ "id": id, "name": date, "ca": true, "type": "custom", "expires_on": date })
    });
    let list: Vec<Value> = certificates.collect();
    let info = json!({ "page": 1, "per_page": 50, "count": list.len(), "total_count": list.len() });
    let body = json!({
        "success": true, "errors": [], "messages": [], "result": list, "result_info": info,
    });
    let body = body.to_string();
    let response = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/client/v4", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let _ = stream.write_all(response.as_bytes());
        }
    });
    url
}

#[test]
fn dates_at_the_ends_of_the_calendar_are_never_and_unknown() {
    let dates = ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "2020-01-01T00:00:00Z", "soon"];
    let url = serve_dates(&dates);
    let world = World::new();
    let run = |arguments: &[&str]| world.run(&[arguments, &["--base-url", &url]].concat());
    let list = run(&["list", "--sort", "expires", "--columns", "expires-on,expires"]);
    let rows: Vec<&str> = list.stdout.lines().skip(1).map(str::trim_end).collect();
    assert!(rows[0].starts_with("2020-01-01T00:00:00Z  expired "), "{list:?}");
    let rest = [
        "9999-12-31            never",
        "-                     unknown",
        "-                     unknown",
    ];
    assert_eq!(rows[1..], rest, "{list:?}");
    let json = run(&["list", "-o", "ndjson", "--expires-within", "1d"]);
    let names: Vec<Value> = json.lines().into_iter().map(|mut one| one["name"].take()).collect();
    assert_eq!(names, ["2020-01-01T00:00:00Z"], "a date that is not set is no past one");
}

/// A run that reads these bytes.
fn run_with(world: &World, arguments: &[&str], input: &[u8]) -> Run {
    let mut command = world.command(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A run that refuses its arguments reads nothing.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap().into()
}

#[test]
fn lists_on_standard_input_have_any_encoding_and_numbered_lines() {
    let world = World::new();
    let (a, b) = (world.seed("a"), world.seed("b"));
    let ids = format!("\u{feff}# old ones\r\n{a}\r\nb\r\n");
    let table = [
        (ids.clone().into_bytes(), 0, ""),
        (utf16(&ids, u16::to_le_bytes), 0, ""),
        (format!("{a}\n\n\"{b}\"\n").into_bytes(), 2, "line 3 of standard input: "),
        (format!("{a}\n{b} # comment\n").into_bytes(), 2, "line 2 of standard input: "),
        (format!("{a}\nnobody\n").into_bytes(), 3, "line 2 of standard input: "),
        (b"\xff\xff\xff".to_vec(), 2, "is not text"),
    ];
    for (input, code, part) in table {
        let run = run_with(&world, &["delete", "-", "--dry-run"], &input);
        assert_eq!(run.code, code, "{run:?}");
        assert!(run.stderr.contains(part), "{run:?}");
    }
    assert_eq!(world.writes(), [""; 0]);
    let target = ["--zone", "example.com", "--certificate", "a"];
    let add = [&["hostnames", "add", "-"], &target[..]].concat();
    let run = run_with(&world, &add, b"# ours\r\nx.example.com\r\ny.example.com\r\n");
    assert_eq!(run.code, 0, "{run:?}");
    let hosts = ["x.example.com", "y.example.com"];
    assert_eq!(world.simulator.hostnames(&world.zone, &a), hosts);
    let replace = [&["hostnames", "replace", "-", "--yes"], &target[..]].concat();
    for input in ["", "# nothing\n", "-\n", "localhost\n", "-a.example.com\n", "other.net\n"] {
        let run = run_with(&world, &replace, input.as_bytes());
        assert_eq!(run.code, 2, "{input:?}: {run:?}");
        assert_eq!(world.simulator.hostnames(&world.zone, &a), hosts);
    }
}

#[test]
fn a_line_without_end_is_not_read_for_ever() {
    let world = World::new();
    let endless = vec![b'a'; 5 << 20];
    let run = run_with(&world, &["delete", "-", "--yes"], &endless);
    assert_eq!(run.code, 2, "{run:?}");
    assert!(run.last_error().contains("too large"), "{run:?}");
}

#[test]
#[cfg(unix)]
fn the_first_interrupt_ends_a_command_that_waits_for_input() {
    let world = World::new();
    let mut command = world.command(&["delete", "-", "--yes", "-vv"]);
    command.stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // The handler is in place when the command reads, which nothing shows: an
    // interrupt before that ends the process by the signal.
    std::thread::sleep(std::time::Duration::from_millis(300));
    crate::support::signal(&child, "-INT");
    let stdin = child.stdin.take();
    let code = child.wait().unwrap().code();
    drop(stdin);
    assert_eq!(code, Some(130));
}

#[test]
fn a_ca_that_never_expires_is_stored() {
    let world = World::new();
    let key = rcgen::KeyPair::generate().unwrap();
    let mut parameters = rcgen::CertificateParams::default();
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    parameters.not_after = rcgen::date_time_ymd(9999, 12, 31);
    let ca = world.file("ca.pem", &parameters.self_signed(&key).unwrap().pem());
    let run = world.run(&["upload", "--ca", &ca, "--name", "eternal"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(world.run(&["list"]).stdout.contains("never"), "{run:?}");
}
