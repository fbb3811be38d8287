//! Deletes a certificate, and reports what is true of it afterwards.

use cf_mtls_api::CertificateId;

use super::Certificates;
use super::certificate::Certificate;
use crate::error::{Error, ErrorKind, Operation};
use crate::model::Association;
use crate::transport::requests::DeleteCertificate;
use crate::transport::{Call, Failed, Replay, traced};

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

impl Certificates {
    /// Deletes a certificate.
    ///
    /// `Ok` means that it is gone: the service said so, or, after an attempt
    /// with an unclear outcome, it was seen to be gone. An attempt that may have
    /// arrived is repeated, since deleting twice does no harm; where no attempt
    /// got a clear answer, the client looks before it answers.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::InUse`](crate::ErrorKind::InUse) while a service uses it,
    ///   with [`Error::associations`]
    /// - [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if the account
    ///   holds no such certificate
    /// - others as in the [table of the crate](crate#errors);
    ///   [`Error::may_have_taken_effect`] tells whether it may be gone all the same
    pub async fn delete(&self, id: &CertificateId) -> Result<Deleted, Error> {
        let mut call = self.call(Operation::DeleteCertificate, Some(id));
        traced(call.span(), delete(self, &mut call, id)).await
    }
}

async fn delete(
    certificates: &Certificates,
    call: &mut Call<'_>,
    id: &CertificateId,
) -> Result<Deleted, Error> {
    let request = DeleteCertificate {
        account: &certificates.account,
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
    if error.is_unexplained_refusal() {
        // No code says so for certain; what the associations say is evidence.
        match certificates.in_time(call.left()).associations(id).await {
            Ok(associations) if !associations.iter().all(Association::has_ended) => {
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
    match certificates.in_time(call.left()).get(id).await {
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
