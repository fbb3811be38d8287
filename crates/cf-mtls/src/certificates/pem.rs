//! Certificates and keys in PEM, as files hold them.

use std::collections::BTreeSet;
use std::fmt;
use std::hash::{Hash, Hasher};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use cf_mtls_api::Secret;
use cf_mtls_api::text::printable;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::error::Error;

/// One certificate or several, the leaf first, decoded from PEM.
///
/// Two chains are equal when they hold the same certificates, in any order and
/// however often: the service reorders chains and drops duplicates. Line ends, white
/// space and comments in the PEM make no difference either.
///
/// ```
/// use cf_mtls::{CertificateChain, Error};
///
/// fn is_renewed(old_pem: &[u8], new_pem: &[u8]) -> Result<bool, Error> {
///     Ok(CertificateChain::from_pem(old_pem)? != CertificateChain::from_pem(new_pem)?)
/// }
/// ```
#[derive(Clone)]
pub struct CertificateChain(Vec<CertificateDer<'static>>);

impl CertificateChain {
    /// Reads the certificates of a PEM file, or the one of a DER file. Text outside
    /// of the blocks does not matter, and need not be UTF-8.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) when the
    /// input is malformed, or contains anything but certificates.
    pub fn from_pem(pem: impl AsRef<[u8]>) -> Result<Self, Error> {
        Ok(Bundle::without_key(pem.as_ref())?.chain)
    }

    /// The certificates in DER.
    pub fn der(&self) -> impl ExactSizeIterator<Item = &[u8]> + '_ {
        self.0.iter().map(|certificate| certificate.as_ref())
    }

    fn as_set(&self) -> BTreeSet<&[u8]> {
        self.der().collect()
    }
}

impl PartialEq for CertificateChain {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0 || self.as_set() == other.as_set()
    }
}

impl Eq for CertificateChain {}

impl Hash for CertificateChain {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_set().hash(state);
    }
}

impl fmt::Debug for CertificateChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CertificateChain({} certificates)", self.0.len())
    }
}

/// The contents of a PEM file.
pub(crate) struct Bundle {
    pub(crate) chain: CertificateChain,
    /// The blocks of the certificates, with plain line ends and nothing in between.
    pub(crate) certificates: String,
    /// The block of the private key, if there is one.
    pub(crate) key: Option<Secret>,
}

impl Bundle {
    /// Splits a PEM: at least one certificate, and at most one key.
    pub(crate) fn split(input: &[u8]) -> Result<Self, Error> {
        let text = text(input)?;
        let bundle = Self::read(text.expose())?;
        match (bundle.chain.0.is_empty(), &bundle.key) {
            (false, _) => Ok(bundle),
            (true, Some(_)) => {
                Err(Error::invalid_input("the PEM contains a private key, but no certificate"))
            }
            (true, None) => Err(nothing(text.expose())),
        }
    }

    /// Likewise, and no key.
    pub(crate) fn without_key(input: &[u8]) -> Result<Self, Error> {
        match Self::split(input)? {
            bundle if bundle.key.is_none() => Ok(bundle),
            _ => Err(Error::invalid_input(
                "the PEM contains a private key beside the certificates; pass the certificates \
                 alone, and the key of a leaf separately (a CA needs none, unless Gateway signs \
                 with it)",
            )),
        }
    }

    fn read(pem: &str) -> Result<Self, Error> {
        let chain = CertificateChain(Vec::new());
        let mut bundle = Self { chain, certificates: String::new(), key: None };
        let mut other = None;
        for block in blocks(pem)? {
            if block.label == "CERTIFICATE" {
                bundle.add_certificate(&block)?;
            } else if block.is_key()? {
                if bundle.key.replace(block.to_key()?).is_some() {
                    return Err(block.refuse("the PEM contains more than one private key"));
                }
            } else if !PASSED_OVER.contains(&block.label) {
                other = other.or(Some(block.refuse(unwanted(block.label))));
            }
        }
        other.map_or(Ok(bundle), Err)
    }

    fn add_certificate(&mut self, block: &Block<'_>) -> Result<(), Error> {
        let number = self.chain.0.len() + 1;
        let refuse = |why| block.refuse(format!("certificate block {number} of the PEM {why}"));
        // Decoded as it will be sent. The error is dropped: it may quote a line, which
        // may be part of a key.
        let pem = block.to_pem();
        let der = CertificateDer::from_pem_slice(pem.as_bytes());
        let der = der.map_err(|_| refuse("cannot be decoded".to_owned()))?;
        let form = Form::of(&der);
        if form != Form::Certificate {
            let advice = form.advice();
            return Err(refuse(format!("does not contain a whole certificate{advice}")));
        }
        self.certificates.push_str(&pem);
        self.chain.0.push(der);
        Ok(())
    }
}

