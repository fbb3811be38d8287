//! The token, from the environment, a file or standard input. It is never an
//! argument, because arguments are visible in process lists.

use std::time::Duration;

use cf_mtls::{Client, ClientBuilder, Error, ErrorKind, Retry};

use crate::options::Global;
use crate::report::failure::Failure;

/// A client configured by the global options and the environment. `None` for a
/// token that the environment has.
pub(crate) fn client(global: &Global, token: Option<&str>) -> Result<Client, Failure> {
    let variable = |name: &str| match (name, token) {
        // An empty one is not none.
        ("CLOUDFLARE_API_TOKEN", Some(token)) => Ok(Some(format!("{token}\n"))),
        _ => {
            let error = Error::new(ErrorKind::Configuration);
            let error = |_| error.with_detail(format!("{name} is not valid Unicode"));
            std::env::var_os(name).map(|value| value.into_string().map_err(error)).transpose()
        }
    };
    let builder = ClientBuilder::from_variables(variable).map_err(|error| {
        Failure::from(error)
            .with_hint("set CLOUDFLARE_API_TOKEN, or pass --token-file FILE or --token-stdin")
    })?;
    let builder = global.base_url.iter().fold(builder, ClientBuilder::with_base_url);
    // Whoever sets a limit does not wait longer for the rate limit either.
    let builder = global
        .timeout
        .into_iter()
        .fold(builder, |builder, limit| builder.with_deadline(limit).with_patience(Duration::ZERO));
    let attempts = global.retries.saturating_add(1);
    let (first, max) = (Duration::from_millis(500), Duration::from_secs(8));
    let retry = Retry::exponential(attempts, first, max);
    let name = concat!("cf-mtls-cli/", env!("CARGO_PKG_VERSION"));
    Ok(builder.with_retry(retry).with_user_agent(name).build()?)
}
