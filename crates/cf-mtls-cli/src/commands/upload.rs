//! `cf-mtls upload`: stores a CA, or a leaf certificate with its key.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use cf_mtls::{
    Certificate, CertificateChain, CertificateFilter, Certificates, Error, ErrorKind, Upload,
};
use cf_mtls_lifecycle::CertificateContents;
use clap::Args;
use jiff::Timestamp;
use serde_json::json;

use crate::context::Context;
use crate::input;
use crate::options::new_name;
use crate::report::exit::Kind;
use crate::report::failure::Failure;
use crate::terminal::text::printable;
use crate::terminal::width;
use crate::view::x509;
use crate::view::{preview, times};

/// Between two looks at the list.
const PAUSE: Duration = Duration::from_secs(2);

/// Upload a CA, or a leaf certificate with its private key
///
/// The PEM is checked before anything is sent. A FILE of `-` is standard input.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  cf-mtls upload --ca ca.pem --name devices
  cf-mtls upload --cert leaf.pem --key leaf.key --name gateway
  cf-mtls upload --ca ca.pem --name devices --if-not-exists
  cf-mtls upload --cert both.pem          # certificate and key in one file
  cf-mtls upload --ca gateway.pem --key gateway.key   # a CA that Gateway signs with")]
pub(crate) struct Arguments {
    #[command(flatten)]
    what: What,
    /// The private key in PEM, unless it is in the same file; of a CA, only Gateway
    /// needs it
    #[arg(long, value_name = "FILE", requires = "What")]
    key: Option<PathBuf>,
    /// A name for the certificate
    #[arg(long, value_parser = new_name)]
    name: Option<String>,
    /// Upload nothing if the account has the same certificate, whatever its name
    #[arg(long)]
    if_not_exists: bool,
    /// Maximum time to wait until lists show the certificate, so that it is found by its
    /// name; 0s looks once
    #[arg(long, value_name = "DURATION", default_value = "90s", value_parser = times::duration)]
    wait: Duration,
}

/// A CA or a leaf.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct What {
    /// A CA certificate, or a chain of them, in PEM or DER
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// A leaf certificate, followed by its intermediates, in PEM or DER
    #[arg(long, value_name = "FILE")]
    cert: Option<PathBuf>,
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<(), Failure> {
    let now = Timestamp::now();
    let What { ca, cert } = &arguments.what;
    let (upload, contents) = match (ca, cert, &arguments.key) {
        (Some(ca), _, key) => {
            let (mut upload, contents) = self::ca(context, ca).await?;
            if let Some(key) = key {
                let private_key = context.read_input(key).await?;
                let with_key = upload.with_private_key(&private_key[..]);
                upload = with_key.map_err(|error| of_file(error, key))?;
            }
            (upload, contents)
        }
        (None, Some(cert), key) => leaf(context, cert, key.as_deref()).await?,
        (None, None, _) => return Err(Failure::usage("one of --ca and --cert is needed")),
    };
    let file = printable(&input::name(ca.as_deref().or(cert.as_deref()).unwrap_or(Path::new(""))));
    if let Some(problem) = x509::problem(&contents) {
        context.output.warn(format!("clients may be rejected: {file}: {problem}"));
    }
    if ca.is_some() && 1 < contents.len() {
        let count = contents.len();
        context.output.warn(format!(
            "{file} holds {count} certificates, uploaded as one CA: clients of each are accepted"
        ));
    }
    let upload = arguments.name.into_iter().fold(upload, Upload::with_name);
    let certificates = context.certificates().await?;
    let change = async {
        match arguments.if_not_exists {
            true => certificates.ensure(&upload).await.map(|it| (it.certificate, it.uploaded)),
            false => certificates.upload(&upload).await.map(|certificate| (certificate, true)),
        }
    };
    let stored = context.changing("uploading", certificates.client(), change).await;
    let (stored, is_new) = stored.map_err(|failure| match failure.kind() {
        Kind::Library(ErrorKind::AlreadyExists) => {
            failure.with_hint(match arguments.if_not_exists {
                false => "--if-not-exists takes the stored certificate for success",
                true => "it is stored as the other kind, or the list does not show it yet",
            })
        }
        _ => failure,
    })?;
    let id = stored.id();
    if !is_new {
        context.output.note(format!("nothing to upload: it is stored as {id}"));
    }
    let listed = is_listed(&certificates, &stored, arguments.wait);
    let listed = context.reading("waiting until lists show it", listed).await;
    let listed = listed.map_err(|failure| {
        let failure = Failure::new(failure.kind(), format!("interrupted; {id} is stored"));
        failure.with("may_have_taken_effect", is_new).about(id)
    })?;
    if listed == Some(false) {
        context.output.warn("no list shows it yet, so pass its id, not its name, until one does");
    }
    let mut body = json!(stored);
    body["visible"] = json!(listed);
    let written =
        context.output.write_value(&body, || preview::card(&stored, now, width::stdout()));
    written.map_err(|failure| failure.with_done(format!("{id} is stored")).about(id))
}

