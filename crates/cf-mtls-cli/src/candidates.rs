//! What a shell offers for an argument: certificates and zones, which it asks the service
//! for.

use std::time::Duration;

use cf_mtls::{Certificate, CertificateFilter, Client, ZoneFilter};
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};

/// How long a person waits for it.
const LIMIT: Duration = Duration::from_secs(3);

/// Ids and names of certificates.
pub(crate) fn certificates() -> ArgValueCandidates {
    of_certificates(|one| vec![Some(one.id().as_str()), one.name()])
}

/// Names of certificates.
pub(crate) fn names() -> ArgValueCandidates {
    of_certificates(|one| vec![one.name()])
}

fn of_certificates(texts: fn(&Certificate) -> Vec<Option<&str>>) -> ArgValueCandidates {
    candidates(async move |client, found| {
        let Ok(account) = cf_mtls::account_id_from_env() else { return };
        let mut list = client.certificates(&account).list(CertificateFilter::all());
        while let Some(Ok(one)) = list.next().await {
            found.extend(texts(&one).into_iter().flatten().map(str::to_owned));
        }
    })
}

/// Names of zones.
pub(crate) fn zones() -> ArgValueCandidates {
    candidates(async |client, found| {
        let mut list = client.zones(ZoneFilter::all());
        while let Some(Ok(zone)) = list.next().await {
            found.extend(zone.name);
        }
    })
}

/// What is found in time, without values that a shell might split or run.
fn candidates(
    look: impl AsyncFn(Client, &mut Vec<String>) + Send + Sync + 'static,
) -> ArgValueCandidates {
    let is_plain = |value: &String| {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
        value.starts_with(|c: char| c.is_ascii_alphanumeric()) && value.bytes().all(is_plain)
    };
    ArgValueCandidates::new(move || {
        let mut found = Vec::new();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        if let (Ok(client), Ok(runtime)) = (Client::from_env(), runtime) {
            // What was found before the time was over counts.
            let look = async { tokio::time::timeout(LIMIT, look(client, &mut found)).await };
            let _ = runtime.block_on(look);
        }
        found.into_iter().filter(is_plain).map(CompletionCandidate::new).collect()
    })
}
