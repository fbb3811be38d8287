//! Releases a certificate that is in use: what will be done, and what stops it.

use cf_mtls::{
    Association, Certificate, CertificateId, Certificates, ClientCa, ErrorKind, Zone, ZoneId,
};
use serde::Serialize;

use crate::blocker::{self, Blocker, Facts, Judged};
use crate::error::Error;
use crate::many::patient;
use crate::options::ReleaseOptions;
use crate::poll::OnStep;
use crate::retire::Job;
use crate::step::Step;
use crate::usage::{self, UnreadableZone, Usage};
use crate::zone_hostnames::ZoneHostnames;

/// A certificate to release. Made by
/// [`CertificatesExt::release`](crate::CertificatesExt::release).
#[derive(Clone, Debug)]
#[must_use = "nothing is released until it is run"]
pub struct Release {
    pub(crate) certificates: Certificates,
    pub(crate) id: CertificateId,
    pub(crate) zones: Option<Vec<ZoneId>>,
    pub(crate) options: ReleaseOptions,
}

/// What a release will do, and what stops it. Made by [`Release::plan`].
///
/// Serializes to an object of `certificate`, `zones`, `associations` and
/// `blockers`.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[must_use = "a plan does nothing until it is run"]
pub struct ReleasePlan {
    certificate: Certificate,
    zones: Vec<ZoneHostnames>,
    associations: Vec<Association>,
    blockers: Vec<Blocker>,
    #[serde(skip)]
    #[cfg_attr(feature = "schemars", schemars(skip))]
    pub(crate) job: Job,
}

/// A certificate was released, and is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Released {
    /// The certificate as it was.
    pub certificate: Certificate,
    /// The hostnames that were taken from it, by zone.
    pub detached: Vec<ZoneHostnames>,
    /// Whether the service confirmed the deletion itself; see
    /// [`Deleted::is_confirmed`](cf_mtls::Deleted::is_confirmed).
    pub confirmed: bool,
}

impl Release {
    pub(crate) fn new(certificates: Certificates, id: CertificateId) -> Self {
        Self {
            certificates,
            id,
            zones: None,
            options: ReleaseOptions::default(),
        }
    }

    /// Detaches hostnames of these zones only. Where the certificate has
    /// hostnames in other zones, that stops the release.
    pub fn in_zones(mut self, zones: impl IntoIterator<Item = ZoneId>) -> Self {
        self.zones.get_or_insert_default().extend(zones);
        self
    }

    /// Sets how it is done.
    pub fn with_options(mut self, options: ReleaseOptions) -> Self {
        self.options = options;
        self
    }

    /// Finds out what is to be done, and what stops it. It sends only reads.
    ///
    /// # Errors
    ///
    /// Those of [`CertificatesExt::usage`](crate::CertificatesExt::usage). What stops the release is no error, but
    /// [`ReleasePlan::blockers`].
    pub async fn plan(&self) -> Result<ReleasePlan, Error> {
        let plan = self.find_out().await;
        plan.map_err(|error| error.during("release", &self.id))
    }

    pub(crate) async fn find_out(&self) -> Result<ReleasePlan, Error> {
        let usage = usage::usage(&self.certificates, &self.id).await?;
        let Usage {
            certificate,
            associations,
            mut zones,
            mut unreadable,
        } = usage;
        self.read_unlisted(&certificate, &mut zones, &mut unreadable)
            .await;
        let Judged {
            mut blockers,
            by_hostnames,
        } = blocker::judge(&Facts {
            certificate_type: certificate.certificate_type(),
            associations: &associations,
            zones: zones.len(),
            told: &self.options.hostname_services,
        });
        // Where nothing points to hostnames, unreadable zones hold none.
        let hostnames_matter = !zones.is_empty() || !by_hostnames.is_empty();
        if hostnames_matter && !self.options.unreadable_zones_ignored {
            blockers.extend(unreadable.into_iter().map(Blocker::UnreadableZone));
        }
        if let Some(wanted) = &self.zones {
            let (inside, outside) = zones
                .into_iter()
                .partition(|zone| wanted.contains(&zone.zone_id));
            zones = inside;
            let outside: Vec<ZoneHostnames> = outside;
            blockers.extend(outside.into_iter().map(Blocker::OtherZone));
        }
        Ok(ReleasePlan {
            certificate,
            zones,
            associations,
            blockers,
            job: Job {
                certificates: patient(&self.certificates),
                id: self.id.clone(),
                options: self.options.clone(),
                hostname_services: by_hostnames,
            },
        })
    }

    /// Plans the release, and runs it unless something stops it:
    /// [`plan`](Self::plan) and [`ReleasePlan::run`] in one.
    ///
    /// # Errors
    ///
    /// Those of both.
    pub async fn run(&self, on_step: impl FnMut(&Step) + Send) -> Result<Released, Error> {
        self.plan().await?.run(on_step).await
    }

