//! Certificates and keys in PEM.

use std::fmt;

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use crate::error::Error;
use crate::text::printable;

/// Either ends a line for the decoder, so it must here: whatever the decoder skips
/// must not be sent.
const LINE_ENDS: [char; 2] = ['\n', '\r'];

/// One certificate or several, the leaf first, decoded from PEM.
///
/// Two chains are equal when they hold the same certificates in the same
/// order, whatever the line ends, white space and comments in the PEM.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CertificateChain(Vec<CertificateDer<'static>>);

impl CertificateChain {
    /// Reads the certificates of a PEM text.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) when the
    /// text is malformed, or contains anything but certificates.
    pub fn from_pem(pem: &str) -> Result<Self, Error> {
        let bundle = Bundle::split(pem)?;
        if bundle.key.is_some() {
            return Err(Error::invalid_input(
                "the PEM contains a private key beside certificates",
            ));
        }
        Ok(bundle.chain)
    }

    /// The certificates in DER.
    pub fn der(&self) -> impl ExactSizeIterator<Item = &[u8]> + '_ {
        self.0.iter().map(|certificate| certificate.as_ref())
    }
}

impl fmt::Debug for CertificateChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CertificateChain({} certificates)", self.0.len())
    }
}

/// The contents of a PEM file.
pub(crate) struct Bundle<'a> {
    pub(crate) chain: CertificateChain,
    /// The blocks of the certificates, with plain line ends and nothing in between.
    pub(crate) certificates: String,
    /// The block of the private key, if there is one.
    pub(crate) key: Option<&'a str>,
}

impl<'a> Bundle<'a> {
    /// Splits a PEM: at least one certificate, and at most one key.
    pub(crate) fn split(pem: &'a str) -> Result<Self, Error> {
        let mut bundle = Self {
            chain: CertificateChain(Vec::new()),
            certificates: String::new(),
            key: None,
        };
        let mut others = Vec::new();
        for block in blocks(pem)? {
            match block.label {
                "CERTIFICATE" => bundle.add_certificate(block.text)?,
                "EC PARAMETERS" => {} // openssl writes it before a key; the key has it too
                _ => match key(&block)? {
                    true if bundle.key.is_some() => {
                        return Err(Error::invalid_input(
                            "the PEM contains more than one private key",
                        ));
                    }
                    true => bundle.key = Some(block.text),
                    false => others.push(block.label),
                },
            }
        }
        match (bundle.chain.0.is_empty(), others.first(), bundle.key) {
            (_, Some(other), _) => Err(Error::invalid_input(unwanted(other))),
            (true, None, Some(_)) => Err(Error::invalid_input(
                "the PEM contains a private key, but no certificate",
            )),
            (true, None, None) => Err(Error::invalid_input(nothing(pem))),
            (false, None, _) => Ok(bundle),
        }
    }

    fn add_certificate(&mut self, text: &str) -> Result<(), Error> {
        let number = self.chain.0.len() + 1;
        let from = self.certificates.len();
        let lines = text.split(LINE_ENDS).map(str::trim);
        for line in lines.filter(|line| !line.is_empty()) {
            self.certificates.push_str(line);
            self.certificates.push('\n');
        }
        // Decoded as it will be sent, without white space around its lines. The error
        // is dropped: it may quote a line, which may be part of a key.
        let block = &self.certificates.as_bytes()[from..];
        let der = CertificateDer::from_pem_slice(block).map_err(|_| {
            Error::invalid_input(format!(
                "certificate block {number} of the PEM cannot be decoded"
            ))
        })?;
        // Certificates begin as a DER sequence.
        if der.first() != Some(&0x30) {
            return Err(Error::invalid_input(format!(
                "certificate block {number} of the PEM does not contain a certificate"
            )));
        }
        self.chain.0.push(der);
        Ok(())
    }
}

