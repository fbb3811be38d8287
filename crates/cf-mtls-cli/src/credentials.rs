//! The token: out of the environment, a file or standard input. Never an
//! argument, which everybody on the machine can see.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use cf_mtls::{Client, ClientBuilder, Credentials, Retry, Secret};

use crate::options::Global;
use crate::report::failure::Failure;

/// No token is longer, and a file that is no token should not be read whole.
const LONGEST: u64 = 16 * 1024;

/// A client as the global options and the environment say.
pub(crate) fn client(global: &Global) -> Result<Client, Failure> {
    let builder = match token(global)? {
        Some(token) => with_base_url_of_environment(Client::builder(Credentials::token(token)))?,
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

fn with_base_url_of_environment(builder: ClientBuilder) -> Result<ClientBuilder, Failure> {
    const NAME: &str = "CLOUDFLARE_BASE_URL";
    match std::env::var(NAME) {
        Ok(url) if !url.is_empty() => Ok(builder.with_base_url(url)),
        Ok(_) | Err(std::env::VarError::NotPresent) => Ok(builder),
        Err(std::env::VarError::NotUnicode(_)) => Err(Failure::new(
            crate::report::exit::Exit::Invalid,
            "configuration",
            format!("{NAME} is not text"),
        )),
    }
}

fn token(global: &Global) -> Result<Option<Secret>, Failure> {
    match &global.token_file {
        _ if global.token_stdin => from_stdin(),
        Some(path) if path == Path::new("-") => from_stdin(),
        Some(path) => {
            let shown = path.display();
            let file = File::open(path).map_err(|error| {
                Failure::input(format!("the token file {shown} cannot be read: {error}"))
            })?;
            read(file, &format!("the token file {shown}")).map(Some)
        }
        None => Ok(None),
    }
}

fn from_stdin() -> Result<Option<Secret>, Failure> {
    read(io::stdin().lock(), "the token on standard input").map(Some)
}

fn read(from: impl Read, what: &str) -> Result<Secret, Failure> {
    let mut text = String::new();
    let length = from.take(LONGEST + 1).read_to_string(&mut text);
    let length =
        length.map_err(|error| Failure::input(format!("{what} cannot be read: {error}")))?;
    // It is wiped from memory when it is dropped, whatever it is.
    let secret = Secret::from(text);
    if LONGEST < length as u64 {
        return Err(Failure::input(format!("{what} is too long for a token")));
    }
    Ok(secret)
}