/// Checks that a PEM is one private key, perhaps beside certificates, and returns its block.
pub(crate) fn private_key(input: &[u8]) -> Result<Secret, Error> {
    let bundle = Bundle::read(text(input)?.expose())?;
    bundle.key.ok_or_else(|| Error::invalid_input("the PEM contains no private key"))
}

/// The text of an input, with a DER certificate as PEM.
fn text(input: &[u8]) -> Result<Secret, Error> {
    if matches!(input, [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [1..=255, 0, ..] | [0, 1..=255, ..]) {
        return Err(Error::invalid_input(
            "the input is in UTF-16; convert it with `iconv -f UTF-16 -t UTF-8 FILE`",
        ));
    }
    match Form::of(input) {
        // A character that is lost in commentary does not matter.
        Form::Unknown => Ok(String::from_utf8_lossy(input).into_owned().into()),
        Form::Certificate => {
            let mut pem = "-----BEGIN CERTIFICATE-----".to_owned();
            for (place, digit) in BASE64_STANDARD.encode(input).chars().enumerate() {
                if place.is_multiple_of(64) {
                    pem.push('\n');
                }
                pem.push(digit);
            }
            Ok((pem + "\n-----END CERTIFICATE-----\n").into())
        }
        form => Err(Error::invalid_input(format!("the input is not PEM{}", form.advice()))),
    }
}

/// What the first bytes tell.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Certificate,
    Key,
    Pkcs7,
    Pkcs12,
    /// DER, as no text begins with these bytes.
    Damaged,
    Gzip,
    Unknown,
}

impl Form {
    fn of(der: &[u8]) -> Self {
        match sequence(der) {
            Some([0x30, ..]) => Self::Certificate,
            Some([0x06, ..]) => Self::Pkcs7,
            Some([0x02, 0x01, 0x03, ..]) => Self::Pkcs12,
            Some([0x02, 0x01, 0x00 | 0x01, ..]) => Self::Key,
            None if matches!(der, [0x30, 0x80..=0x84, ..]) => Self::Damaged,
            None if der.starts_with(&[0x1f, 0x8b]) => Self::Gzip,
            _ => Self::Unknown,
        }
    }

    fn advice(self) -> &'static str {
        match self {
            Self::Certificate | Self::Unknown => "",
            Self::Key => ", but a key in DER; convert it with `openssl pkey -inform DER -in FILE`",
            Self::Pkcs7 => ", but PKCS#7; run `openssl pkcs7 -inform DER -in FILE -print_certs`",
            Self::Pkcs12 => ", but PKCS#12; convert it with `openssl pkcs12 -in FILE -nodes`",
            Self::Damaged => ", but DER that is cut off, or has other bytes behind it",
            Self::Gzip => ", but compressed; unpack it with `gunzip`",
        }
    }
}

/// The content of a DER sequence, if it is all of the bytes.
fn sequence(der: &[u8]) -> Option<&[u8]> {
    let [0x30, length, rest @ ..] = der else { return None };
    let (length, content) = match length {
        0..=0x7f => (usize::from(*length), rest),
        0x81..=0x84 => {
            let (bytes, content) = rest.split_at_checked(usize::from(length & 0x7f))?;
            let length = bytes.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
            (length, content)
        }
        _ => return None,
    };
    (content.len() == length).then_some(content)
}

/// Blocks that stand beside certificates and keys, and are not sent: openssl writes
/// parameters before a key, which has them too.
const PASSED_OVER: [&str; 3] = ["EC PARAMETERS", "DH PARAMETERS", "X509 CRL"];

/// What to do about a block that is neither a certificate nor a key.
fn unwanted(label: &str) -> String {
    let advice = match label.trim() {
        "CERTIFICATE" | "PRIVATE KEY" => "remove the space in its BEGIN and END lines",
        "PUBLIC KEY" | "RSA PUBLIC KEY" => {
            "a public key is not a certificate, and not a private key; pass those themselves"
        }
        "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => {
            "a signing request is not a certificate; have it signed first"
        }
        "TRUSTED CERTIFICATE" | "X509 CERTIFICATE" => {
            "convert it, for example with `openssl x509 -in FILE`"
        }
        "PKCS7" | "CMS" => "convert it with `openssl pkcs7 -in FILE -print_certs`",
        "OPENSSH PRIVATE KEY" => "convert it with `ssh-keygen -p -m PEM -f FILE`",
        _ => "only certificates and one private key are allowed",
    };
    let label: String = printable(label).chars().take(32).collect();
    format!("the PEM contains a block {label:?}; {advice}")
}

