//! `cf-mtls upload`

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use cf_mtls::{Secret, Upload};
use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use jiff::Timestamp;

use crate::context::Context;
use crate::report::failure::Failure;
use crate::view::preview;
use crate::view::x509;

/// No file of certificates is larger; the service takes less.
const LARGEST: u64 = 1 << 20;

/// Upload a CA, or a leaf certificate with its private key
///
/// The PEM is checked before anything is sent. A FILE of `-` is standard input.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  cf-mtls upload --ca ca.pem --name devices
  cf-mtls upload --cert leaf.pem --key leaf.key --name gateway
  cf-mtls upload --cert both.pem          # certificate and key in one file")]
pub(crate) struct Arguments {
    #[command(flatten)]
    what: What,
    /// The private key of the leaf certificate in PEM, unless it is in the same file
    #[arg(long, value_name = "FILE", requires = "cert", conflicts_with = "ca")]
    key: Option<PathBuf>,
    /// A name for the certificate
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    name: Option<String>,
}

/// A CA or a leaf.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct What {
    /// A CA certificate, or a chain of them, in PEM
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// A leaf certificate, followed by its intermediates, in PEM
    #[arg(long, value_name = "FILE")]
    cert: Option<PathBuf>,
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<(), Failure> {
    let upload = match (&arguments.what.ca, &arguments.what.cert, &arguments.key) {
        (Some(ca), ..) => self::ca(context, ca)?,
        (None, Some(cert), Some(key)) => {
            if is_stdin(cert) && is_stdin(key) {
                return Err(Failure::usage(
                    "--cert and --key cannot both be standard input",
                ));
            }
            let cert = read(context, cert)?;
            Upload::leaf(cert.expose(), read(context, key)?)?
        }
        (None, Some(cert), None) => Upload::leaf_bundle(read(context, cert)?)?,
        (None, None, _) => return Err(Failure::usage("one of --ca and --cert is needed")),
    };
    let upload = match arguments.name {
        Some(name) => upload.with_name(name),
        None => upload,
    };
    let certificates = context.certificates()?;
    let change = certificates.upload(&upload);
    let stored = context.interrupt.changing(certificates.client(), change);
    let stored = stored.await.ok_or_else(Failure::not_begun)??;
    let now = Timestamp::now();
    let told = context.output.one(&stored, || preview::card(&stored, now));
    told.map_err(|failure| match stored.id() {
        // Who does not learn the id cannot tell that it is there.
        Some(id) => failure.after(format!("uploaded {id}")).about(id),
        None => failure.after("uploaded it"),
    })
}

/// A CA out of a file. That the service takes nothing else as one is told here,
/// since a rotation would find out only in its midst.
pub(crate) fn ca(context: &Context, path: &Path) -> Result<Upload, Failure> {
    let upload = Upload::ca(read(context, path)?.expose())?;
    let Some((number, leaf)) = x509::first_leaf(upload.chain()) else {
        return Ok(upload);
    };
    Err(Failure::input(format!(
        "certificate {number} in {} ({}) is not a CA: it has no basic constraint CA:TRUE, without \
         which the service refuses it (code 1411); nothing was sent",
        shown(path),
        leaf.subject(),
    ))
    .with_hint("`cf-mtls upload --cert FILE --key FILE` uploads a leaf certificate"))
}

/// A file, as a person calls it.
pub(crate) fn shown(path: &Path) -> String {
    match is_stdin(path) {
        true => "standard input".to_owned(),
        false => path.display().to_string(),
    }
}

fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

/// What is read may hold a key, so it is wiped.
fn read(context: &Context, path: &Path) -> Result<Secret, Failure> {
    let shown = shown(path);
    let failed = |error: io::Error| Failure::input(format!("{shown} cannot be read: {error}"));
    let mut text = String::new();
    let length = if is_stdin(path) {
        if context.global.token_from_stdin() {
            return Err(Failure::usage(
                "standard input cannot provide both the token and a file",
            ));
        }
        io::stdin()
            .lock()
            .take(LARGEST + 1)
            .read_to_string(&mut text)
    } else {
        File::open(path)
            .map_err(failed)?
            .take(LARGEST + 1)
            .read_to_string(&mut text)
    };
    let text = Secret::from(text);
    match length.map_err(failed)? {
        length if LARGEST < length as u64 => Err(Failure::input(format!(
            "{shown} is too large for a file of certificates"
        ))),
        _ => Ok(text),
    }
}
