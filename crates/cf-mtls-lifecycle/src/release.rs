//! Releases a certificate that is in use: the plan, and what blocks it.

use cf_mtls::text::list;
use cf_mtls::{Certificate, CertificateId, Certificates, ClientCa, Zone, ZoneHostnames, ZoneId};

use crate::blocker::{self, Blocker};
use crate::error::Error;
use crate::many::{in_span, patient};
use crate::options::ReleaseOptions;
use crate::poll::{MAX_LAG, Poll};
use crate::step::Step;
use crate::unread::UnreadableZone;
use crate::usage::{self, Usage, UsageWalk};

/// A certificate to release. Made by [`CertificatesExt::release`](crate::CertificatesExt::release).
#[derive(Clone, Debug)]
#[must_use = "nothing is released until it is run"]
pub struct Release {
    certificates: Certificates,
    id: CertificateId,
    zones: Option<Vec<ZoneId>>,
    options: ReleaseOptions,
}

record! {
    /// What a release will do, and what blocks it, as data. Returned by [`ReleasePlan::planned`].
    pub struct PlannedRelease {
        /// The certificate that will be deleted, and what uses it. The hostnames of its zones
        /// will be detached. Its unread zones are those that are ignored; neither they nor
        /// unread products block, as the service refuses to delete what is in use.
        #[serde(flatten)]
        pub usage: Usage,
        /// What blocks the release.
        pub blockers: Vec<Blocker>,
    }
}

/// A release that can be run. Made by [`Release::plan`].
#[derive(Clone, Debug)]
#[must_use = "a plan does nothing until it is run"]
pub struct ReleasePlan {
    planned: PlannedRelease,
    pub(crate) certificates: Certificates,
    pub(crate) id: CertificateId,
    pub(crate) options: ReleaseOptions,
    /// The services that its hostnames appear as.
    pub(crate) hostname_services: Vec<String>,
}

record! {
    /// A certificate was released, and is gone.
    pub struct Released {
        /// The certificate as it was.
        pub certificate: Certificate,
        /// The hostnames that were detached from it, by zone.
        pub detached: Vec<ZoneHostnames>,
        /// Whether the service confirmed the deletion: see
        /// [`Deleted::is_confirmed`](cf_mtls::Deleted::is_confirmed).
        pub confirmed: bool,
    }
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
    /// While associations show hostnames that no zone shows, as for a while after they were
    /// attached, it looks again for up to 90 seconds of the
    /// [wait](ReleaseOptions::with_wait_timeout).
    ///
    /// # Errors
    ///
    /// Those of [`usage`](crate::CertificatesExt::usage). A blocked plan is no error:
    /// see [`ReleasePlan::blockers`].
    pub async fn plan(&self) -> Result<ReleasePlan, Error> {
        let mut poll = Poll::new(&self.options);
        let plan = async {
            loop {
                let plan = self.assess(self.usage().await?);
                let is_hidden = |one: &Blocker| matches!(one, Blocker::HiddenHostnames(_));
                let blockers = plan.blockers();
                let may_settle = !blockers.is_empty() && blockers.iter().all(is_hidden);
                if !may_settle || MAX_LAG <= poll.elapsed() || !poll.wait().await {
                    return Ok(plan);
                }
            }
        };
        in_span("plan release", Some(&self.id), plan).await
    }

    async fn usage(&self) -> Result<Usage, Error> {
        let walk = UsageWalk::new(&self.certificates, vec![self.id.clone()]);
        let mut usage = usage::usage_of_one(walk.for_release(&self.options)).await?;
        if usage.certificate.is_ca() != Some(false) {
            self.read_unlisted(&mut usage).await;
        }
        if usage.denial().is_some() {
            // The deletion tells whether it exists.
            usage.unread.zones.clear();
            usage.zones_not_read = true;
        }
        Ok(usage)
    }

