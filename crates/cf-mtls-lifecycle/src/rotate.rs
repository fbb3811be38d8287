//! Replaces a CA by its successor, while its hostnames are in use.

use cf_mtls::{
    Association, AssociationStatus, Certificate, CertificateId, Certificates, ClientCa, ErrorKind,
    Upload, ZoneHostnames,
};
use jiff::Timestamp;

use crate::error::Error;
use crate::many::{in_span, patient};
use crate::options::ReleaseOptions;
use crate::poll::{MAX_LAG, OnStep, Poll};
use crate::release::{Release, ReleasePlan, Released};
use crate::retire::RUN_AGAIN;
use crate::services;
use crate::step::Step;
use crate::x509::CertificateContents;

/// A CA to replace by another. Made by [`CertificatesExt::rotate`](crate::CertificatesExt::rotate).
#[derive(Clone, Debug)]
#[must_use = "nothing is replaced until it is run"]
pub struct Rotate {
    certificates: Certificates,
    old: CertificateId,
    upload: Upload,
    options: ReleaseOptions,
}

/// A rotation that can be run. Made by [`Rotate::plan`].
#[derive(Clone, Debug)]
#[must_use = "a plan does nothing until it is run"]
pub struct RotatePlan {
    release: ReleasePlan,
    successor: Option<Certificate>,
    upload: Upload,
}

