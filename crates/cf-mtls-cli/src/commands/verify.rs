//! `cf-mtls verify`: checks the credentials.

use cf_mtls::{ClientCa, Operation};
use clap::Args;
use jiff::Timestamp;
use serde_json::json;

use crate::candidates;
use crate::context::Context;
use crate::report::failure::Failure;
use crate::terminal::text::printable;
use crate::view::times;
use crate::zone;

/// Check that the credentials are valid, and can read certificates
///
/// Shows the state of the token and when it expires, and fails if the certificates of the
/// account, or the hostnames of a given zone, cannot be read. Whether they can be changed
/// is not checked.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  cf-mtls verify
  cf-mtls verify --zone example.com --output json | jq -r .token.expires_on")]
pub(crate) struct Arguments {
    /// Check that the hostnames of this zone can be read, too (repeatable)
    #[arg(long = "zone", value_name = "ZONE", add = candidates::zones())]
    zones: Vec<String>,
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<(), Failure> {
    let account = context.account()?;
    let client = context.client().await?;
    let reads = async {
        let verified = client.verify(&account).await.map_err(|error| {
            // A rejected token comes before this.
            let is_list = error.operation() == Some(Operation::ListCertificates);
            Failure::from(error).at(if is_list { "the certificates cannot be read: " } else { "" })
        })?;
        let mut zones = Vec::new();
        for text in &arguments.zones {
            let zone = zone::resolve(context, text).await?;
            let read = client.hostnames(&zone.id).list(&ClientCa::CloudflareManaged).await;
            let place = format!("the hostnames of zone {text} cannot be read: ");
            read.map_err(|error| Failure::from(error).at(&place))?;
            zones.push(zone);
        }
        Ok::<_, Failure>((verified.token, zones))
    };
    let (token, zones) = context.reading("checking the credentials", reads).await??;
    let body = json!({
        "account_id": account, "token": token, "certificates": "readable", "zones": zones,
    });
    context.output.write_value(&body, || {
        let end = |end| times::expiry(end, Timestamp::now());
        let credentials = token.as_ref().map_or("email and global API key".to_owned(), |token| {
            let expires = token.expires_on.map_or("never".to_owned(), end);
            format!("API token {}, {}, expires {expires}", token.id, token.status)
        });
        let mut rows = vec![("Credentials", credentials), ("Account", account.to_string())];
        rows.push(("Certificates", "can be read".to_owned()));
        let names = zones.iter().map(|zone| zone.name.as_deref().unwrap_or(zone.id.as_str()));
        rows.extend(names.map(|name| ("Hostnames", format!("can be read in zone {name}"))));
        rows.iter().map(|(label, value)| format!("{label:<14}{}\n", printable(value))).collect()
    })
}
