//! The token, from the environment, a file or standard input. It is never an
//! argument, because arguments are visible in process lists.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use cf_mtls::{Client, ClientBuilder, Credentials, ErrorKind, Retry, Secret};

use crate::options::Global;
use crate::report::failure::Failure;

/// A larger file holds no token, and is not read to the end.
const MAX_TOKEN_SIZE: u64 = 16 * 1024;

/// A client configured by the global options and the environment.
pub(crate) fn client(global: &Global) -> Result<Client, Failure> {
    let builder = match token(global)? {
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
        std::time::Duration::from_millis(500),
        std::time::Duration::from_secs(8),
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

fn token(global: &Global) -> Result<Option<Secret>, Failure> {
    match &global.token_file {
        _ if global.token_stdin => from_stdin(),
        Some(path) if path == Path::new("-") => from_stdin(),
        Some(path) => {
            let shown = path.display();
            let file = File::open(path).map_err(|error| {
                Failure::invalid_input(format!("the token file {shown} cannot be read: {error}"))
            })?;
            read(file, &format!("the token file {shown}")).map(Some)
        }
        None => Ok(None),
    }
}

fn from_stdin() -> Result<Option<Secret>, Failure> {
    read(io::stdin().lock(), "the token on standard input").map(Some)
}

fn read(source: impl Read, what: &str) -> Result<Secret, Failure> {
    let mut text = String::new();
    let length = source.take(MAX_TOKEN_SIZE + 1).read_to_string(&mut text);
    let length = length
        .map_err(|error| Failure::invalid_input(format!("{what} cannot be read: {error}")))?;
    // Wiped from memory when it is dropped.
    let secret = Secret::from(text);
    if MAX_TOKEN_SIZE < length as u64 {
        return Err(Failure::invalid_input(format!(
            "{what} is too long for a token"
        )));
    }
    Ok(secret)
}
