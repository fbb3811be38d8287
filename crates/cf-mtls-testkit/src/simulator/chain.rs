//! Certificates in PEM: what the service reads from them.

use std::collections::BTreeSet;

use data_encoding::{BASE64, HEXLOWER};
use jiff::Timestamp;
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::{PemObject, SectionKind};
use sha2::{Digest, Sha256};
use x509_parser::prelude::{FromDer, X509Certificate, X509Name};

/// What the simulator keeps of one certificate of a chain.
#[derive(Clone, Debug)]
pub(crate) struct Details {
    pub(crate) issuer: String,
    pub(crate) serial_number: String,
    pub(crate) signature: String,
    pub(crate) signature_supported: bool,
    pub(crate) expires_on: Timestamp,
    pub(crate) is_ca: bool,
    /// SHA-256 of the DER, in lower case hexadecimal digits.
    pub(crate) fingerprint: String,
    public_key_info: Vec<u8>,
}

/// Why a PEM text is no chain of certificates.
#[derive(Debug, PartialEq)]
pub(crate) enum Unreadable {
    /// No certificate in it, or one that does not parse.
    Malformed,
    /// A private key lies between the certificates.
    HoldsKey,
}

/// Why a private key does not go with a certificate.
#[derive(Debug, PartialEq)]
pub(crate) enum KeyProblem {
    Unreadable,
    OfAnother,
}

/// A chain of certificates, at least one.
#[derive(Debug)]
pub(crate) struct Chain {
    first: Details,
    /// In the order of the text, each certificate once, with its DER.
    all: Vec<(Details, Vec<u8>)>,
}

impl Chain {
    pub(crate) fn first(&self) -> &Details {
        &self.first
    }

    pub(crate) fn certificates(&self) -> impl Iterator<Item = &Details> {
        self.all.iter().map(|(details, _)| details)
    }

    /// The fingerprints of the certificates.
    pub(crate) fn content(&self) -> BTreeSet<String> {
        let fingerprints = self.certificates();
        fingerprints.map(|details| details.fingerprint.clone()).collect()
    }

    /// The chain in the service's own form, or that in reverse order.
    pub(crate) fn pem(&self, reversed: bool) -> String {
        let mut blocks: Vec<_> = self.all.iter().map(|(_, der)| pem_block(der)).collect();
        if reversed {
            blocks.reverse();
        }
        blocks.concat()
    }
}

fn pem_block(der: &[u8]) -> String {
    let text = BASE64.encode(der);
    let mut block = String::from("-----BEGIN CERTIFICATE-----\n");
    for (at, letter) in text.chars().enumerate() {
        if at > 0 && at % 64 == 0 {
            block.push('\n');
        }
        block.push(letter);
    }
    block.push_str("\n-----END CERTIFICATE-----\n");
    block
}

/// Reads a PEM chain.
pub(crate) fn read_chain(pem: &str) -> Result<Chain, Unreadable> {
    // Catches encrypted keys too, which the PEM reader skips as unknown.
    if pem.contains("PRIVATE KEY-----") {
        return Err(Unreadable::HoldsKey);
    }
    let mut all: Vec<(Details, Vec<u8>)> = Vec::new();
    for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(pem.as_bytes()) {
        match section {
            Ok((SectionKind::Certificate, der)) => {
                if all.iter().all(|(_, other)| *other != der) {
                    all.push((read_der(&der).ok_or(Unreadable::Malformed)?, der));
                }
            }
            Ok(_) | Err(_) => return Err(Unreadable::Malformed),
        }
    }
    let first = all.first().map(|(details, _)| details.clone());
    let first = first.ok_or(Unreadable::Malformed)?;
    Ok(Chain { first, all })
}

fn read_der(der: &[u8]) -> Option<Details> {
    let (rest, certificate) = X509Certificate::from_der(der).ok()?;
    if !rest.is_empty() {
        return None;
    }
    let algorithm = certificate.signature_algorithm.algorithm.to_id_string();
    let known = signature_name(&algorithm);
    Some(Details {
        issuer: print_name(certificate.issuer()),
        serial_number: certificate.tbs_certificate.serial.to_string(),
        signature: known.map_or_else(|| algorithm.clone(), str::to_owned),
        signature_supported: known.is_some(),
        // "Never" of RFC 5280 lies beyond the calendar.
        expires_on: Timestamp::from_second(certificate.validity().not_after.timestamp())
            .unwrap_or(Timestamp::MAX),
        is_ca: certificate.is_ca(),
        fingerprint: HEXLOWER.encode(&Sha256::digest(der)),
        public_key_info: certificate.public_key().raw.to_vec(),
    })
}

