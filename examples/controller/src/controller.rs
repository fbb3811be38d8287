//! Brings an account into the state that the folder describes, again and again.

use std::path::PathBuf;
use std::pin::pin;
use std::time::Duration;

use cf_mtls::{
    Certificate, CertificateFilter, CertificateId, CertificateType, Certificates, ClientCa, Error,
    ErrorKind,
};
use cf_mtls_lifecycle::{CertificatesExt as _, Error as JobError, ReleaseOptions};
use serde_json::{Value, json};

use crate::folder::{self, Wanted};

/// How long a pass waits until a CA is out of use. The next one goes on from there.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(120);

/// Where events go: one JSON object for each change and each failure.
pub type Report<'a> = dyn FnMut(Value) + Send + 'a;

/// Keeps the CAs of a folder in an account.
#[derive(Clone, Debug)]
pub struct Controller {
    certificates: Certificates,
    folder: PathBuf,
    /// Begins the names of the CAs that this controller uploads, and so owns.
    prefix: String,
    releases: bool,
}

/// A CA of the folder that the account has.
struct Kept {
    name: String,
    id: CertificateId,
    wanted: Wanted,
}

/// What a pass reports, and how it ended.
struct Pass<'a> {
    report: &'a mut Report<'a>,
    failed: usize,
    requeue: Option<Duration>,
}

/// How soon to try again after an error; `None` if a person has to act first, so that the
/// next regular pass is early enough.
///
/// The client has already retried, and looked up the outcome.
pub fn requeue(error: &Error) -> Option<Duration> {
    let delay = match error.kind() {
        // The account has the certificate, and its list is about to show it.
        ErrorKind::AlreadyExists | ErrorKind::Conflict => Duration::from_secs(10),
        ErrorKind::Connection
        | ErrorKind::InvalidResponse
        | ErrorKind::RateLimited
        | ErrorKind::ServiceUnavailable
        | ErrorKind::Timeout => Duration::from_secs(30),
        _ if error.may_have_taken_effect() => Duration::from_secs(30),
        _ => return None,
    };
    Some(error.retry_after().map_or(delay, |asked| asked.max(delay)))
}

impl Controller {
    /// Keeps the CAs of `folder` in the account. It uploads them as `<owner>/<name>`, so two
    /// controllers of one account need different owners.
    pub fn new(certificates: Certificates, folder: impl Into<PathBuf>, owner: &str) -> Self {
        let prefix = format!("{owner}/");
        Self { certificates, folder: folder.into(), prefix, releases: false }
    }

    /// Releases the CAs of this owner whose file is gone. Without this nothing is deleted.
    #[must_use]
    pub fn with_release(mut self, releases: bool) -> Self {
        self.releases = releases;
        self
    }

    /// Runs a pass at each interval, or earlier if an error asks for it, until `stop` ends.
    ///
    /// That drops the pass at once: the next one, of any process, finds what was done.
    pub async fn run(
        &self,
        interval: Duration,
        stop: impl Future<Output = ()>,
        report: &mut Report<'_>,
    ) {
        let mut stop = pin!(stop);
        loop {
            let pass = async {
                let requeue = self.reconcile(report).await;
                tokio::time::sleep(requeue.unwrap_or(interval).min(interval)).await;
            };
            tokio::select! {
                biased;
                () = &mut stop => break,
                () = pass => {}
            }
        }
        report(json!({ "event": "stopped" }));
    }

    /// Runs one pass. Returns how soon to run the next one, if an error asks for it.
    pub async fn reconcile(&self, report: &mut Report<'_>) -> Option<Duration> {
        let mut pass = Pass { report, failed: 0, requeue: None };
        if let Err(error) = self.pass(&mut pass).await {
            pass.fail(None, &error);
        }
        let retry_in = pass.requeue.map(|delay| delay.as_secs());
        pass.report(json!({
            "event": "reconciled", "failed": pass.failed, "retry_in_seconds": retry_in,
        }));
        pass.requeue
    }

    async fn pass(&self, pass: &mut Pass<'_>) -> Result<(), JobError> {
        let folder = folder::read(&self.folder)?;
        let mut gone = match self.releases {
            true => self.list_own().await?,
            false => Vec::new(),
        };
        // All are found before any is attached or released: a CA may have a new file name.
        let mut kept = Vec::new();
        for (name, wanted) in folder {
            match self.ensure(&name, wanted, pass).await {
                // The account holds it once, so two files cannot decide on its hostnames.
                Ok(ca) if kept.iter().any(|other: &Kept| other.id == ca.id) => {
                    let error = Error::new(ErrorKind::InvalidInput)
                        .with_detail("another file has the same certificate");
                    pass.fail(Some(&name), &error.into());
                }
                Ok(ca) => kept.push(ca),
                Err(error) => pass.fail(Some(&name), &error.into()),
            }
        }
        gone.retain(|own| kept.iter().all(|ca| ca.id != *own.id()));
        // A file that cannot be read may be that of any of them, and an empty folder a
        // volume that is not mounted.
        let is_complete = pass.failed == 0 && !kept.is_empty();
        for ca in &kept {
            self.attach(ca, pass).await;
        }
        for own in gone.iter().filter(|_| is_complete) {
            if let Err(error) = self.release(own, &kept, pass).await {
                pass.fail(self.file_name(own), &error);
            }
        }
        Ok(())
    }

