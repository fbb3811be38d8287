//! Releases a certificate that is in use: the plan, and what blocks it.

use cf_mtls::{Association, Certificate, CertificateId, Certificates, ClientCa, Zone, ZoneId};
use serde::{Deserialize, Serialize};

use crate::blocker::{self, Assessment, Blocker, Facts};
use crate::error::Error;
use crate::holder::{Holder, UnreadableProduct};
use crate::many::{in_span, patient};
use crate::options::ReleaseOptions;
use crate::poll::OnStep;
use crate::retire::Job;
use crate::step::Step;
use crate::usage::{self, UnreadableZone, Usage, UsageWalk, ZoneUse};
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

/// What a release will do, and what blocks it. Made by [`Release::plan`].
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[must_use = "a plan does nothing until it is run"]
pub struct ReleasePlan {
    certificate: Certificate,
    zones: Vec<ZoneHostnames>,
    associations: Vec<Association>,
    holders: Vec<Holder>,
    unreadable_products: Vec<UnreadableProduct>,
    unentitled: Vec<Zone>,
    blockers: Vec<Blocker>,
    #[serde(skip)]
    #[cfg_attr(feature = "schemars", schemars(skip))]
    pub(crate) job: Job,
}

/// A certificate was released, and is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Released {
    /// The certificate as it was.
    pub certificate: Certificate,
    /// The hostnames that were detached from it, by zone.
    pub detached: Vec<ZoneHostnames>,
    /// Whether the service confirmed the deletion: see
    /// [`Deleted::is_confirmed`](cf_mtls::Deleted::is_confirmed).
    pub confirmed: bool,
}

impl Release {
    pub(crate) fn new(certificates: Certificates, id: CertificateId) -> Self {
        Self { certificates, id, zones: None, options: ReleaseOptions::default() }
    }

    /// Detaches hostnames of these zones only. Hostnames of the certificate in other
    /// zones block the release.
    pub fn in_zones(mut self, zones: impl IntoIterator<Item = ZoneId>) -> Self {
        self.zones.get_or_insert_default().extend(zones);
        self
    }

    /// Sets how to wait, and what to assume.
    pub fn with_options(mut self, options: ReleaseOptions) -> Self {
        self.options = options;
        self
    }

    /// Finds out what there is to do. Sends reads only.
    ///
    /// # Errors
    ///
    /// Those of [`usage`](crate::CertificatesExt::usage). A blocked plan is no error:
    /// see [`ReleasePlan::blockers`].
    pub async fn plan(&self) -> Result<ReleasePlan, Error> {
        let walk = UsageWalk::new(&self.certificates, vec![self.id.clone()]);
        let usage = usage::usage_of_one(walk.for_release(&self.options)).await;
        let Usage {
            certificate,
            associations,
            mut zones,
            holders,
            mut unreadable,
            unreadable_products,
            unentitled,
        } = usage.map_err(|error| error.during("release", &self.id))?;
        if certificate.is_ca() != Some(false) {
            self.read_unlisted(&mut zones, &mut unreadable).await;
        }
        let Assessment { mut blockers, hostname_services } = blocker::assess(&Facts {
            certificate_type: certificate.certificate_type(),
            associations: &associations,
            holders: &holders,
            holders_awaited: self.options.holders_awaited,
            zones: zones.len(),
            hostname_services: &self.options.hostname_services,
        });
        // If nothing indicates hostnames, unreadable zones have none.
        let hostnames_matter = !zones.is_empty() || !hostname_services.is_empty();
        unreadable.retain(|one| !self.options.ignores(&one.zone));
        if hostnames_matter {
            blockers.extend(unreadable.into_iter().map(Blocker::UnreadableZone));
        }
        if let Some(wanted) = &self.zones {
            let is_other = |zone: &mut ZoneHostnames| !wanted.contains(&zone.zone_id);
            blockers.extend(zones.extract_if(.., is_other).map(Blocker::OtherZone));
        }
        let has_uses = !zones.is_empty() || !associations.iter().all(Association::has_ended);
        let is_ca = certificate.is_ca() != Some(false);
        Ok(ReleasePlan {
            certificate,
            zones,
            associations,
            unreadable_products,
            unentitled,
            blockers,
            job: Job {
                certificates: patient(&self.certificates),
                id: self.id.clone(),
                options: self.options.clone(),
                hostname_services,
                holders: holders.clone(),
                has_uses,
                is_ca,
            },
            holders,
        })
    }

    /// Plans the release, and runs the plan.
    ///
    /// # Errors
    ///
    /// Those of [`plan`](Self::plan) and [`ReleasePlan::run`].
    pub async fn run(&self, on_step: impl FnMut(&Step) + Send) -> Result<Released, Error> {
        self.plan().await?.run(on_step).await
    }