fn nothing(text: &str) -> Error {
    let trimmed = text.trim();
    let is_base64 = |c: char| c.is_ascii_alphanumeric() || "+/=\r\n".contains(c);
    if trimmed.starts_with(['{', '[']) {
        let mut keys = ["certificate", "certificates", "cert"].into_iter();
        let key = keys.find(|key| text.contains(&format!("{key:?}"))).unwrap_or("KEY");
        let why = format!("the input is JSON; take the PEM out of it with `jq -r .{key} FILE`");
        return Error::invalid_input(why);
    }
    Error::invalid_input(if trimmed.is_empty() {
        "the PEM is empty"
    } else if text.contains("-----BEGIN") && text.contains("\\n") {
        "the PEM has \\n in place of line breaks; replace them"
    } else if trimmed.starts_with("LS0tLS1CRUdJTi") {
        "the PEM is encoded in base64 once more; decode it with `base64 -d FILE`"
    } else if trimmed.starts_with("MII") && trimmed.chars().all(is_base64) {
        "the PEM lacks its lines -----BEGIN CERTIFICATE----- and -----END CERTIFICATE-----"
    } else if text.contains("BEGIN CERTIFICATE") {
        "the PEM contains no certificate; its BEGIN and END lines need five hyphens on each side"
    } else {
        "the PEM contains no certificate; it must begin with -----BEGIN CERTIFICATE-----"
    })
}

struct Block<'a> {
    label: &'a str,
    /// The number of its first line.
    line: usize,
    /// From the begin line to the end line, without white space around them.
    lines: Vec<&'a str>,
}

impl Block<'_> {
    fn refuse(&self, why: impl fmt::Display) -> Error {
        Error::invalid_input(format!("{why} (line {})", self.line))
    }

    /// With plain line ends. It may hold a key, so it is allocated once.
    fn to_pem(&self) -> String {
        let length = self.lines.iter().map(|line| line.len() + 1).sum();
        let mut pem = String::with_capacity(length);
        for line in &self.lines {
            pem.push_str(line);
            pem.push('\n');
        }
        pem
    }

    /// Whether it is a private key that the service can read.
    fn is_key(&self) -> Result<bool, Error> {
        let is_key = self.label.ends_with("PRIVATE KEY");
        let is_encrypted = self.lines.iter().any(|line| line.contains("ENCRYPTED"));
        if is_key && is_encrypted {
            return Err(self.refuse(
                "the private key is encrypted, which the service cannot read; decrypt it first, \
                 for example with `openssl pkey -in FILE`",
            ));
        }
        Ok(matches!(self.label, "PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY"))
    }

    /// The key, if it can be decoded and is whole.
    fn to_key(&self) -> Result<Secret, Error> {
        let pem = Secret::from(self.to_pem());
        let key = PrivateKeyDer::from_pem_slice(pem.expose().as_bytes());
        let is_whole = key.is_ok_and(|key| sequence(key.secret_der()).is_some());
        match is_whole {
            true => Ok(pem),
            false => Err(self.refuse("the private key cannot be decoded, or was cut off")),
        }
    }
}

/// The blocks of a PEM. Text outside of them is commentary.
fn blocks(pem: &str) -> Result<Vec<Block<'_>>, Error> {
    let malformed = |line: usize, why: &str| {
        Err(Error::invalid_input(format!("malformed PEM: {why} (line {line})")))
    };
    let mut blocks = Vec::new();
    let mut open: Option<Block<'_>> = None;
    for (number, line) in lines(pem) {
        if let Some(label) = begin(line) {
            if open.is_some() {
                return malformed(number, "a block begins inside another");
            }
            if label.contains("-----") {
                return Err(Error::invalid_input(
                    "the PEM has no line breaks; restore them, at least around its BEGIN and END \
                     lines",
                ));
            }
            open = Some(Block { label, line: number, lines: vec![line] });
        } else if let Some(label) = end(line) {
            let Some(mut block) = open.take().filter(|open| open.label == label) else {
                return malformed(number, "a block ends without its beginning");
            };
            block.lines.push(line);
            blocks.push(block);
        } else if let Some(block) = open.as_mut().filter(|_| !line.is_empty()) {
            if line.contains("-----") {
                // A decoder may take it for the end.
                return malformed(number, "\"-----\" inside a block");
            }
            block.lines.push(line);
        }
    }
    match open {
        Some(open) => malformed(open.line, "the last block has no end, so the text was cut off"),
        None => Ok(blocks),
    }
}

/// The lines with their numbers, without white space around them. A carriage return
/// ends a line too, as it does for decoders, and a block may begin behind the end of
/// another, where the line break between two files was lost.
fn lines(pem: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..).zip(pem.split('\n')).flat_map(|(number, line)| {
        line.split('\r').flat_map(move |line| {
            let joint = line.find("----------BEGIN ").map_or(line.len(), |at| at + 5);
            let (first, second) = line.split_at(joint);
            [first, second].map(|line| (number, line.trim().trim_start_matches('\u{feff}')))
        })
    })
}

fn begin(line: &str) -> Option<&str> {
    line.strip_prefix("-----BEGIN ")?.strip_suffix("-----")
}

fn end(line: &str) -> Option<&str> {
    line.strip_prefix("-----END ")?.strip_suffix("-----")
}
