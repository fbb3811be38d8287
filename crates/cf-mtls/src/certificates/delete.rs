//! Deletes a certificate, and finds out what is true afterwards.

use std::pin::pin;

use cf_mtls_api::requests::DeleteCertificate;
use cf_mtls_api::{Association, CertificateId};
use serde::{Deserialize, Serialize};

use super::Certificates;
use super::certificate::Certificate;
use crate::error::{Error, ErrorKind, Operation};
use crate::transport::{Call, Effect, FailedCall, Looks};

/// A certificate is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[must_use]
pub struct Deleted {
    certificate: Option<Certificate>,
    confirmed: bool,
}

impl Deleted {
    /// The outcome of a delete, as a test or a fake needs it.
    pub fn new(certificate: Option<Certificate>, confirmed: bool) -> Self {
        Self { certificate, confirmed }
    }

    /// The certificate as it was, if the response contains it.
    pub fn certificate(&self) -> Option<&Certificate> {
        self.certificate.as_ref()
    }

    /// Whether the service confirmed the deletion. Otherwise the outcome of an
    /// attempt was unclear, and the certificate did not exist afterwards: this
    /// client deleted it, or another one at the same time.
    pub fn is_confirmed(&self) -> bool {
        self.confirmed
    }
}

impl Certificates {
    /// Deletes a certificate.
    ///
    /// `Ok` means that it is gone: the service confirmed it, or the certificate did not exist after
    /// an attempt with an unclear outcome. Such an attempt is retried, since deleting twice does no
    /// harm. If no attempt has a clear outcome, the client looks the certificate up, and again for
    /// a while, since the service may still show what it has deleted.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::InUse`](crate::ErrorKind::InUse) if it is in use, by
    ///   [`Error::associations`]. The service refuses for about a minute after the last
    ///   use has ended, and lists none by then
    /// - [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if the account has no such certificate
    /// - others as in the [table of the crate](crate#errors)
    pub async fn delete(&self, id: &CertificateId) -> Result<Deleted, Error> {
        let mut call = self.call(Operation::DeleteCertificate, Some(id));
        call.span().run(pin!(self.send_delete(&mut call, id))).await
    }

    async fn send_delete(&self, call: &mut Call<'_>, id: &CertificateId) -> Result<Deleted, Error> {
        let request = DeleteCertificate { account_id: &self.account, mtls_certificate_id: id };
        match call.send(request).await {
            Ok(envelope) => {
                let certificate = envelope.result.and_then(Certificate::from_wire);
                if certificate.as_ref().is_some_and(|certificate| certificate.id() != id) {
                    let failed = call.unclear("the response is about another certificate");
                    return Box::pin(self.find_out_delete(call, id, failed)).await;
                }
                // `success: true` is the evidence, whatever else is in the result.
                Ok(Deleted { certificate, confirmed: true })
            }
            // Boxed, so that a delete that just works needs no room for it.
            Err(failed) => Box::pin(self.find_out_delete(call, id, failed)).await,
        }
    }

    /// Finds out the outcome of a delete that was not confirmed.
    async fn find_out_delete(
        &self,
        call: &Call<'_>,
        id: &CertificateId,
        failed: FailedCall,
    ) -> Result<Deleted, Error> {
        let (mut error, effect) = (failed.error, failed.effect);
        let mut looks = Looks::default();
        // The refusal may say so itself; the associations say by what.
        let in_use = error.kind() == ErrorKind::InUse;
        if in_use || error.is_unexplained_refusal() {
            match self.in_rest_of(call, &looks).associations(id).await {
                Ok(uses) if !uses.iter().all(Association::has_ended) => {
                    return Err(error
                        .with_kind(ErrorKind::InUse)
                        .with_associations(self.redact_associations(uses))
                        .with_may_have_taken_effect(effect == Effect::Pending));
                }
                Ok(_) if in_use => {
                    error = error.with_detail(
                        "the service lists nothing that uses it, as for a while (about a minute) \
                         after the last use has ended",
                    );
                }
                Ok(_) => error = error.with_detail("no service is known to use it"),
                Err(gone) if !in_use && gone.kind() == ErrorKind::NotFound => {
                    error = error.with_kind(ErrorKind::NotFound);
                }
                Err(unknown) => error = error.with_failed_lookup(&unknown),
            }
        }
        match (effect, error.kind()) {
            (Effect::None, _) => return Err(error),
            (_, ErrorKind::NotFound) => return Ok(Deleted::new(None, false)),
            _ => {}
        }
        loop {
            match self.in_rest_of(call, &looks).get(id).await {
                Err(gone) if gone.kind() == ErrorKind::NotFound => {
                    return Ok(Deleted::new(None, false));
                }
                Err(unknown) => return Err(error.with_failed_lookup(&unknown)),
                Ok(_) => {}
            }
            let limits = call.remaining_limits();
            match looks.next_delay(&limits.retry, limits.deadline) {
                Some(delay) => tokio::time::sleep(delay).await,
                // That is no evidence: a certificate may be shown after it was deleted.
                None => return Err(error.with_detail("reads still showed it afterwards")),
            }
        }
    }

    /// Associations as they may appear in an error: at most 64, each like a text of
    /// [`Client::redact`](crate::Client::redact).
    #[must_use]
    pub fn redact_associations(&self, mut associations: Vec<Association>) -> Vec<Association> {
        const MAX_ASSOCIATIONS: usize = 64;
        const MAX_CHARS: usize = 100;
        let redact = |text: &str| self.client.shared().sanitizer.clean(text, MAX_CHARS);
        associations.truncate(MAX_ASSOCIATIONS);
        for association in &mut associations {
            association.service = redact(&association.service);
            association.status = redact(association.status.as_str()).into();
        }
        associations
    }
}
