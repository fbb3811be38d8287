//! The token, from the environment, a file or standard input. It is never an
//! argument, because arguments are visible in process lists.

use std::time::Duration;

use cf_mtls::{Client, ClientBuilder, Error, ErrorKind, Retry};

use crate::options::Global;
use crate::report::failure::Failure;

/// The hint about a variable that is not set, or about its name in old versions of
/// Cloudflare's tools.
pub(crate) fn hint(name: &str, usual: &str) -> String {
    match std::env::var_os(format!("CF_{name}")) {
        Some(_) => format!("CF_{name} is set, but only CLOUDFLARE_{name} is read"),
        None => usual.to_owned(),
    }
}

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
    let is_setting = |(name, _): &(&str, &str)| {
        name.contains('_') && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
    };
    let setting =
        token.and_then(|token| token.trim().trim_start_matches("export ").split_once('='));
    if let Some((name, _)) = setting.filter(is_setting) {
        return Err(Failure::invalid_input(format!(
            "the token is given as {name}=..., but only the token itself is read; nothing was sent"
        )));
    }
    let builder = ClientBuilder::from_variables(variable).map_err(|error| {
        let usual = "set CLOUDFLARE_API_TOKEN, or pass --token-file FILE or --token-stdin";
        Failure::from(error).with_hint(hint("API_TOKEN", usual))
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
