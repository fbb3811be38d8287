//! Retires a certificate: detaches its hostnames, waits until nothing uses it, and
//! deletes it.

use std::time::Duration;

use cf_mtls::{
    Association, CertificateId, Certificates, Client, ClientCa, ErrorKind, Hostnames, ZoneId,
};

use crate::blocker;
use crate::error::Error;
use crate::options::ReleaseOptions;
use crate::poll::{Look, OnStep, Poll, Seen, yield_once};
use crate::step::Step;
use crate::zone_hostnames::ZoneHostnames;

/// What to do after a wait that timed out.
pub(crate) const RUN_AGAIN: &str = "run it again later to go on";

/// A certificate to retire.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) certificates: Certificates,
    pub(crate) id: CertificateId,
    pub(crate) options: ReleaseOptions,
    /// The services that its hostnames appear as.
    pub(crate) hostname_services: Vec<String>,
}

impl Job {
    /// Returns whether the service confirmed the deletion. Detaches no hostname
    /// that `successor` does not have, and adds to `detached` what it detached.
    pub(crate) async fn run(
        &self,
        zones: &[ZoneHostnames],
        successor: Option<&CertificateId>,
        detached: &mut Vec<ZoneHostnames>,
        on_step: OnStep<'_>,
    ) -> Result<bool, Error> {
        for zone in zones {
            self.detach(zone, successor, detached, on_step).await?;
        }
        let certificate_id = self.id.clone();
        let mut poll = Poll::new(&self.options);
        let mut confirmed = false;
        let until_unused = UntilUnused {
            job: self,
            zones,
            looks: 0,
            rows: Vec::new(),
        };
        if poll.until(on_step, until_unused).await? {
            on_step(&Step::Unused {
                certificate_id: certificate_id.clone(),
            });
            // The last chance to stop: a deletion cannot be undone.
            yield_once().await;
            confirmed = poll.until(on_step, UntilDeleted(self, None)).await?;
        }
        on_step(&Step::Deleted { certificate_id });
        Ok(confirmed)
    }

    /// Detaches the hostnames of the plan, and fails if there are others.
    async fn detach(
        &self,
        zone: &ZoneHostnames,
        successor: Option<&CertificateId>,
        detached: &mut Vec<ZoneHostnames>,
        on_step: OnStep<'_>,
    ) -> Result<(), Error> {
        if let Some(successor) = successor {
            self.ensure_successor_has(successor, zone).await?;
        }
        let hostnames = self.hostnames(&zone.zone_id);
        let ca = ClientCa::from(&self.id);
        let edited = hostnames.remove(&ca, &zone.hostnames).await?;
        if let Some(zone) = zone.with_hostnames(edited.changed) {
            detached.push(zone.clone());
            on_step(&Step::Detached {
                certificate_id: self.id.clone(),
                zone,
            });
        }
        self.ensure_none_left(&edited.list)
    }

    /// Fails unless the lists are still empty.
    async fn ensure_still_detached(&self, zones: &[ZoneHostnames]) -> Result<(), Error> {
        for zone in zones {
            self.ensure_none_left(&self.list(zone, &self.id).await?)?;
        }
        Ok(())
    }

    fn ensure_none_left(&self, list: &[String]) -> Result<(), Error> {
        let others = list.join(", ");
        let detail = format!(
            "another client attached {others} to it since it was planned; plan and run it again"
        );
        match list.is_empty() {
            true => Ok(()),
            false => Err(self.error(ErrorKind::Conflict, &detail)),
        }
    }

    /// Fails unless a successor has all hostnames of a zone.
    pub(crate) async fn ensure_successor_has(
        &self,
        successor: &CertificateId,
        zone: &ZoneHostnames,
    ) -> Result<(), Error> {
        let held = self.list(zone, successor).await?;
        let has = |host: &String| held.iter().any(|other| Hostnames::is_same(host, other));
        let missing = zone.hostnames.iter().filter(|host| !has(host)).cloned();
        let missing: Vec<String> = missing.collect();
        let names = missing.join(", ");
        let detail = format!(
            "{names} would be left without a CA: another client detached it from {successor}"
        );
        match missing.is_empty() {
            true => Ok(()),
            false => Err(self.error(ErrorKind::Conflict, &detail)),
        }
    }

    async fn list(&self, zone: &ZoneHostnames, id: &CertificateId) -> Result<Vec<String>, Error> {
        let hostnames = self.hostnames(&zone.zone_id);
        Ok(hostnames.list(&ClientCa::from(id)).await?)
    }

    /// The associations of a certificate, in the time that is left.
    pub(crate) async fn associations(
        &self,
        id: &CertificateId,
        left: Duration,
    ) -> Result<Vec<Association>, cf_mtls::Error> {
        let certificates = self.certificates.clone().within(left);
        certificates.associations(id).await
    }

