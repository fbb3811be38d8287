//! Replaces a CA by its successor, while its hostnames are in use.

use cf_mtls::{
    Association, AssociationStatus, Certificate, CertificateFilter, CertificateId, CertificateType,
    Certificates, ClientCa, ErrorKind, Upload,
};

use jiff::Timestamp;

use crate::error::Error;
use crate::many::{in_span, patient};
use crate::options::ReleaseOptions;
use crate::poll::{Look, OnStep, Poll, poll_until};
use crate::release::{Release, ReleasePlan, Released};
use crate::retire::{Job, RUN_AGAIN, seconds};
use crate::services;
use crate::step::Step;
use crate::x509::CertificateContents;
use crate::zone_hostnames::ZoneHostnames;

const NOTHING_DETACHED: &str = "nothing was detached from the old CA";

/// A CA to replace by another. Made by
/// [`CertificatesExt::rotate`](crate::CertificatesExt::rotate).
#[derive(Clone, Debug)]
#[must_use = "nothing is replaced until it is run"]
pub struct Rotate {
    certificates: Certificates,
    old: CertificateId,
    upload: Upload,
    options: ReleaseOptions,
}

/// What a rotation will do, and what blocks it. Made by [`Rotate::plan`].
#[derive(Clone, Debug)]
#[must_use = "a plan does nothing until it is run"]
pub struct RotatePlan {
    release: ReleasePlan,
    successor: Option<Certificate>,
    copies: Vec<Certificate>,
    upload: Upload,
}

/// A CA was replaced by another.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Rotated {
    /// The successor.
    pub successor: Certificate,
    /// The hostnames that were attached to the successor, by zone.
    pub attached: Vec<ZoneHostnames>,
    /// The old CA, which is gone.
    pub old: Released,
}

impl Rotate {
    pub(crate) fn new(certificates: Certificates, old: CertificateId, upload: Upload) -> Self {
        Self { certificates, old, upload, options: ReleaseOptions::default() }
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
    /// - [`ErrorKind::InvalidInput`] if either certificate is a leaf, both are the same,
    ///   or the successor has expired, is not valid yet, or is neither RSA nor ECDSA
    /// - those of [`Release::plan`]
    pub async fn plan(&self) -> Result<RotatePlan, Error> {
        let refuse = |detail: &str| Err(Error::new(ErrorKind::InvalidInput, detail));
        let plan = async {
            self.upload.check()?;
            if !self.upload.is_ca() {
                return refuse("the successor is a leaf, to which no hostnames can be moved");
            }
            if let Some(problem) = self.problem() {
                return refuse(&problem);
            }
            let release = Release::new(self.certificates.clone(), self.old.clone());
            let release = release.with_options(self.options.clone().with_all_zones()).plan().await;
            let release = match release {
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    return Err(self.explain_missing(error).await);
                }
                release => release?,
            };
            let old = release.certificate();
            if old.is_ca() == Some(false) {
                return refuse(
                    "it is a leaf without hostnames; upload the new one, delete the old",
                );
            }
            if old.chain().is_ok_and(|chain| chain == *self.upload.chain()) {
                return refuse("the successor is the same certificate as the old one");
            }
            let mut copies = self.copies().await?;
            Ok(RotatePlan { release, successor: copies.pop(), copies, upload: self.upload.clone() })
        };
        plan.await.map_err(|error| error.during("rotate", &self.old))
    }

    /// Plans the rotation, and runs the plan.
    ///
    /// # Errors
    ///
    /// Those of [`plan`](Self::plan) and [`RotatePlan::run`].
    pub async fn run(&self, on_step: impl FnMut(&Step) + Send) -> Result<Rotated, Error> {
        self.plan().await?.run(on_step).await
    }

    /// The successor, if it is in the account already, as after an earlier run. Sends
    /// reads only, and works when the old CA is gone.
    ///
    /// # Errors
    ///
    /// Those of [`Upload::check`] and [`Certificates::list`].
    pub async fn successor(&self) -> Result<Option<Certificate>, Error> {
        self.upload.check()?;
        Ok(self.copies().await?.pop())
    }

