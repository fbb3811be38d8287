//! `cf-mtls upload`: stores a CA, or a leaf certificate with its key.

use std::path::{Path, PathBuf};

use cf_mtls::Upload;
use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use jiff::Timestamp;

use crate::context::Context;
use crate::input;
use crate::report::failure::Failure;
use crate::view::preview;
use crate::view::x509;

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
            if input::is_stdin(cert) && input::is_stdin(key) {
                return Err(Failure::usage(
                    "--cert and --key cannot both be standard input",
                ));
            }
            let cert = context.read_input(cert)?;
            Upload::leaf(cert.expose(), context.read_input(key)?)?
        }
        (None, Some(cert), None) => Upload::leaf_bundle(context.read_input(cert)?)?,
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
    let upload = Upload::ca(context.read_input(path)?.expose())?;
    let Some((number, leaf)) = x509::first_leaf(upload.chain()) else {
        return Ok(upload);
    };
    Err(Failure::invalid_input(format!(
        "certificate {number} in {} ({}) is not a CA: it has no basic constraint CA:TRUE, without \
         which the service refuses it (code 1411); nothing was sent",
        input::name(path),
        leaf.subject(),
    ))
    .with_hint("`cf-mtls upload --cert FILE --key FILE` uploads a leaf certificate"))
}
