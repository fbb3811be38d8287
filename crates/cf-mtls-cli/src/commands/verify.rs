//! `cf-mtls verify`: checks the credentials.

use cf_mtls::ClientCa;
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
        let token = client.verify(&account).await?.token;
        let mut zones = Vec::new();
        for text in &arguments.zones {
            let zone = zone::resolve(context, client, text).await?;
            client.hostnames(&zone.id).list(&ClientCa::CloudflareManaged).await?;
            zones.push(zone);
        }
        Ok::<_, Failure>((token, zones))
    };
    let (token, zones) = context.reading("checking the credentials", reads).await??;
    let body = json!({
        "account_id": account, "token": token, "certificates": "readable", "zones": zones,
    });
    context.output.write_value(&body, || {
        let credentials = match &token {
            None => "an email and a global API key".to_owned(),
            Some(token) => {
                let end = token.expires_on.map(|end| times::expiry(end, Timestamp::now()));
                format!(
                    "API token {}, {}, expires {}",
                    token.id,
                    token.status,
                    end.as_deref().unwrap_or("never")
                )
            }
        };
        let mut text =
            format!("Credentials   {}\nAccount       {account}\n", printable(&credentials));
        text.push_str("Certificates  can be read\n");
        let zones = zones.iter().map(|zone| zone.name.as_deref().unwrap_or(zone.id.as_str()));
        text.extend(
            zones.map(|zone| format!("Hostnames     can be read in zone {}\n", printable(zone))),
        );
        text
    })
}