    /// Reads those of the given zones that the walk has not shown: the
    /// credentials may reach a zone that they cannot list.
    async fn read_unlisted(
        &self,
        certificate: &Certificate,
        zones: &mut Vec<ZoneHostnames>,
        unreadable: &mut Vec<UnreadableZone>,
    ) {
        let certificates = patient(&self.certificates);
        for zone_id in self.zones.iter().flatten() {
            let listed = zones.iter().any(|zone| zone.zone_id == *zone_id)
                || unreadable
                    .iter()
                    .any(|zone| zone.zone.id.as_ref() == Some(zone_id));
            if listed || certificate.is_ca() == Some(false) {
                continue;
            }
            let ca = ClientCa::from(&self.id);
            match certificates.hostnames(zone_id).list(&ca).await {
                Ok(hostnames) if hostnames.is_empty() => {}
                Ok(hostnames) => zones.push(ZoneHostnames {
                    zone_id: zone_id.clone(),
                    zone_name: None,
                    hostnames,
                }),
                Err(error) => {
                    let mut zone = Zone::default();
                    zone.id = Some(zone_id.clone());
                    let error = error.into();
                    unreadable.push(UnreadableZone { zone, error });
                }
            }
        }
    }
}

impl ReleasePlan {
    /// The certificate that will be deleted.
    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The hostnames that will be detached, by zone.
    #[must_use]
    pub fn zones(&self) -> &[ZoneHostnames] {
        &self.zones
    }

    /// The services that use the certificate.
    #[must_use]
    pub fn associations(&self) -> &[Association] {
        &self.associations
    }

    /// What stops the release.
    #[must_use]
    pub fn blockers(&self) -> &[Blocker] {
        &self.blockers
    }

    /// Whether anything stops the release.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        !self.blockers.is_empty()
    }

    /// Detaches the hostnames of the plan, waits until no service uses the
    /// certificate, and deletes it. `on_step` is told each step when it is done,
    /// and each look while it waits.
    ///
    /// One zone after the other, it takes from this certificate's lists what is
    /// in the plan, and touches no other list. Each request is repeated like the
    /// operation that it is. A deletion that is refused because the service has
    /// not noticed yet is tried again until the wait ends.
    ///
    /// It can be dropped or fail at any point, and be planned and run again to
    /// go on.
    ///
    /// # Errors
    ///
    /// [`Error::detached`] tells what was detached before.
    ///
    /// - [`ErrorKind::InUse`] if the plan is blocked, and nothing was changed;
    ///   or if the service has not let go when the wait ends, with
    ///   [`Error::associations`]
    /// - [`ErrorKind::InvalidInput`] if Cloudflare manages the certificate
    /// - [`ErrorKind::Conflict`] if hostnames were attached since the plan was made
    /// - what reading a zone failed with, if only that stops the plan
    /// - what an operation failed with
    pub async fn run(&self, mut on_step: impl FnMut(&Step) + Send) -> Result<Released, Error> {
        let released = self.run_before(None, &mut on_step).await;
        released.map_err(|error| error.during("release", &self.job.id))
    }

    /// Whether it can be run. It sends nothing.
    ///
    /// # Errors
    ///
    /// The error with which [`run`](Self::run) would fail at once, because of
    /// [`blockers`](Self::blockers).
    pub fn check(&self) -> Result<(), Error> {
        let blocked = self.blocked();
        blocked.map_or(Ok(()), |error| Err(error.during("release", &self.job.id)))
    }

    /// Runs it, and detaches no hostname that `successor` does not have.
    pub(crate) async fn run_before(
        &self,
        successor: Option<&CertificateId>,
        on_step: OnStep<'_>,
    ) -> Result<Released, Error> {
        if let Some(error) = self.blocked() {
            return Err(error);
        }
        let mut detached = Vec::new();
        let zones = &self.zones;
        match self.job.run(zones, successor, &mut detached, on_step).await {
            Ok(confirmed) => Ok(Released {
                certificate: self.certificate.clone(),
                detached,
                confirmed,
            }),
            Err(error) => Err(error.with_detached(detached)),
        }
    }

    /// Why it cannot be run.
    pub(crate) fn blocked(&self) -> Option<Error> {
        const MAX_REASONS: usize = 5;

        let kind = self.blockers.iter().map(Blocker::kind).reduce(worse)?;
        let associations = self.blockers.iter().filter_map(|blocker| match blocker {
            Blocker::Service(row) | Blocker::HiddenHostnames(row) => Some(row.clone()),
            _ => None,
        });
        let reasons = self.blockers.iter().take(MAX_REASONS);
        let reasons: Vec<String> = reasons.map(ToString::to_string).collect();
        let mut detail = reasons.join("; ");
        if let Some(more @ 1..) = self.blockers.len().checked_sub(MAX_REASONS) {
            detail.push_str(&format!("; and {more} more reasons"));
        }
        let associations: Vec<Association> = associations.collect();
        let error = self.job.error(kind, &detail);
        let error = error.with_associations(self.job.certificates.client(), &associations);
        Some(error.with_advice("nothing was changed"))
    }
}

/// Which of two reasons decides what a caller can do next.
fn worse(a: ErrorKind, b: ErrorKind) -> ErrorKind {
    let of_the_certificate = [ErrorKind::InvalidInput, ErrorKind::InUse];
    let known = of_the_certificate
        .into_iter()
        .find(|kind| a == *kind || b == *kind);
    known.unwrap_or(a)
}