    /// Reads those of the given zones that are not listed: the credentials may reach a
    /// zone that they cannot list.
    async fn read_unlisted(
        &self,
        zones: &mut Vec<ZoneHostnames>,
        unreadable: &mut Vec<UnreadableZone>,
    ) {
        let certificates = patient(&self.certificates);
        for zone_id in self.zones.iter().flatten() {
            let is_listed = zones.iter().any(|zone| zone.zone_id == *zone_id)
                || unreadable.iter().any(|one| one.zone.id == *zone_id);
            if is_listed {
                continue;
            }
            let zone = Zone::new(zone_id.clone());
            match usage::look(&certificates, zone, &ClientCa::from(&self.id)).await {
                Some(ZoneUse::Used(zone)) => zones.push(zone),
                Some(ZoneUse::Unknown(zone)) => unreadable.push(zone),
                Some(ZoneUse::Unentitled(_)) | None => {}
            }
        }
    }
}

impl ReleasePlan {
    /// The certificate that will be deleted.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The hostnames that will be detached, by zone.
    pub fn zones(&self) -> &[ZoneHostnames] {
        &self.zones
    }

    /// The services that use the certificate.
    pub fn associations(&self) -> &[Association] {
        &self.associations
    }

    /// The Workers, Hyperdrive configurations and others that hold the certificate.
    pub fn holders(&self) -> &[Holder] {
        &self.holders
    }

    /// The products that cannot be read, and may hold the certificate. No blockers:
    /// the service refuses to delete what is in use.
    pub fn unreadable_products(&self) -> &[UnreadableProduct] {
        &self.unreadable_products
    }

    /// The zones that cannot have hostnames, as they lack the feature.
    pub fn unentitled(&self) -> &[Zone] {
        &self.unentitled
    }

    /// What blocks the release.
    pub fn blockers(&self) -> &[Blocker] {
        &self.blockers
    }

    /// Whether anything blocks the release.
    pub fn is_blocked(&self) -> bool {
        !self.blockers.is_empty()
    }

    /// Detaches the hostnames of the plan, waits until no service uses the
    /// certificate, and deletes it. Each step is reported to `on_step`.
    ///
    /// It goes zone by zone, and changes no list of another certificate. While the
    /// service refuses the deletion because it has not noticed the end of a use, it is
    /// tried again. The future can be dropped or fail at any point; plan and run it
    /// again to go on.
    ///
    /// # Errors
    ///
    /// [`Error::detached`] is what was detached before.
    ///
    /// - those of [`check`](Self::check), before anything is changed
    /// - [`InUse`](cf_mtls::ErrorKind::InUse) if it is still in use when the wait ends, by
    ///   [`Error::associations`]
    /// - [`Conflict`](cf_mtls::ErrorKind::Conflict) if hostnames were attached since the plan was made
    /// - those of the operations
    pub async fn run(&self, mut on_step: impl FnMut(&Step) + Send) -> Result<Released, Error> {
        in_span("release", &self.job.id, self.run_before(None, &mut on_step)).await
    }

    /// Checks that nothing blocks the plan. Sends nothing.
    ///
    /// # Errors
    ///
    /// - [`InUse`](cf_mtls::ErrorKind::InUse) if uses block it, which are [`Error::associations`]
    /// - [`InvalidInput`](cf_mtls::ErrorKind::InvalidInput) if another product manages the certificate
    /// - the kind of the failed read if only unreadable zones block it
    pub fn check(&self) -> Result<(), Error> {
        const MAX_REASONS: usize = 5;

        let Some(kind) = Blocker::most_severe(&self.blockers) else {
            return Ok(());
        };
        let reasons = self.blockers.iter().take(MAX_REASONS);
        let reasons: Vec<String> = reasons.map(ToString::to_string).collect();
        let mut detail = reasons.join("; ");
        if let Some(more @ 1..) = self.blockers.len().checked_sub(MAX_REASONS) {
            detail.push_str(&format!("; and {more} more reasons"));
        }
        let associations = self.blockers.iter().filter_map(Blocker::association);
        let error = self.job.error(kind, &detail);
        let error = error.with_associations(self.job.certificates.client(), associations);
        let error = error.with_holders(self.holders.clone());
        let error = error.with_advice("nothing was changed");
        Err(error.during("release", &self.job.id))
    }

    /// Runs it, and detaches no hostname that `successor` does not have.
    pub(crate) async fn run_before(
        &self,
        successor: Option<&CertificateId>,
        on_step: OnStep<'_>,
    ) -> Result<Released, Error> {
        self.check()?;
        let mut detached = Vec::new();
        let zones = &self.zones;
        match self.job.run(zones, successor, &mut detached, on_step).await {
            Ok(confirmed) => {
                Ok(Released { certificate: self.certificate.clone(), detached, confirmed })
            }
            Err(error) => Err(error.with_detached(detached)),
        }
    }
}