/// Waits until lists show the name of a certificate. `None` if it has no name, or if the
/// list cannot be read: the upload has succeeded all the same.
async fn is_listed(
    certificates: &Certificates,
    stored: &Certificate,
    limit: Duration,
) -> Option<bool> {
    let end = Instant::now() + limit;
    let name = stored.name().filter(|name| !name.is_empty())?;
    loop {
        let mut list = certificates.list(CertificateFilter::all().name(name));
        while let Some(one) = list.next().await.transpose().ok()? {
            if one.id() == stored.id() {
                return Some(true);
            }
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Some(false);
        }
        tokio::time::sleep(left.min(PAUSE)).await;
    }
}

/// Reads a leaf and its key, which may be in one file.
async fn leaf(
    context: &Context,
    cert: &Path,
    key: Option<&Path>,
) -> Result<(Upload, Vec<CertificateContents>), Failure> {
    let pem = context.read_input(cert).await?;
    let upload = match key.filter(|key| *key != cert) {
        None => Upload::leaf_bundle(&pem[..]).map_err(|error| of_file(error, cert))?,
        Some(key) => {
            if Upload::leaf_bundle(&pem[..]).is_ok() {
                let name = printable(&input::name(cert));
                let message = format!("{name} holds a private key already; leave out --key");
                return Err(Failure::invalid_input(message));
            }
            let chain = CertificateChain::from_pem(&pem[..]);
            chain.map_err(|error| of_file(error, cert))?;
            let private_key = context.read_input(key).await?;
            let upload = Upload::leaf(&pem[..], &private_key[..]);
            upload.map_err(|error| of_file(error, key))?
        }
    };
    let contents = CertificateContents::read(upload.chain());
    let name = printable(&input::name(cert));
    match contents.first().filter(|first| first.is_ca == Some(true)) {
        Some(first) if x509::first_leaf(&contents).is_some() => {
            return Err(Failure::invalid_input(format!(
                "{name} begins with a CA ({}), and the leaf has to come first; nothing was sent",
                x509::subject(first)
            )));
        }
        Some(_) => context.output.warn(format!(
            "{name} holds a CA, which --cert uploads as a leaf; --ca uploads it as a CA"
        )),
        None => {}
    }
    Ok((upload, contents))
}

/// An error about the content of a file.
fn of_file(error: Error, path: &Path) -> Failure {
    Failure::from(error).at(&format!("{}: ", printable(&input::name(path))))
}

/// Reads a CA from a file. A leaf is refused here, as the service would refuse it
/// in the middle of a rotation.
pub(crate) async fn ca(
    context: &Context,
    path: &Path,
) -> Result<(Upload, Vec<CertificateContents>), Failure> {
    let pem = context.read_input(path).await?;
    let upload = Upload::ca(&pem[..]).map_err(|error| {
        let advice =
            "`openssl x509 -in FILE` prints the certificate alone; --key takes the file as it is";
        let has_key = Upload::leaf_bundle(&pem[..]).is_ok();
        let hint = has_key.then_some(advice).into_iter();
        hint.fold(of_file(error, path), Failure::with_hint)
    })?;
    let contents = CertificateContents::read(upload.chain());
    let Some((number, leaf)) = x509::first_leaf(&contents) else { return Ok((upload, contents)) };
    Err(Failure::invalid_input(format!(
        "certificate {number} in {} ({}) is not a CA: it has no basic constraint CA:TRUE, without \
         which the service refuses it (code 1411); nothing was sent",
        printable(&input::name(path)),
        x509::subject(leaf),
    ))
    .with_hint("`cf-mtls upload --cert FILE --key FILE` uploads a leaf certificate"))
}
