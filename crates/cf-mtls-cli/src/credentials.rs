//! The token, from the environment, a file or standard input. It is never an
//! argument, because arguments are visible in process lists.

use std::time::Duration;

use cf_mtls::{Client, ClientBuilder, Credentials, ErrorKind, Retry, Secret};

use crate::options::Global;
use crate::report::failure::Failure;

/// A client configured by the global options and the environment. `None` for a
/// token that the environment has.
pub(crate) fn client(global: &Global, token: Option<Secret>) -> Result<Client, Failure> {
    let builder = match token {
        Some(token) => with_base_url_from_env(Client::builder(Credentials::token(token)))?,
        None => ClientBuilder::from_env().map_err(|error| {
            Failure::from(error)
                .with_hint("set CLOUDFLARE_API_TOKEN, or pass --token-file FILE or --token-stdin")
        })?,
    };
    let builder = match &global.base_url {
        Some(url) => builder.with_base_url(url),
        None => builder,
    };
    let builder = match global.timeout {
        Some(timeout) => builder.with_deadline(timeout),
        None => builder,
    };
    let retry = Retry::exponential(
        global.retries.saturating_add(1),
        Duration::from_millis(500),
        Duration::from_secs(8),
    );
    let name = concat!("cf-mtls-cli/", env!("CARGO_PKG_VERSION"));
    Ok(builder.with_retry(retry).with_user_agent(name).build()?)
}

fn with_base_url_from_env(builder: ClientBuilder) -> Result<ClientBuilder, Failure> {
    const NAME: &str = "CLOUDFLARE_BASE_URL";
    match std::env::var(NAME) {
        Ok(url) if !url.is_empty() => Ok(builder.with_base_url(url)),
        Ok(_) | Err(std::env::VarError::NotPresent) => Ok(builder),
        Err(std::env::VarError::NotUnicode(_)) => {
            let message = format!("{NAME} is not valid Unicode");
            Err(Failure::new(ErrorKind::Configuration, message))
        }
    }
}