    /// The CAs that this controller has uploaded.
    async fn list_own(&self) -> Result<Vec<Certificate>, Error> {
        let filter = CertificateFilter::all().ca().certificate_type(CertificateType::Custom);
        let mut own = self.certificates.list(filter).collect().await?;
        own.retain(|one| self.file_name(one).is_some());
        Ok(own)
    }

    async fn ensure(
        &self,
        name: &str,
        wanted: Result<Wanted, Error>,
        pass: &mut Pass<'_>,
    ) -> Result<Kept, Error> {
        let mut wanted = wanted?;
        wanted.upload = wanted.upload.with_name(format!("{}{name}", self.prefix));
        let ensured = self.certificates.ensure(&wanted.upload).await?;
        let id = ensured.certificate.id().clone();
        if ensured.uploaded {
            pass.report(json!({ "event": "uploaded", "ca": name, "certificate_id": id }));
        }
        Ok(Kept { name: name.to_owned(), id, wanted })
    }

    /// Gives a CA its hostnames. A zone that fails does not hold up the others.
    async fn attach(&self, ca: &Kept, pass: &mut Pass<'_>) {
        for (zone, wanted) in &ca.wanted.hostnames {
            // The next pass sees whether reads show the change, so there is no wait for it.
            let hostnames = self.certificates.hostnames(zone);
            let hostnames = hostnames.with_visibility_timeout(Duration::ZERO);
            match hostnames.ensure(&ClientCa::from(&ca.id), wanted).await {
                Ok(change) if change.is_unchanged() => {}
                Ok(change) => pass.report(json!({
                    "event": "hostnames_changed", "ca": ca.name, "certificate_id": ca.id,
                    "zone_id": zone, "added": change.added, "removed": change.removed,
                })),
                Err(error) => pass.fail(Some(&ca.name), &error.into()),
            }
        }
    }

    /// Releases a CA whose file is gone. If the file has another certificate now, that one
    /// takes over first, without a gap.
    async fn release(
        &self,
        own: &Certificate,
        kept: &[Kept],
        pass: &mut Pass<'_>,
    ) -> Result<(), JobError> {
        let options = ReleaseOptions::default().with_wait_timeout(RELEASE_TIMEOUT);
        let successor = kept.iter().find(|ca| ca.wanted.upload.name() == own.name());
        let name = self.file_name(own);
        let mut on_step =
            |step: &_| pass.report(json!({ "event": "step", "ca": name, "detail": step }));
        let Some(ca) = successor else {
            let release = self.certificates.release(own.id()).with_options(options);
            return release.run(&mut on_step).await.map(drop);
        };
        let rotation = self.certificates.rotate(own.id(), ca.wanted.upload.clone());
        rotation.with_options(options).run(&mut on_step).await?;
        // It has all hostnames of the old CA now, and may not want all of them.
        self.attach(ca, pass).await;
        Ok(())
    }

    fn file_name<'a>(&self, own: &'a Certificate) -> Option<&'a str> {
        own.name()?.strip_prefix(&self.prefix)
    }
}

impl Pass<'_> {
    fn report(&mut self, event: Value) {
        (self.report)(event);
    }

    fn fail(&mut self, ca: Option<&str>, error: &JobError) {
        let requeue = requeue(error.as_ref());
        self.failed += 1;
        self.requeue = [self.requeue, requeue].into_iter().flatten().min();
        let retry_in = requeue.map(|delay| delay.as_secs());
        self.report(json!({
            "event": "failed", "ca": ca, "error": error, "retry_in_seconds": retry_in,
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requeues_what_may_pass() {
        let error = Error::new;
        let seconds = |count| Some(Duration::from_secs(count));
        let table = [
            (error(ErrorKind::ServiceUnavailable), seconds(30)),
            (error(ErrorKind::Timeout).with_may_have_taken_effect(true), seconds(30)),
            (error(ErrorKind::AlreadyExists), seconds(10)),
            // The service knows better, unless it asks for less.
            (
                error(ErrorKind::RateLimited).with_retry_after(Duration::from_secs(240)),
                seconds(240),
            ),
            (error(ErrorKind::RateLimited).with_retry_after(Duration::from_secs(1)), seconds(30)),
            // A person has to act.
            (error(ErrorKind::Permission), None),
            (error(ErrorKind::QuotaExceeded), None),
            (error(ErrorKind::InvalidInput), None),
            (error(ErrorKind::InUse), None),
            (error(ErrorKind::InUse).with_may_have_taken_effect(true), seconds(30)),
        ];
        for (error, want) in table {
            assert_eq!(requeue(&error), want, "{error}");
        }
    }
}