    /// Why the successor would verify no client, unless that is allowed.
    fn problem(&self) -> Option<String> {
        let now = Timestamp::now();
        let contents = CertificateContents::read(self.upload.chain());
        let mut problems = contents.iter().filter_map(|one| one.problem(now));
        let problem = problems.next().filter(|_| !self.options.any_ca_allowed)?;
        Some(format!("the successor would verify no client: {problem}"))
    }

    /// The certificates in the account that are the same as the successor. The last
    /// one is used: the newest, but one with the same name before all others.
    async fn copies(&self) -> Result<Vec<Certificate>, Error> {
        let is_custom = |kind: CertificateType| kind == CertificateType::Custom;
        let is_same = |chain| chain == *self.upload.chain();
        let mut list = patient(&self.certificates).list(CertificateFilter::all().ca());
        let mut copies = Vec::new();
        while let Some(certificate) = list.next().await {
            let certificate = certificate?;
            let is_copy = *certificate.id() != self.old
                && certificate.certificate_type().is_none_or(is_custom)
                && certificate.chain().is_ok_and(is_same);
            if is_copy {
                copies.push(certificate);
            }
        }
        copies.sort_by_key(|one| (one.name() == self.upload.name(), one.uploaded_on()));
        Ok(copies)
    }

    /// An old CA that does not exist may have been rotated already.
    async fn explain_missing(&self, error: Error) -> Error {
        let successor = self.successor().await.ok().flatten();
        match successor.as_ref().map(Certificate::id) {
            Some(id) => error
                .with_detail(format!("the new CA is there as {id}, so it may be rotated already")),
            None => error,
        }
    }
}

impl RotatePlan {
    /// The release of the old CA, after its hostnames were attached to the successor.
    pub fn release(&self) -> &ReleasePlan {
        &self.release
    }

    /// The successor, if it is in the account already.
    pub fn successor(&self) -> Option<&Certificate> {
        self.successor.as_ref()
    }

    /// Other certificates in the account that are the same as the
    /// [`successor`](Self::successor). They are left alone.
    pub fn other_copies(&self) -> &[Certificate] {
        &self.copies
    }

    /// Whether anything blocks the rotation.
    pub fn is_blocked(&self) -> bool {
        self.release.is_blocked()
    }

    /// Uploads the successor unless it is there, attaches the hostnames of the old CA to
    /// it, waits until it is active for them, and only then releases the old one.
    /// Each step is reported to `on_step`.
    ///
    /// A hostname is never without an active CA. While both are attached, the service
    /// prefers the one that was deployed last, so check first that clients with
    /// certificates of the old CA can do without it. If the service refuses to attach the
    /// successor, the rotation fails before anything is detached. The future can be
    /// dropped or fail at any point; plan and run it again to go on.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Conflict`] if the successor cannot be deployed, or other clients
    ///   change its hostnames
    /// - [`ErrorKind::Timeout`] if the successor is not active when the wait ends
    /// - [`ErrorKind::QuotaExceeded`] if the account has no room for both CAs
    /// - those of [`ReleasePlan::run`]
    pub async fn run(&self, mut on_step: impl FnMut(&Step) + Send) -> Result<Rotated, Error> {
        let mut uploaded = None;
        let rotated = async {
            let rotated = self.rotate(&mut uploaded, &mut on_step).await;
            rotated.map_err(|error| error.with_uploaded(uploaded))
        };
        in_span("rotate", &self.job().id, rotated).await
    }

    /// Checks that nothing blocks the plan. Sends nothing.
    ///
    /// # Errors
    ///
    /// Those of [`ReleasePlan::check`].
    pub fn check(&self) -> Result<(), Error> {
        let checked = self.release.check();
        checked.map_err(|error| error.during("rotate", &self.job().id))
    }

    async fn rotate(
        &self,
        uploaded: &mut Option<CertificateId>,
        on_step: OnStep<'_>,
    ) -> Result<Rotated, Error> {
        self.check()?;
        let successor = match &self.successor {
            Some(stored) => stored.clone(),
            None => self.job().certificates.upload(&self.upload).await?,
        };
        let certificate_id = successor.id().clone();
        let id = &certificate_id.clone();
        on_step(&match &self.successor {
            Some(_) => Step::AlreadyUploaded { certificate_id },
            None => {
                *uploaded = Some(id.clone());
                Step::Uploaded { certificate_id }
            }
        });
        let mut attached = Vec::new();
        for zone in self.release.zones() {
            if let Some(zone) = self.attach(id, zone).await? {
                attached.push(zone.clone());
                on_step(&Step::Attached { certificate_id: id.clone(), zone });
            }
        }
        self.wait_until_active(id, on_step).await?;
        let old = self.release.run_before(Some(id), on_step).await?;
        Ok(Rotated { successor, attached, old })
    }