    /// A use that ends neither by itself nor with the hostnames.
    fn first_permanent_use<'a>(&self, rows: &'a [Association]) -> Option<&'a Association> {
        let known = &self.options.hostname_services;
        let is_other = |row: &Association| !blocker::may_be_hostnames(&row.service, known);
        rows.iter().find(|row| row.is_live() && is_other(row))
    }

    /// Whether a refusal may pass when the service has noticed the end of all uses.
    fn may_pass(&self, error: &cf_mtls::Error) -> bool {
        match error.kind() {
            ErrorKind::InUse => self.first_permanent_use(error.associations()).is_none(),
            ErrorKind::Permission => false,
            _ => error.is_unexplained_refusal(),
        }
    }

    fn still_in_use(&self, detail: &str, rows: &[Association]) -> Error {
        self.error(ErrorKind::InUse, detail)
            .with_associations(self.client(), rows.iter())
    }

    /// An error whose detail holds words of the service.
    pub(crate) fn error(&self, kind: ErrorKind, detail: &str) -> Error {
        Error::new(kind, self.client().redact(detail))
    }

    /// The hostnames of a zone. A job reads them again, so its edits need not settle.
    pub(crate) fn hostnames(&self, zone: &ZoneId) -> Hostnames {
        let hostnames = self.certificates.hostnames(zone);
        hostnames.with_settling(Duration::ZERO)
    }

    fn client(&self) -> &Client {
        self.certificates.client()
    }
}

/// Waits until no service uses the certificate. Finds whether it still exists: another
/// client may have deleted it.
struct UntilUnused<'a> {
    job: &'a Job,
    zones: &'a [ZoneHostnames],
    looks: u32,
    rows: Vec<Association>,
}

impl Look for UntilUnused<'_> {
    type Found = bool;

    async fn look(&mut self, left: Duration) -> Result<Seen<bool>, Error> {
        let job = self.job;
        self.looks += 1;
        self.rows = match job.associations(&job.id, left).await {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Seen::Done(false)),
            rows => rows?,
        };
        self.rows.retain(|row| !row.has_ended());
        if self.rows.is_empty() {
            return Ok(Seen::Done(true));
        }
        if let Some(row) = job.first_permanent_use(&self.rows) {
            let detail = format!("{row} began to use it after the plan was made");
            return Err(job.still_in_use(&detail, &self.rows));
        }
        // Hostnames that were attached again keep it in use for good. Each zone is a
        // request, so they are looked for less and less often.
        let is_live = self.rows.iter().any(Association::is_live);
        if is_live && 1 < self.looks && self.looks.is_power_of_two() {
            job.ensure_still_detached(self.zones).await?;
        }
        Ok(Seen::Pending(Step::AwaitingRelease {
            certificate_id: job.id.clone(),
            associations: self.rows.clone(),
        }))
    }

    async fn timed_out(self) -> Error {
        if self.rows.iter().any(Association::is_live)
            && let Err(error) = self.job.ensure_still_detached(self.zones).await
        {
            return error;
        }
        let after = seconds(self.job.options.wait_timeout);
        let error = (self.job).still_in_use(&format!("still in use after {after}"), &self.rows);
        error.with_advice(RUN_AGAIN)
    }
}

/// Deletes the certificate, with the last refusal. Finds whether the service confirmed
/// it.
struct UntilDeleted<'a>(&'a Job, Option<cf_mtls::Error>);

impl Look for UntilDeleted<'_> {
    type Found = bool;

    async fn look(&mut self, _: Duration) -> Result<Seen<bool>, Error> {
        let Self(job, refusal) = self;
        let error = match job.certificates.delete(&job.id).await {
            Ok(deleted) => return Ok(Seen::Done(deleted.is_confirmed())),
            // It was there a moment ago, so this is what was wanted.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Seen::Done(false)),
            Err(error) if !job.may_pass(&error) => return Err(error.into()),
            Err(error) => error,
        };
        let certificate_id = job.id.clone();
        let associations = error.associations().to_vec();
        *refusal = Some(error);
        Ok(Seen::Pending(match associations.is_empty() {
            true => Step::StillRefused { certificate_id },
            false => Step::AwaitingRelease {
                certificate_id,
                associations,
            },
        }))
    }

    async fn timed_out(self) -> Error {
        let detail = format!(
            "still refused after {}",
            seconds(self.0.options.wait_timeout)
        );
        let refusal = self.1.map(Error::from);
        let error =
            refusal.unwrap_or_else(|| Error::new(ErrorKind::Timeout, "no time to delete it"));
        error.with_detail(detail).with_advice(RUN_AGAIN)
    }
}

/// A time as people read it.
pub(crate) fn seconds(time: Duration) -> String {
    format!("{} s", time.as_secs_f64())
}