/// The algorithms which the service takes, in its notation.
fn signature_name(oid: &str) -> Option<&'static str> {
    Some(match oid {
        "1.2.840.113549.1.1.5" => "SHA1WithRSA",
        "1.2.840.113549.1.1.11" => "SHA256WithRSA",
        "1.2.840.113549.1.1.12" => "SHA384WithRSA",
        "1.2.840.113549.1.1.13" => "SHA512WithRSA",
        "1.2.840.10045.4.1" => "ECDSAWithSHA1",
        "1.2.840.10045.4.3.2" => "ECDSAWithSHA256",
        "1.2.840.10045.4.3.3" => "ECDSAWithSHA384",
        "1.2.840.10045.4.3.4" => "ECDSAWithSHA512",
        // Taken, although no client certificate of such a CA ever verifies.
        "1.3.101.112" => "Ed25519",
        _ => return None,
    })
}

/// A distinguished name, most specific part first, without spaces between.
fn print_name(name: &X509Name<'_>) -> String {
    let rdns: Vec<_> = name.iter_rdn().collect();
    let mut out = String::new();
    for (at, rdn) in rdns.into_iter().rev().enumerate() {
        for (part, attribute) in rdn.iter().enumerate() {
            match (at, part) {
                (0, 0) => {}
                (_, 0) => out.push(','),
                _ => out.push('+'),
            }
            let oid = attribute.attr_type().to_id_string();
            out.push_str(attribute_name(&oid).unwrap_or(&oid));
            out.push('=');
            match attribute.as_str() {
                Ok(text) => push_escaped(&mut out, text),
                // A string type that is not text to us: its bytes, as in RFC 4514.
                Err(_) => {
                    out.push('#');
                    out.push_str(&HEXLOWER.encode(attribute.as_slice()));
                }
            }
        }
    }
    out
}

fn attribute_name(oid: &str) -> Option<&'static str> {
    Some(match oid {
        "2.5.4.3" => "CN",
        "2.5.4.5" => "SERIALNUMBER",
        "2.5.4.6" => "C",
        "2.5.4.7" => "L",
        "2.5.4.8" => "ST",
        "2.5.4.9" => "STREET",
        "2.5.4.10" => "O",
        "2.5.4.11" => "OU",
        "2.5.4.17" => "POSTALCODE",
        "0.9.2342.19200300.100.1.25" => "DC",
        _ => return None,
    })
}

fn push_escaped(out: &mut String, text: &str) {
    let last = text.chars().count().saturating_sub(1);
    for (at, letter) in text.chars().enumerate() {
        let edge = letter == ' ' && (at == 0 || at == last) || letter == '#' && at == 0;
        if edge || matches!(letter, ',' | '+' | '"' | '\\' | '<' | '>' | ';') {
            out.push('\\');
        }
        out.push(letter);
    }
}

/// Whether a private key in PEM belongs to the certificate.
pub(crate) fn check_key(certificate: &Details, pem: &str) -> Result<(), KeyProblem> {
    let key = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| KeyProblem::Unreadable)?;
    let public = any_supported_type(&key)
        .ok()
        .and_then(|key| key.public_key().map(|public| public.to_vec()))
        .ok_or(KeyProblem::Unreadable)?;
    if public == certificate.public_key_info { Ok(()) } else { Err(KeyProblem::OfAnother) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_what_would_read_as_another_part() {
        let table = [
            ("Example Inc.", "Example Inc."),
            ("a,b+c", r"a\,b\+c"),
            (" edges ", r"\ edges\ "),
            ("#1", r"\#1"),
            ("a#1", "a#1"),
            ("\"<>;\\", r#"\"\<\>\;\\"#),
        ];
        for (text, want) in table {
            let mut out = String::new();
            push_escaped(&mut out, text);
            assert_eq!(out, want);
        }
    }

    #[test]
    fn prints_names_most_specific_first() {
        use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CountryName, "US");
        params.distinguished_name.push(DnType::OrganizationName, "Acme, Ltd");
        params.distinguished_name.push(DnType::CommonName, "ca");
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        let chain = read_chain(&pem).unwrap();
        assert_eq!(chain.first().issuer, "CN=ca,O=Acme\\, Ltd,C=US");
        assert_eq!(chain.first().signature, "ECDSAWithSHA256");
    }
}