    /// Attaches the hostnames of a zone to the successor; returns the new ones.
    async fn attach(
        &self,
        successor: &CertificateId,
        zone: &ZoneHostnames,
    ) -> Result<Option<ZoneHostnames>, Error> {
        let hostnames = self.job().hostnames(&zone.zone_id);
        let ca = ClientCa::from(successor);
        let edited = hostnames.add(&ca, &zone.hostnames).await;
        let edited = edited.map_err(|error| match error.kind() {
            ErrorKind::InvalidRequest | ErrorKind::Conflict => {
                let detail = "the successor did not get its hostnames";
                let error = Error::from(error).with_detail(detail);
                error.with_detail(NOTHING_DETACHED)
            }
            _ => error.into(),
        })?;
        Ok(zone.with_hostnames(edited.added))
    }

    async fn wait_until_active(
        &self,
        successor: &CertificateId,
        on_step: OnStep<'_>,
    ) -> Result<(), Error> {
        let job = self.job();
        let mut was_active = false;
        let mut poll = Poll::new(&job.options);
        let active = poll_until!(poll, on_step, |left| {
            let mut rows = job.associations(successor, left).await?;
            rows.retain(|row| row.is_live() && self.stands_for_hostnames(row));
            let has = |row: &Association, status| row.status == status;
            let failed = |row: &&Association| has(row, AssociationStatus::DeploymentTimedOut);
            if let Some(row) = rows.iter().find(failed) {
                let detail = format!("{row} did not deploy the successor in time");
                let error = job.error(ErrorKind::Conflict, &detail);
                let error = error.with_detail(NOTHING_DETACHED);
                return Err(error.with_advice("wait a while, and try again"));
            }
            if rows.is_empty() {
                if self.release.zones().is_empty() {
                    return Ok(Look::Done(()));
                }
                // Not reported yet, or detached again, which waiting does not change.
                self.ensure_successor_has_all(successor).await?;
            }
            // There may be one for each zone, or one for all; and new hostnames may not be
            // reported yet, so only two active looks in a row count.
            let all_active = rows.iter().all(|row| has(row, AssociationStatus::Active));
            let is_active = all_active && !rows.is_empty();
            if is_active && was_active {
                return Ok(Look::Done(()));
            }
            was_active = is_active;
            Ok(Look::Pending(Step::AwaitingActive {
                certificate_id: successor.clone(),
                associations: rows,
            }))
        });
        let is_active = active.is_some();
        self.ensure_successor_has_all(successor).await?;
        if !is_active {
            let after = seconds(job.options.wait_timeout);
            let detail = format!("the successor is not active for all hostnames after {after}");
            let error = Error::new(ErrorKind::Timeout, detail).with_detail(NOTHING_DETACHED);
            return Err(error.with_advice(RUN_AGAIN));
        }
        on_step(&Step::Active { certificate_id: successor.clone() });
        Ok(())
    }

    /// Fails unless the successor has all hostnames in every zone.
    async fn ensure_successor_has_all(&self, successor: &CertificateId) -> Result<(), Error> {
        for zone in self.release.zones() {
            let has = self.job().ensure_successor_has(successor, zone).await;
            has.map_err(|error| error.with_detail(NOTHING_DETACHED))?;
        }
        Ok(())
    }

    /// Whether an association of the successor stands for its hostnames: it has the
    /// same name as those of the old CA, if they have one.
    fn stands_for_hostnames(&self, row: &Association) -> bool {
        let job = self.job();
        match job.hostname_services.as_slice() {
            [] => services::may_be_hostnames(&row.service, &job.options.hostname_services),
            names => names.contains(&row.service),
        }
    }

    fn job(&self) -> &Job {
        &self.release.job
    }
}
