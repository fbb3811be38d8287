//! Replaces a CA by its successor, under hostnames in use.

use cf_mtls_api::CertificateId;

use crate::association::{Association, AssociationStatus};
use crate::blocker;
use crate::certificate::{Certificate, CertificateType};
use crate::certificates::{CertificateFilter, Certificates};
use crate::edit::{self, Edit};
use crate::error::{Error, ErrorKind};
use crate::hostnames::ClientCa;
use crate::letting_go::{look, taken_over};
use crate::operation::Operation;
use crate::release::{Options, Release, ReleasePlan, Released, release_setters};
use crate::step::Step;
use crate::upload::Upload;
use crate::usage::ZoneHostnames;
use crate::wait;

/// A CA to replace by another. Made by [`Certificates::rotate`].
#[derive(Clone, Debug)]
#[must_use = "nothing is replaced until it is run"]
pub struct Rotate {
    certificates: Certificates,
    old: CertificateId,
    upload: Upload,
    options: Options,
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
            options: Options::default(),
        }
    }

    release_setters!();

    /// Finds out what is to be done, and what stops it. It sends only reads.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::InvalidInput`] if either certificate is a leaf, or both
    ///   are the same
    /// - those of [`Release::plan`]
    pub async fn plan(&self) -> Result<RotatePlan, Error> {
        let refuse = |detail| Err(self.tell(Error::invalid_input(detail)));
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
        let release = match release.plan().await {
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
        let mut list = self
            .certificates
            .patient()
            .list(CertificateFilter::all().ca());
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

    fn tell(&self, error: Error) -> Error {
        let subject = self.certificates.subject(Some(&self.old));
        error.of(Operation::GetCertificate, &subject)
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
        self.release.check()?;
        let on_step: &mut (dyn FnMut(&Step) + Send) = &mut on_step;
        let successor = self.successor_uploaded(on_step).await?;
        let Some(id) = successor.id() else {
            return Err(Error::new(ErrorKind::InvalidResponse)
                .with_detail("the successor was uploaded, but the service does not tell its id")
                .of(
                    Operation::UploadCertificate,
                    &self.certificates().subject(None),
                ));
        };
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

    async fn successor_uploaded(
        &self,
        on_step: &mut (dyn FnMut(&Step) + Send),
    ) -> Result<Certificate, Error> {
        let (certificate, known) = match &self.successor {
            Some(known) => (known.clone(), true),
            None => (self.certificates().upload(&self.upload).await?, false),
        };
        if let Some(certificate_id) = certificate.id().cloned() {
            on_step(&match known {
                true => Step::AlreadyUploaded { certificate_id },
                false => Step::Uploaded { certificate_id },
            });
        }
        Ok(certificate)
    }

    /// Adds the hostnames of a zone to the successor; returns those that it had
    /// not before.
    async fn attach(
        &self,
        successor: &CertificateId,
        zone: &ZoneHostnames,
    ) -> Result<Option<ZoneHostnames>, Error> {
        let hostnames = self.certificates().hostnames(&zone.zone_id);
        let ca = ClientCa::from(successor);
        let edited = edit::edit(&hostnames, &ca, Edit::Add, zone.hostnames.clone()).await;
        let edited = edited.map_err(|error| match error.kind() {
            ErrorKind::InvalidRequest | ErrorKind::Conflict => error.with_detail(
                "the old CA keeps its hostnames, for the successor did not get them; maybe the \
                 service lets a hostname have one CA only",
            ),
            _ => error,
        })?;
        Ok((!edited.changed.is_empty()).then(|| ZoneHostnames {
            hostnames: edited.changed,
            ..zone.clone()
        }))
    }

    async fn wait_until_active(
        &self,
        successor: &CertificateId,
        on_step: &mut (dyn FnMut(&Step) + Send),
    ) -> Result<(), Error> {
        let options = &self.release.order.options;
        let expected = !self.release.zones().is_empty();
        let mut turns = options.wait.begin();
        let mut seen_active = false;
        let subject = self.certificates().subject(Some(successor));
        let failed = |kind, detail: &str| {
            let detail = self.certificates().presentable(detail);
            let error = Error::new(kind).with_detail(detail);
            error.of(Operation::ListAssociations, &subject)
        };
        loop {
            let mut rows = look(self.certificates(), successor, &turns).await?;
            rows.retain(|row| !row.is_leaving() && self.stands_for_hostnames(row));
            match standing(&rows) {
                // What was attached a moment ago may not be told yet, so only
                // what stays so counts.
                Standing::Active if seen_active => break,
                Standing::Active => seen_active = true,
                Standing::Nothing if !expected => break,
                // Not told yet, or taken away again, which no wait mends.
                Standing::Nothing => {
                    seen_active = false;
                    self.check_taken_over(successor).await?;
                }
                Standing::Pending => seen_active = false,
                Standing::Failed(row) => {
                    let detail = format!("{row} did not get the successor in time");
                    return Err(failed(ErrorKind::Conflict, &detail));
                }
            }
            on_step(&Step::AwaitingActive {
                certificate_id: successor.clone(),
                associations: rows,
            });
            if !turns.pause().await {
                self.check_taken_over(successor).await?;
                let detail = format!(
                    "the successor is not active for all hostnames after {}; nothing was taken \
                     from the old CA",
                    options.wait
                );
                return Err(failed(ErrorKind::Timeout, &detail).with_next(wait::LATER));
            }
        }
        self.check_taken_over(successor).await?;
        on_step(&Step::Active {
            certificate_id: successor.clone(),
        });
        Ok(())
    }

    /// Whether the successor has still what was attached to it, in every zone.
    async fn check_taken_over(&self, successor: &CertificateId) -> Result<(), Error> {
        for zone in self.release.zones() {
            let held = taken_over(self.certificates(), successor, zone).await;
            held.map_err(|error| error.with_detail("nothing was taken from the old CA"))?;
        }
        Ok(())
    }

    /// Whether an association of the successor is one of its hostnames: under the
    /// name that the old CA's have, where they have one.
    fn stands_for_hostnames(&self, row: &Association) -> bool {
        let order = &self.release.order;
        match order.by_hostnames.as_slice() {
            [] => blocker::may_be_by_hostnames(&row.service, &order.options.hostname_services),
            names => names.contains(&row.service),
        }
    }

    fn certificates(&self) -> &Certificates {
        &self.release.order.certificates
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Standing {
    Nothing,
    Pending,
    Active,
    Failed(Association),
}

/// How far a CA is deployed, by the associations that stand for its hostnames.
/// Maybe there is one for each zone, maybe one for all.
fn standing(rows: &[Association]) -> Standing {
    let timed_out = AssociationStatus::DeploymentTimedOut;
    if let Some(row) = rows.iter().find(|row| row.status == timed_out) {
        return Standing::Failed(row.clone());
    }
    let active = |row: &Association| row.status == AssociationStatus::Active;
    match rows {
        [] => Standing::Nothing,
        rows if rows.iter().all(active) => Standing::Active,
        _ => Standing::Pending,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ca_is_active_when_all_that_is_told_is() {
        use AssociationStatus::{Active, DeploymentTimedOut, Other, PendingDeployment};
        let row = |status: &AssociationStatus| Association {
            service: "API Shield".to_owned(),
            status: status.clone(),
        };
        let table = [
            (vec![], Standing::Nothing),
            (vec![Active], Standing::Active),
            (vec![Active, Active], Standing::Active),
            (vec![Active, PendingDeployment], Standing::Pending),
            (vec![Other("new".to_owned())], Standing::Pending),
            (
                vec![Active, DeploymentTimedOut],
                Standing::Failed(row(&DeploymentTimedOut)),
            ),
        ];
        for (statuses, want) in table {
            let rows: Vec<_> = statuses.iter().map(row).collect();
            assert_eq!(standing(&rows), want, "{statuses:?}");
        }
    }
}
