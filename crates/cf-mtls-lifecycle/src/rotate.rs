//! Replaces a CA by its successor, under hostnames in use.

use cf_mtls::{
    Association, AssociationStatus, Certificate, CertificateFilter, CertificateId, CertificateType,
    Certificates, ClientCa, ErrorKind, Upload,
};

use crate::blocker;
use crate::error::Error;
use crate::many::patient;
use crate::options::ReleaseOptions;
use crate::poll::{Look, OnStep, Poll};
use crate::release::{Release, ReleasePlan, Released};
use crate::retire::{Job, RUN_AGAIN, seconds};
use crate::step::Step;
use crate::zone_hostnames::ZoneHostnames;

const KEPT: &str = "nothing was detached from the old CA";

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

/// What a rotation will do, and what stops it. Made by [`Rotate::plan`].
#[derive(Debug)]
#[must_use = "a plan does nothing until it is run"]
pub struct RotatePlan {
    release: ReleasePlan,
    successor: Option<Certificate>,
    copies: Vec<Certificate>,
    upload: Upload,
}

/// A CA was replaced by another.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Rotated {
    /// The successor.
    pub successor: Certificate,
    /// The hostnames that the successor has now and had not before, by zone.
    pub attached: Vec<ZoneHostnames>,
    /// The old CA, which is gone.
    pub old: Released,
}

impl Rotate {
    pub(crate) fn new(certificates: Certificates, old: CertificateId, upload: Upload) -> Self {
        Self {
            certificates,
            old,
            upload,
            options: ReleaseOptions::default(),
        }
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
    /// - [`ErrorKind::InvalidInput`] if either certificate is a leaf, or both
    ///   are the same
    /// - those of [`Release::plan`]
    pub async fn plan(&self) -> Result<RotatePlan, Error> {
        let plan = self.find_out().await;
        plan.map_err(|error| error.during("rotate", &self.old))
    }

    async fn find_out(&self) -> Result<RotatePlan, Error> {
        let refuse = |detail| Err(Error::new(ErrorKind::InvalidInput, detail));
        self.upload.check()?;
        if !self.upload.is_ca() {
            return refuse("the successor is a leaf, to which no hostnames can be moved");
        }
        let release = Release {
            certificates: self.certificates.clone(),
            id: self.old.clone(),
            zones: None,
            options: self.options.clone(),
        };
        let release = match release.find_out().await {
            Ok(release) => release,
            Err(error) => return Err(self.explain(error).await),
        };
        let old = release.certificate();
        if old.is_ca() == Some(false) {
            return refuse(
                "it is a leaf, which has no hostnames; upload the new one, delete the old",
            );
        }
        if old.chain().is_ok_and(|chain| chain == *self.upload.chain()) {
            return refuse("the successor is the same certificate as the old one");
        }
        let mut copies = self.uploaded().await?;
        Ok(RotatePlan {
            release,
            successor: copies.pop(),
            copies,
            upload: self.upload.clone(),
        })
    }

    /// Plans the rotation, and runs it unless something stops it:
    /// [`plan`](Self::plan) and [`RotatePlan::run`] in one.
    ///
    /// # Errors
    ///
    /// Those of both.
    pub async fn run(&self, on_step: impl FnMut(&Step) + Send) -> Result<Rotated, Error> {
        self.plan().await?.run(on_step).await
    }

    /// The successor, where it is in the account already, as after an earlier
    /// run. It sends only reads, and can be asked when the old CA is gone: that
    /// a successor is there does not say that it took anything over.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::InvalidInput`] if the name of the upload is not valid
    /// - those of [`Certificates::list`]
    pub async fn successor(&self) -> Result<Option<Certificate>, Error> {
        self.upload.check()?;
        Ok(self.uploaded().await?.pop())
    }

    /// Those in the account that are the same certificate as the successor. The
    /// last one is taken: the newest, one of the same name before all others.
    async fn uploaded(&self) -> Result<Vec<Certificate>, Error> {
        let custom = |kind: CertificateType| kind == CertificateType::Custom;
        let rank = |one: &Certificate| (one.name() == self.upload.name(), one.uploaded_on());
        let mut list = patient(&self.certificates).list(CertificateFilter::all().ca());
        let mut copies = Vec::new();
        while let Some(certificate) = list.next().await {
            let certificate = certificate?;
            let fits = certificate.id().is_some_and(|id| *id != self.old)
                && certificate.certificate_type().is_none_or(custom)
                && certificate
                    .chain()
                    .is_ok_and(|chain| chain == *self.upload.chain());
            if fits {
                copies.push(certificate);
            }
        }
        copies.sort_by_key(rank);
        Ok(copies)
    }

    /// An old CA that is not there may have been rotated away already.
    async fn explain(&self, error: Error) -> Error {
        if error.kind() != ErrorKind::NotFound {
            return error;
        }
        match self.successor().await {
            Ok(Some(successor)) => {
                let id = successor.id().map_or("", CertificateId::as_str);
                let detail = format!("the new CA is there as {id}, so it may be rotated already");
                error.with_detail(detail)
            }
            _ => error,
        }
    }
}

impl RotatePlan {
    /// The release of the old CA, to which the hostnames are moved first:
    /// what will be moved, and what stops it.
    pub fn release(&self) -> &ReleasePlan {
        &self.release
    }

