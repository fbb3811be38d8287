//! Certificates and keys in PEM.

use std::fmt;

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use crate::error::Error;

/// Either ends a line to the decoder, so it must here: what it takes for the
/// rest of a text must not be sent along.
const LINE_ENDS: [char; 2] = ['\n', '\r'];

/// One certificate or several, the leaf first, as they are inside of PEM.
///
/// Two chains are equal when they hold the same certificates in the same
/// order, whatever the line ends, white space and comments of the PEM.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CertificateChain(Vec<CertificateDer<'static>>);

impl CertificateChain {
    /// Reads the certificates of a PEM text.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) when the
    /// text is malformed, or holds anything but certificates.
    pub fn from_pem(pem: &str) -> Result<Self, Error> {
        let bundle = Bundle::split(pem)?;
        if bundle.key.is_some() {
            return Err(Error::invalid_input(
                "the PEM text holds a private key beside certificates",
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

/// What a PEM file holds, taken apart.
pub(crate) struct Bundle<'a> {
    pub(crate) chain: CertificateChain,
    /// The blocks of the certificates, with plain line ends and nothing between.
    pub(crate) certificates: String,
    /// The block of the private key, where there is one.
    pub(crate) key: Option<&'a str>,
}

impl<'a> Bundle<'a> {
    /// Takes a PEM text apart: at least one certificate, and at most one key.
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
                            "the PEM text holds more than one private key",
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
                "the PEM text holds a private key, but no certificate",
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
        // The block is decoded as it will be sent, without white space around
        // its lines. The error is left out: it may quote a line, and the line
        // may be a key.
        let block = &self.certificates.as_bytes()[from..];
        let der = CertificateDer::from_pem_slice(block).map_err(|_| {
            Error::invalid_input(format!(
                "certificate {number} of the PEM text cannot be decoded"
            ))
        })?;
        // Certificates begin as a DER sequence.
        if der.first() != Some(&0x30) {
            return Err(Error::invalid_input(format!(
                "certificate {number} of the PEM text is not a certificate inside"
            )));
        }
        self.chain.0.push(der);
        Ok(())
    }
}

/// Checks that a text is one private key in PEM, and gives its block.
pub(crate) fn private_key(pem: &str) -> Result<&str, Error> {
    let mut found = None;
    for block in blocks(pem)? {
        if key(&block)? {
            if found.replace(block.text).is_some() {
                return Err(Error::invalid_input(
                    "the private key's PEM text holds more than one key",
                ));
            }
        } else if block.label != "EC PARAMETERS" {
            let label = printable(block.label);
            return Err(Error::invalid_input(format!(
                "the private key's PEM text holds a block {label:?}, which is not a private key"
            )));
        }
    }
    found.ok_or_else(|| Error::invalid_input("the private key's PEM text holds no private key"))
}

/// Whether a block is a private key that the service can read.
fn key(block: &Block<'_>) -> Result<bool, Error> {
    if block.label == "ENCRYPTED PRIVATE KEY"
        || (block.label.ends_with("PRIVATE KEY") && block.text.contains("ENCRYPTED"))
    {
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
            "a public key is no certificate; upload the certificate itself"
        }
        "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => {
            "a signing request is no certificate; have it signed first"
        }
        "TRUSTED CERTIFICATE" => "convert it, for example with `openssl x509`",
        _ => "only certificates and one private key are understood",
    };
    let label = printable(label);
    format!("the PEM text holds a block {label:?}: {advice}")
}

fn nothing(pem: &str) -> &'static str {
    if pem.trim().is_empty() {
        "the PEM text is empty"
    } else if pem.contains("-----BEGIN") && pem.contains("\\n") {
        "the PEM text has its line ends written as backslash and n; turn them into line ends"
    } else {
        "the PEM text holds no certificate; it must begin with -----BEGIN CERTIFICATE-----"
    }
}

/// The start of a label, for a message.
fn printable(label: &str) -> String {
    label
        .chars()
        .filter(|c| c.is_ascii_graphic() || *c == ' ')
        .take(32)
        .collect()
}

const ONE_LINE: &str = "the PEM text has lost its line ends, as happens in variables and settings of \
                        one line; put them back, at least around its BEGIN and END lines";

struct Block<'a> {
    label: &'a str,
    /// From the begin line to the end line.
    text: &'a str,
}

/// The blocks of a PEM text. What stands outside of them is commentary.
fn blocks(pem: &str) -> Result<Vec<Block<'_>>, Error> {
    let mut blocks = Vec::new();
    let mut open: Option<(&str, usize)> = None;
    let mut offset = 0;
    for line in pem.split_inclusive(LINE_ENDS) {
        let start = offset;
        offset += line.len();
        let line = line.trim().trim_start_matches('\u{feff}');
        if let Some(label) = line
            .strip_prefix("-----BEGIN ")
            .and_then(|l| l.strip_suffix("-----"))
        {
            if open.is_some() {
                return Err(Error::invalid_input(
                    "a block of the PEM text begins inside of another",
                ));
            }
            if label.contains("-----") {
                return Err(Error::invalid_input(ONE_LINE));
            }
            open = Some((label, start));
        } else if let Some(label) = line
            .strip_prefix("-----END ")
            .and_then(|l| l.strip_suffix("-----"))
        {
            match open.take() {
                Some((begun, from)) if begun == label => {
                    let text = pem[from..offset].trim().trim_start_matches('\u{feff}');
                    blocks.push(Block { label, text });
                }
                _ => {
                    return Err(Error::invalid_input(
                        "a block of the PEM text ends without its begin",
                    ));
                }
            }
        } else if open.is_some() && line.contains("-----") {
            // To a decoder it may be the end, with more behind it.
            return Err(Error::invalid_input(
                "a line inside of a block of the PEM text is nearly a begin or an end",
            ));
        }
    }
    if open.is_some() {
        return Err(Error::invalid_input(
            "a block of the PEM text has no end; the text is cut off",
        ));
    }
    Ok(blocks)
}
