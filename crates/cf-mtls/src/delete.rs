//! Deletes a certificate, and says what is true of it afterwards.

use cf_mtls_api::CertificateId;

use crate::association::{Association, AssociationStatus};
use crate::call::{Call, Failed, Replay};
use crate::certificate::Certificate;
use crate::certificates::Certificates;
use crate::classify;
use crate::error::{Error, ErrorKind};
use crate::requests::DeleteCertificate;

/// A certificate is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Deleted {
    certificate: Option<Certificate>,
    confirmed: bool,
}

impl Deleted {
    /// The certificate as it was, where the service told.
    #[must_use]
    pub fn certificate(&self) -> Option<&Certificate> {
        self.certificate.as_ref()
    }

    /// Whether the service confirmed the deletion itself. Otherwise an attempt
    /// had an unclear outcome, and the certificate was then seen to be gone: by
    /// this attempt, or by somebody else at the same time.
    #[must_use]
    pub fn is_confirmed(&self) -> bool {
        self.confirmed
    }

    const SEEN_GONE: Self = Self {
        certificate: None,
        confirmed: false,
    };
}

pub(crate) async fn delete(
    certificates: &Certificates,
    call: &mut Call<'_>,
    id: &CertificateId,
) -> Result<Deleted, Error> {
    let request = DeleteCertificate {
        account: certificates.account(),
        id,
    };
    match call.write(Replay::Safe, request).await {
        // `success: true` is the evidence, whatever came as the result.
        Ok(envelope) => {
            let certificate = envelope.result.map(Certificate::from);
            let certificate = certificate.filter(|certificate| !certificate.is_blank());
            Ok(Deleted {
                certificate,
                confirmed: true,
            })
        }
        // Boxed, so that deletes which just work do not carry the room for it.
        Err(failed) => Box::pin(find_out(certificates, call, id, failed)).await,
    }
}

/// Finds out what became of a certificate that was not simply deleted.
async fn find_out(
    certificates: &Certificates,
    call: &Call<'_>,
    id: &CertificateId,
    failed: Failed,
) -> Result<Deleted, Error> {
    let Failed {
        mut error,
        ambiguous,
        unanswered,
        ..
    } = failed;
    if error.kind() == ErrorKind::NotFound && ambiguous {
        return Ok(Deleted::SEEN_GONE);
    }
    if may_be_in_use(&error) {
        // No code says so for certain; what the associations say is evidence.
        match certificates.within(call.left()).associations(id).await {
            Ok(associations) if associations.iter().any(is_use) => {
                let error = error
                    .with_kind(ErrorKind::InUse)
                    .with_associations(call.presentable(associations));
                // An attempt without an answer may still be under way.
                return Err(error.with_effect(unanswered));
            }
            Ok(_) => error = error.with_detail("no service uses it, as far as the service tells"),
            Err(unknown) => {
                let detail = format!(
                    "whether it is in use could not be found out: {}",
                    unknown.kind()
                );
                error = error.with_detail(detail);
            }
        }
    }
    if !ambiguous {
        return Err(error);
    }
    match certificates.within(call.left()).get(id).await {
        Err(gone) if gone.kind() == ErrorKind::NotFound => Ok(Deleted::SEEN_GONE),
        // An attempt without an answer may still be under way.
        Ok(_) => Err(error
            .with_effect(unanswered)
            .with_detail("it was still there when looked up afterwards")),
        Err(unknown) => Err(error.with_detail(format!(
            "looking it up afterwards failed too: {}",
            unknown.kind()
        ))),
    }
}

/// Whether the service refused for a reason that is none of the known others.
fn may_be_in_use(error: &Error) -> bool {
    // The status of that refusal is as unpublished as its code.
    let refused = matches!(
        error.kind(),
        ErrorKind::InvalidRequest | ErrorKind::Conflict | ErrorKind::Permission
    );
    refused && error.status().is_some() && !error.codes().any(classify::is_known)
}

/// A use that has ended keeps nothing.
fn is_use(association: &Association) -> bool {
    association.status != AssociationStatus::Deleted
}