    /// The successor, where it is in the account already.
    #[must_use]
    pub fn successor(&self) -> Option<&Certificate> {
        self.successor.as_ref()
    }

    /// Other certificates in the account that are the same as the
    /// [`successor`](Self::successor). They are left alone.
    #[must_use]
    pub fn other_copies(&self) -> &[Certificate] {
        &self.copies
    }

    /// Whether anything stops the rotation.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        self.release.is_blocked()
    }

    /// Uploads the successor unless it is there, adds the hostnames of the old
    /// CA to it, waits until it is active for them, and only then takes them
    /// from the old one, waits until nothing uses that, and deletes it.
    ///
    /// A hostname is never without an active CA. Where the service moves a
    /// hostname from one CA to the other when it is added, that is the
    /// service's own move; where it refuses to let a hostname have two CAs,
    /// there is no way without a gap, and it stops before it has taken any away.
    ///
    /// `on_step` is told each step when it is done, and each look while it
    /// waits. The upload is sent once, all other requests are repeated like the
    /// operations that they are. It can be dropped or fail at any point, and be
    /// planned and run again with the same certificate to go on.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Conflict`] if the successor could not be deployed, or
    ///   others changed its hostnames meanwhile
    /// - [`ErrorKind::Timeout`] if the successor is not active when the wait ends
    /// - [`ErrorKind::QuotaExceeded`] if the account has no room for both CAs
    /// - those of [`ReleasePlan::run`]
    pub async fn run(&self, mut on_step: impl FnMut(&Step) + Send) -> Result<Rotated, Error> {
        let mut uploaded = None;
        let rotated = self.rotate(&mut uploaded, &mut on_step).await;
        rotated.map_err(|error| {
            let error = error.with_uploaded(uploaded);
            error.during("rotate", &self.job().id)
        })
    }