    /// The plan for what was found.
    pub(crate) fn assess(&self, mut usage: Usage) -> ReleasePlan {
        let (mut blockers, hostname_services) = blocker::assess(&usage, &self.options);
        let is_blocker = |one: &mut UnreadableZone| !self.options.ignores(&one.zone);
        let unreadable = usage.unread.zones.extract_if(.., is_blocker);
        blockers.extend(unreadable.map(Blocker::UnreadableZone));
        if let Some(wanted) = &self.zones {
            let is_other = |zone: &mut ZoneHostnames| !wanted.contains(&zone.zone_id);
            blockers.extend(usage.zones.extract_if(.., is_other).map(Blocker::OtherZone));
        }
        ReleasePlan {
            planned: PlannedRelease { usage, blockers },
            certificates: patient(&self.certificates),
            id: self.id.clone(),
            options: self.options.clone(),
            hostname_services,
        }
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
    async fn read_unlisted(&self, usage: &mut Usage) {
        let certificates = patient(&self.certificates);
        for zone_id in self.zones.iter().flatten() {
            let is_listed = usage.zones.iter().any(|zone| zone.zone_id == *zone_id)
                || usage.unread.zones.iter().any(|one| one.zone.id == *zone_id);
            let (zone, ca) = (Zone::new(zone_id.clone()), ClientCa::from(&self.id));
            if !is_listed && let Some(look) = usage::look(&certificates, zone, &ca).await {
                usage.add(look);
            }
        }
    }
}

impl ReleasePlan {
    /// What it will do, and what blocks it, as data.
    pub fn planned(&self) -> &PlannedRelease {
        &self.planned
    }

    /// What uses the certificate, and what was [not read](Usage::is_complete).
    pub fn usage(&self) -> &Usage {
        &self.planned.usage
    }

    /// What blocks the release.
    pub fn blockers(&self) -> &[Blocker] {
        &self.planned.blockers
    }

    /// Detaches the hostnames of the plan, waits until no service uses the
    /// certificate, and deletes it. Each step is reported to `on_step`.
    ///
    /// It goes zone by zone, and changes no list of another certificate. While the service refuses
    /// the deletion because it has not noticed the end of a use, it is tried again. The future can
    /// be dropped or fail at any point; plan and run it again to go on.
    ///
    /// # Errors
    ///
    /// [`Error::detached`] is what was detached before.
    ///
    /// - those of [`check`](Self::check), before anything is changed
    /// - [`NotFound`](cf_mtls::ErrorKind::NotFound) if it was gone before anything was done
    /// - [`InUse`](cf_mtls::ErrorKind::InUse) if it is still in use when the wait ends, by
    ///   [`Error::associations`]
    /// - [`Conflict`](cf_mtls::ErrorKind::Conflict) if hostnames were attached since the plan was made
    /// - those of the operations
    pub async fn run(&self, mut on_step: impl FnMut(&Step) + Send) -> Result<Released, Error> {
        in_span("release", Some(&self.id), self.retire(None, &mut on_step)).await
    }

    /// Checks that nothing blocks the plan. Sends nothing.
    ///
    /// # Errors
    ///
    /// - [`InUse`](cf_mtls::ErrorKind::InUse) if uses block it, which are [`Error::associations`]
    /// - [`InvalidInput`](cf_mtls::ErrorKind::InvalidInput) if another product manages the certificate
    /// - the kind of the failed read if only unreadable zones block it, which are in
    ///   [`Error::unread`]
    pub fn check(&self) -> Result<(), Error> {
        const MAX_REASONS: usize = 5;

        let Some(kind) = Blocker::most_severe(self.blockers()) else { return Ok(()) };
        let (mut associations, mut reasons, mut unread) =
            (Vec::new(), Vec::new(), self.usage().unread.clone());
        for blocker in self.blockers() {
            match blocker {
                Blocker::UnreadableZone(zone) => unread.zones.push(zone.clone()),
                other => reasons.push(other),
            }
            if let Blocker::Service(row) | Blocker::HiddenHostnames(row) = blocker {
                associations.push(row.clone());
            }
        }
        let detail = match reasons.is_empty() {
            true => "zones that may have hostnames of it cannot be read".to_owned(),
            false => list(&reasons, MAX_REASONS, "; "),
        };
        let error = self.used(kind, &detail, associations).with_unread(unread);
        let error = error.with_holders(self.usage().holders.clone());
        Err(error.with_advice("nothing was changed").during("release", &self.id))
    }
}