record! {
    /// A CA was replaced by another.
    pub struct Rotated {
        /// The successor.
        pub successor: Certificate,
        /// The hostnames that were attached to the successor, by zone.
        pub attached: Vec<ZoneHostnames>,
        /// The old CA, which is gone.
        pub old: Released,
    }
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
        let certificates = patient(&self.certificates);
        let plan = async {
            self.upload.check()?;
            if !self.upload.is_ca() {
                return refuse("the successor is a leaf, to which no hostnames can be moved");
            }
            let contents = CertificateContents::read(self.upload.chain());
            let mut problems = contents.iter().filter_map(|one| one.problem(Timestamp::now()));
            if let Some(problem) = problems.next().filter(|_| !self.options.any_ca_allowed) {
                return refuse(&format!("the successor would verify no client: {problem}"));
            }
            let release = Release::new(self.certificates.clone(), self.old.clone());
            let release = release.with_options(self.options.clone().with_all_zones());
            let successor = certificates.find_same(&self.upload).await?;
            let already = |error: Error| match &successor {
                Some(one) if error.kind() == ErrorKind::NotFound => error.with_detail(format!(
                    "the new CA is there as {}, so it may be rotated already",
                    one.id()
                )),
                _ => error,
            };
            let release = release.plan().await.map_err(already)?;
            // Zones say that it is gone. If so, a rotation that began before ends well.
            if release.usage().zones_not_read
                && release.blockers().is_empty()
                && successor.is_none()
            {
                let detail = "zones say that it does not exist, although reads still show it";
                return Err(Error::new(ErrorKind::NotFound, detail));
            }
            let old = &release.usage().certificate;
            if old.is_ca() == Some(false) {
                return refuse("it is a leaf: upload the new one, change what uses it, release it");
            }
            if old.chain().is_ok_and(|chain| chain == *self.upload.chain()) {
                return refuse("the successor is the same certificate as the old one");
            }
            let upload = self.named_like(old);
            Ok(RotatePlan { release, successor, upload })
        };
        in_span("plan rotate", Some(&self.old), plan).await
    }

    /// Plans the rotation, and runs the plan.
    ///
    /// # Errors
    ///
    /// Those of [`plan`](Self::plan) and [`RotatePlan::run`].
    pub async fn run(&self, on_step: impl FnMut(&Step) + Send) -> Result<Rotated, Error> {
        self.plan().await?.run(on_step).await
    }

    /// The upload, with the name of the old CA unless it has one.
    fn named_like(&self, old: &Certificate) -> Upload {
        let upload = self.upload.clone();
        let name = old.name().filter(|name| !name.is_empty() && upload.name().is_none());
        let named = name.map(|name| upload.clone().with_name(name));
        named.filter(|named| named.check().is_ok()).unwrap_or(upload)
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
        in_span("rotate", Some(&self.release.id), self.rotate(&mut on_step)).await
    }

    /// Checks that nothing blocks the plan. Sends nothing.
    ///
    /// # Errors
    ///
    /// Those of [`ReleasePlan::check`].
    pub fn check(&self) -> Result<(), Error> {
        let checked = self.release.check();
        checked.map_err(|error| error.during("rotate", &self.release.id))
    }

    async fn rotate(&self, on_step: OnStep<'_>) -> Result<Rotated, Error> {
        let unchanged = |error: Error| error.with_detail("nothing was detached from the old CA");
        self.check()?;
        let (successor, is_new) = self.ensure().await.map_err(unchanged)?;
        let id = successor.id();
        let step = if is_new { Step::uploaded } else { Step::already_uploaded };
        on_step(&step(id.clone()));
        let moved = async {
            let attached = self.attach_all(id, on_step).await.map_err(unchanged)?;
            Ok((attached, self.release.retire(Some(id), on_step).await?))
        };
        let uploaded = is_new.then(|| id.clone());
        let (attached, old) = moved.await.map_err(|error: Error| error.with_uploaded(uploaded))?;
        Ok(Rotated { successor, attached, old })
    }

    /// Attaches the hostnames of the old CA, before it loses any.
    async fn attach_all(
        &self,
        id: &CertificateId,
        on_step: OnStep<'_>,
    ) -> Result<Vec<ZoneHostnames>, Error> {
        let mut attached = Vec::new();
        for zone in &self.release.usage().zones {
            let (mut poll, ca) = (Poll::new(&self.release.options), ClientCa::from(id));
            let hostnames = self.release.hostnames(&zone.zone_id);
            let added = loop {
                match hostnames.add(&ca, &zone.hostnames).await {
                    // A zone may not know yet what was uploaded just now.
                    Err(error) if error.kind() == ErrorKind::NotFound && poll.wait().await => {}
                    added => break added,
                }
            };
            let failed = |error: cf_mtls::Error| match error.kind() {
                ErrorKind::NotFound => {
                    let detail = format!("the zone of {zone} does not know {id}");
                    self.release.error(ErrorKind::Timeout, &self.release.after(&detail))
                }
                _ => Error::from(error).with_detail("the successor did not get its hostnames"),
            };
            if let Some(zone) = zone.with_hostnames(added.map_err(failed)?.added) {
                attached.push(zone.clone());
                on_step(&Step::attached(id.clone(), zone));
            }
        }
        self.wait_until_active(id, attached.is_empty(), on_step).await?;
        Ok(attached)
    }

    /// Uploads the successor; returns it, and whether it is new. Only the service's refusal
    /// tells that it is stored: a list may lack it, or show one that was deleted.
    async fn ensure(&self) -> Result<(Certificate, bool), Error> {
        let certificates = &self.release.certificates;
        let mut poll = Poll::new(&self.release.options);
        loop {
            let error = match certificates.upload(&self.upload).await {
                Ok(stored) => return Ok((stored, true)),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => error,
                Err(error) => return Err(error.into()),
            };
            if let Some(id) = error.existing_certificate() {
                match certificates.get(id).await {
                    Ok(stored) if stored.is_ca() != Some(false) => return Ok((stored, false)),
                    Err(gone) if gone.kind() == ErrorKind::NotFound => {}
                    other => return Err(other.err().unwrap_or(error).into()),
                }
            }
            if !poll.wait().await {
                return Err(error.into());
            }
        }
    }

    async fn wait_until_active(
        &self,
        successor: &CertificateId,
        was_attached: bool,
        on_step: OnStep<'_>,
    ) -> Result<(), Error> {
        let release = &self.release;
        // Without a wait the one look counts, but for what was attached just now.
        let mut was_active = was_attached && release.options.wait_timeout.is_zero();
        let mut poll = Poll::new(&release.options);
        loop {
            let mut rows = match release.associations_of(successor, &poll).await {
                // Not yet.
                Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
                rows => rows?,
            };
            rows.retain(|row| row.is_live() && self.stands_for_hostnames(row));
            let failed = |row: &&Association| row.status == AssociationStatus::DeploymentTimedOut;
            if let Some(row) = rows.iter().find(failed) {
                let detail = format!("{row} did not deploy the successor in time");
                let error = release.error(ErrorKind::Conflict, &detail);
                return Err(error.with_advice("wait a while, and try again"));
            }
            // Where the old CA had no association either, the lists will be the evidence.
            let is_hidden = !release.usage().associations.iter().any(Association::is_live)
                && MAX_LAG <= poll.elapsed();
            if rows.is_empty() && (release.usage().zones.is_empty() || is_hidden) {
                break;
            }
            // There may be one for each zone, or one for all; and new hostnames may not be
            // reported yet, so only two active looks in a row count.
            let active = |row: &Association| row.status == AssociationStatus::Active;
            let is_active = !rows.is_empty() && rows.iter().all(active);
            if is_active && was_active {
                break;
            }
            was_active = is_active;
            on_step(&Step::awaiting_active(successor.clone(), rows));
            if !poll.wait().await {
                for zone in &release.usage().zones {
                    match release.is_shown(successor, zone).await {
                        Err(error) if error.kind() == ErrorKind::Conflict => return Err(error),
                        _ => {}
                    }
                }
                let detail = release.after("the successor is not active for all hostnames");
                return Err(Error::new(ErrorKind::Timeout, detail).with_advice(RUN_AGAIN));
            }
        }
        on_step(&Step::active(successor.clone()));
        Ok(())
    }

    /// Whether an association of the successor stands for its hostnames: it has the
    /// same name as those of the old CA, if they have one.
    fn stands_for_hostnames(&self, row: &Association) -> bool {
        match self.release.hostname_services.as_slice() {
            [] => services::may_be_hostnames(&row.service, &self.release.options.hostname_services),
            names => names.contains(&row.service),
        }
    }
}
