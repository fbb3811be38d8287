//! `cf-mtls get`: shows one certificate.

use cf_mtls::ErrorKind;
use clap::Args;
use jiff::Timestamp;

use crate::commands::lookup;
use crate::context::Context;
use crate::options::Selector;
use crate::report::failure::Failure;
use crate::report::output;
use crate::terminal::text::printable;
use crate::terminal::width;
use crate::view::preview;

/// Show one certificate
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  cf-mtls get 2458ce5a-0c35-4c7f-82c7-8e9487d3ff60
  cf-mtls get 2458ce5a-0c35-4c7f-82c7-8e9487d3ff60 --output json | jq -r .expires_on
  cf-mtls get 2458ce5a-0c35-4c7f-82c7-8e9487d3ff60 --pem | openssl x509 -text")]
pub(crate) struct Arguments {
    #[command(flatten)]
    certificate: Selector,
    /// Print only the PEM, regardless of --output
    #[arg(long)]
    pem: bool,
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<(), Failure> {
    let certificates = context.certificates().await?;
    let target = lookup::one(context, arguments.certificate.text(), None).await?;
    let id = target.id;
    let certificate = match target.certificate {
        Some(certificate) => certificate,
        None => context.interrupt.reading(certificates.get(&id)).await??,
    };
    if !arguments.pem {
        let now = Timestamp::now();
        return context
            .output
            .write_value(&certificate, || preview::card(&certificate, now, width::stdout()));
    }
    if let Err(error) = certificate.chain() {
        let message = format!("the service returned no PEM for {id} that can be read");
        return Err(Failure::new(ErrorKind::InvalidResponse, message).with_cause(error));
    }
    let lines = certificate.pem().unwrap_or_default().trim_end().lines();
    let text: String = lines.map(|line| printable(line) + "\n").collect();
    output::write(&text)
}
