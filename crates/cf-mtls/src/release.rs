//! Releases a certificate that is in use: what will be done, and what stops it.

use cf_mtls_api::{CertificateId, ZoneId};
use serde::Serialize;

use crate::association::Association;
use crate::blocker::{self, Blocker, Facts, Judged};
use crate::certificate::Certificate;
use crate::certificates::Certificates;
use crate::error::{Error, ErrorKind};
use crate::hostnames::ClientCa;
use crate::letting_go;
use crate::operation::Operation;
use crate::step::Step;
use crate::usage::{self, UnreadableZone, Usage, ZoneHostnames};
use crate::wait::Wait;
use crate::zones::Zone;

/// A certificate to release. Made by [`Certificates::release`].
#[derive(Clone, Debug)]
#[must_use = "nothing is released until it is run"]
pub struct Release {
    pub(crate) certificates: Certificates,
    pub(crate) id: CertificateId,
    pub(crate) zones: Option<Vec<ZoneId>>,
    pub(crate) options: Options,
}

/// How a release is done.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    pub(crate) wait: Wait,
    pub(crate) hostname_services: Vec<String>,
    pub(crate) unreadable_zones_ignored: bool,
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
    pub(crate) order: Order,
}

/// What a plan needs to be run.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) certificates: Certificates,
    pub(crate) id: CertificateId,
    pub(crate) options: Options,
    /// The services that the hostnames appear as.
    pub(crate) by_hostnames: Vec<String>,
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
    /// [`Deleted::is_confirmed`](crate::Deleted::is_confirmed).
    pub confirmed: bool,
}

/// The setters of everything that releases a certificate.
macro_rules! release_setters {
    () => {
        /// Bounds the time to wait until the service has done what was asked of
        /// it (10 minutes unless set). Requests before and after have the limits
        /// of the handle.
        pub fn with_longest_wait(mut self, longest: std::time::Duration) -> Self {
            self.options.wait.longest = longest;
            self
        }

        /// Says how long to wait before looking a second time, and at most
        /// between two looks; in between it doubles (1 and 15 seconds unless
        /// set).
        pub fn with_poll_interval(
            mut self,
            first: std::time::Duration,
            most: std::time::Duration,
        ) -> Self {
            self.options.wait.first = first;
            self.options.wait.most = most;
            self
        }

        /// Says that associations of this service are hostnames, where that is
        /// known; `API Shield` is known, and other names are judged by
        /// evidence.
        pub fn with_hostname_service(mut self, name: impl Into<String>) -> Self {
            self.options.hostname_services.push(name.into());
            self
        }

        /// Goes on although zones cannot be read. If they hold hostnames of the
        /// certificate, the wait for the service to let go will be in vain, and
        /// the hostnames of the other zones are detached by then.
        pub fn with_unreadable_zones_ignored(mut self) -> Self {
            self.options.unreadable_zones_ignored = true;
            self
        }
    };
}

pub(crate) use release_setters;

impl Release {
    pub(crate) fn new(certificates: Certificates, id: CertificateId) -> Self {
        Self {
            certificates,
            id,
            zones: None,
            options: Options::default(),
        }
    }

    /// Detaches hostnames of these zones only. Where the certificate has
    /// hostnames in other zones, that stops the release.
    pub fn in_zones(mut self, zones: impl IntoIterator<Item = ZoneId>) -> Self {
        self.zones.get_or_insert_default().extend(zones);
        self
    }

    release_setters!();

    /// Finds out what is to be done, and what stops it. It sends only reads.
    ///
    /// # Errors
    ///
    /// Those of [`Certificates::usage`]. What stops the release is no error, but
    /// [`ReleasePlan::blockers`].
    pub async fn plan(&self) -> Result<ReleasePlan, Error> {
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
            order: Order {
                certificates: self.certificates.patient(),
                id: self.id.clone(),
                options: self.options.clone(),
                by_hostnames,
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
        let certificates = self.certificates.patient();
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
                Err(error) => unreadable.push(UnreadableZone {
                    zone: Zone {
                        id: Some(zone_id.clone()),
                        name: None,
                        status: None,
                    },
                    error,
                }),
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
    /// - others as in the [table of the crate](crate#errors)
    pub async fn run(&self, mut on_step: impl FnMut(&Step) + Send) -> Result<Released, Error> {
        self.run_before(None, &mut on_step).await
    }

    /// Runs it, and takes no hostname away that `successor` does not have.
    pub(crate) async fn run_before(
        &self,
        successor: Option<&CertificateId>,
        on_step: &mut (dyn FnMut(&Step) + Send),
    ) -> Result<Released, Error> {
        self.check()?;
        let mut detached = Vec::new();
        match letting_go::run(&self.order, &self.zones, successor, &mut detached, on_step).await {
            Ok(confirmed) => Ok(Released {
                certificate: self.certificate.clone(),
                detached,
                confirmed,
            }),
            Err(error) => Err(error.with_detached(detached)),
        }
    }

    /// Whether it can be run; tells the reasons otherwise.
    pub(crate) fn check(&self) -> Result<(), Error> {
        const SHOWN: usize = 5;

        let Some(kind) = self.blockers.iter().map(Blocker::kind).reduce(worse) else {
            return Ok(());
        };
        let associations = self.blockers.iter().filter_map(|blocker| match blocker {
            Blocker::Service(row) | Blocker::HiddenHostnames(row) => Some(row.clone()),
            _ => None,
        });
        let reasons = self.blockers.iter().take(SHOWN).map(ToString::to_string);
        let mut detail = reasons.collect::<Vec<_>>().join("; ");
        if let Some(more @ 1..) = self.blockers.len().checked_sub(SHOWN) {
            detail.push_str(&format!("; and {more} more reasons"));
        }
        let certificates = &self.order.certificates;
        let call = certificates.call(Operation::DeleteCertificate, Some(&self.order.id));
        let detail = certificates.presentable(&detail);
        let error = Error::new(kind)
            .with_associations(call.presentable(associations.collect()))
            .with_detail(format!("{detail}; nothing was changed"));
        Err(call.finish(error))
    }
}

impl Blocker {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Managed { .. } => ErrorKind::InvalidInput,
            Self::Service(_) | Self::HiddenHostnames(_) | Self::OtherZone(_) => ErrorKind::InUse,
            Self::UnreadableZone(zone) => match zone.error.kind() {
                // The credentials were good enough to list the zone.
                ErrorKind::Authentication => ErrorKind::Permission,
                kind => kind,
            },
        }
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
