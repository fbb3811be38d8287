//! `cf-mtls upload`: stores a CA, or a leaf certificate with its key.

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

/// The service accepts less.
const MAX_FILE_SIZE: u64 = 1 << 20;

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
    let stored = stored.await??;
    let now = Timestamp::now();
    let written = context
        .output
        .write_value(&stored, || preview::card(&stored, now));
    written.map_err(|failure| match stored.id() {
        Some(id) => failure.with_done(format!("uploaded {id}")).about(id),
        None => failure.with_done("uploaded it"),
    })
}

/// Reads a CA from a file. A leaf is refused here, as the service would refuse it
/// in the middle of a rotation.
pub(crate) fn ca(context: &Context, path: &Path) -> Result<Upload, Failure> {
    let upload = Upload::ca(read(context, path)?.expose())?;
    let Some((number, leaf)) = x509::first_leaf(upload.chain()) else {
        return Ok(upload);
    };
    Err(Failure::invalid_input(format!(
        "certificate {number} in {} ({}) is not a CA: it has no basic constraint CA:TRUE, without \
         which the service refuses it (code 1411); nothing was sent",
        file_name(path),
        leaf.subject(),
    ))
    .with_hint("`cf-mtls upload --cert FILE --key FILE` uploads a leaf certificate"))
}

/// The name of a file, for messages.
pub(crate) fn file_name(path: &Path) -> String {
    match is_stdin(path) {
        true => "standard input".to_owned(),
        false => path.display().to_string(),
    }
}

fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

/// Reads a file, which may hold a key: it is wiped from memory.
fn read(context: &Context, path: &Path) -> Result<Secret, Failure> {
    let name = file_name(path);
    let failed =
        |error: io::Error| Failure::invalid_input(format!("{name} cannot be read: {error}"));
    let mut text = String::new();
    let length = if is_stdin(path) {
        if context.global.token_from_stdin() {
            return Err(Failure::usage(
                "standard input cannot provide both the token and a file",
            ));
        }
        io::stdin()
            .lock()
            .take(MAX_FILE_SIZE + 1)
            .read_to_string(&mut text)
    } else {
        File::open(path)
            .map_err(failed)?
            .take(MAX_FILE_SIZE + 1)
            .read_to_string(&mut text)
    };
    let text = Secret::from(text);
    match length.map_err(failed)? {
        length if MAX_FILE_SIZE < length as u64 => Err(Failure::invalid_input(format!(
            "{name} is too large for a file of certificates"
        ))),
        _ => Ok(text),
    }
}