    /// Whether it can be run. It sends nothing.
    ///
    /// # Errors
    ///
    /// The error with which [`run`](Self::run) would fail at once.
    pub fn check(&self) -> Result<(), Error> {
        match self.release.blocked() {
            Some(error) => Err(error.during("rotate", &self.job().id)),
            None => Ok(()),
        }
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
        let Some(certificate_id) = successor.id().cloned() else {
            let detail = "the successor was uploaded, but the response lacks its id";
            return Err(Error::new(ErrorKind::InvalidResponse, detail).with_advice(RUN_AGAIN));
        };
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
                on_step(&Step::Attached {
                    certificate_id: id.clone(),
                    zone,
                });
            }
        }
        self.wait_until_active(id, on_step).await?;
        let old = self.release.run_before(Some(id), on_step).await?;
        Ok(Rotated {
            successor,
            attached,
            old,
        })
    }

    /// Adds the hostnames of a zone to the successor; returns those that it had
    /// not before.
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
                Error::from(error).with_detail(format!(
                    "the successor did not get its hostnames, maybe because the service lets a \
                     hostname have one CA only; {KEPT}"
                ))
            }
            _ => error.into(),
        })?;
        Ok((!edited.changed.is_empty()).then(|| ZoneHostnames {
            hostnames: edited.changed,
            ..zone.clone()
        }))
    }

    async fn wait_until_active(
        &self,
        successor: &CertificateId,
        on_step: OnStep<'_>,
    ) -> Result<(), Error> {
        let job = self.job();
        let expected = !self.release.zones().is_empty();
        let mut seen_active = false;
        let mut poll = Poll::new(&job.options);
        let active = poll.until(on_step, async |left| {
            let mut rows = job.associations(successor, left).await?;
            rows.retain(|row| row.is_live() && self.stands_for_hostnames(row));
            let deployment = deployment(&rows);
            match &deployment {
                // What was attached a moment ago may not be reported yet, so only
                // what is active twice in a row counts.
                Deployment::Active if seen_active => return Ok(Look::Done(())),
                Deployment::Nothing if !expected => return Ok(Look::Done(())),
                // Not reported yet, or detached again, which no wait mends.
                Deployment::Nothing => self.ensure_successor_has_all(successor).await?,
                Deployment::Failed(row) => {
                    let detail = format!("{row} did not deploy the successor in time; {KEPT}");
                    let error = job.error(ErrorKind::Conflict, &detail);
                    return Err(error.with_advice("wait a while, and try again"));
                }
                Deployment::Active | Deployment::Pending => {}
            }
            seen_active = deployment == Deployment::Active;
            Ok(Look::Pending(Step::AwaitingActive {
                certificate_id: successor.clone(),
                associations: rows,
            }))
        });
        let is_active = active.await?.is_some();
        self.ensure_successor_has_all(successor).await?;
        if !is_active {
            let after = seconds(job.options.wait_timeout);
            let detail =
                format!("the successor is not active for all hostnames after {after}; {KEPT}");
            return Err(Error::new(ErrorKind::Timeout, detail).with_advice(RUN_AGAIN));
        }
        on_step(&Step::Active {
            certificate_id: successor.clone(),
        });
        Ok(())
    }

    /// Fails where the successor does not have all hostnames in every zone.
    async fn ensure_successor_has_all(&self, successor: &CertificateId) -> Result<(), Error> {
        for zone in self.release.zones() {
            let has = self.job().ensure_successor_has(successor, zone).await;
            has.map_err(|error| error.with_detail(KEPT))?;
        }
        Ok(())
    }

    /// Whether an association of the successor is one of its hostnames: under the
    /// name that the old CA's have, where they have one.
    fn stands_for_hostnames(&self, row: &Association) -> bool {
        let job = self.job();
        match job.hostname_services.as_slice() {
            [] => blocker::may_be_hostnames(&row.service, &job.options.hostname_services),
            names => names.contains(&row.service),
        }
    }

    fn job(&self) -> &Job {
        &self.release.job
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Deployment {
    Nothing,
    Pending,
    Active,
    Failed(Association),
}

/// How far a CA is deployed, by the associations that stand for its hostnames.
/// Maybe there is one for each zone, maybe one for all.
fn deployment(rows: &[Association]) -> Deployment {
    let timed_out = AssociationStatus::DeploymentTimedOut;
    if let Some(row) = rows.iter().find(|row| row.status == timed_out) {
        return Deployment::Failed(row.clone());
    }
    let active = |row: &Association| row.status == AssociationStatus::Active;
    match rows {
        [] => Deployment::Nothing,
        rows if rows.iter().all(active) => Deployment::Active,
        _ => Deployment::Pending,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ca_is_active_when_all_that_is_told_is() {
        use AssociationStatus::{Active, DeploymentTimedOut, Other, PendingDeployment};
        let row = |status: &AssociationStatus| -> Association {
            let json = serde_json::json!({ "service": "API Shield", "status": status });
            serde_json::from_value(json).unwrap()
        };
        let table = [
            (vec![], Deployment::Nothing),
            (vec![Active], Deployment::Active),
            (vec![Active, Active], Deployment::Active),
            (vec![Active, PendingDeployment], Deployment::Pending),
            (vec![Other("new".to_owned())], Deployment::Pending),
            (
                vec![Active, DeploymentTimedOut],
                Deployment::Failed(row(&DeploymentTimedOut)),
            ),
        ];
        for (statuses, want) in table {
            let rows: Vec<_> = statuses.iter().map(row).collect();
            assert_eq!(deployment(&rows), want, "{statuses:?}");
        }
    }
}