/// Checks that a PEM is one private key, and returns its block.
pub(crate) fn private_key(pem: &str) -> Result<&str, Error> {
    let refuse = |why: &str| Error::invalid_input(format!("the PEM of the private key {why}"));
    let mut found = None;
    for block in blocks(pem)? {
        if key(&block)? {
            if found.replace(block.text).is_some() {
                return Err(refuse("contains more than one key"));
            }
        } else if block.label != "EC PARAMETERS" {
            let label = shown(block.label);
            return Err(refuse(&format!(
                "contains a block {label}, which is not a private key"
            )));
        }
    }
    found.ok_or_else(|| refuse("contains no private key"))
}

/// Whether a block is a private key that the service can read.
fn key(block: &Block<'_>) -> Result<bool, Error> {
    let is_key = block.label.ends_with("PRIVATE KEY");
    if block.label == "ENCRYPTED PRIVATE KEY" || is_key && block.text.contains("ENCRYPTED") {
        return Err(Error::invalid_input(
            "the private key is encrypted, which the service cannot read; decrypt it first, for \
             example with `openssl pkey`",
        ));
    }
    Ok(matches!(
        block.label,
        "PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY"
    ))
}

fn unwanted(label: &str) -> String {
    let advice = match label {
        "PUBLIC KEY" | "RSA PUBLIC KEY" => {
            "a public key is not a certificate; upload the certificate itself"
        }
        "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => {
            "a signing request is not a certificate; have it signed first"
        }
        "TRUSTED CERTIFICATE" => "convert it, for example with `openssl x509`",
        _ => "only certificates and one private key are allowed",
    };
    format!("the PEM contains a block {}: {advice}", shown(label))
}

fn nothing(pem: &str) -> &'static str {
    if pem.trim().is_empty() {
        "the PEM is empty"
    } else if pem.contains("-----BEGIN") && pem.contains("\\n") {
        "the PEM has \\n in place of line breaks; replace them"
    } else {
        "the PEM contains no certificate; it must begin with -----BEGIN CERTIFICATE-----"
    }
}

/// The beginning of a label, quoted.
fn shown(label: &str) -> String {
    let label: String = printable(label).chars().take(32).collect();
    format!("{label:?}")
}

struct Block<'a> {
    label: &'a str,
    /// From the begin line to the end line.
    text: &'a str,
}

/// The blocks of a PEM. Text outside of them is commentary.
fn blocks(pem: &str) -> Result<Vec<Block<'_>>, Error> {
    let malformed = |why: &str| Err(Error::invalid_input(format!("malformed PEM: {why}")));
    let mut blocks = Vec::new();
    let mut open: Option<(&str, usize)> = None;
    let mut offset = 0;
    for line in pem.split_inclusive(LINE_ENDS) {
        let start = offset;
        offset += line.len();
        let line = line.trim().trim_start_matches('\u{feff}');
        if let Some(label) = begin(line) {
            if open.is_some() {
                return malformed("a block begins inside another");
            }
            if label.contains("-----") {
                return Err(Error::invalid_input(
                    "the PEM has no line breaks; restore them, at least around its BEGIN and END \
                     lines",
                ));
            }
            open = Some((label, start));
        } else if let Some(label) = end(line) {
            let Some((_, from)) = open.take().filter(|(begun, _)| *begun == label) else {
                return malformed("a block ends without its beginning");
            };
            let text = pem[from..offset].trim().trim_start_matches('\u{feff}');
            blocks.push(Block { label, text });
        } else if open.is_some() && line.contains("-----") {
            // A decoder may take it for the end.
            return malformed("\"-----\" inside a block");
        }
    }
    match open {
        Some(_) => malformed("the last block has no end, so the text was cut off"),
        None => Ok(blocks),
    }
}

fn begin(line: &str) -> Option<&str> {
    line.strip_prefix("-----BEGIN ")?.strip_suffix("-----")
}

fn end(line: &str) -> Option<&str> {
    line.strip_prefix("-----END ")?.strip_suffix("-----")
}
