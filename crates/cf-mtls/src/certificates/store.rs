//! Uploads a certificate once, and finds out the outcome.

use super::certificate::Certificate;
use super::upload::Upload;
use super::{CertificateFilter, Certificates};
use crate::error::{Error, ErrorKind, Operation};
use crate::transport::requests::UploadCertificate;
use crate::transport::{Call, Failed, Replay, traced};

impl Certificates {
    /// Uploads a certificate.
    ///
    /// It is not sent again once it may have arrived, because that might store
    /// it twice. After an attempt with an unclear outcome the client looks for
    /// the same certificate under the same name in the list, and takes the
    /// newest for the one that was stored.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::QuotaExceeded`](crate::ErrorKind::QuotaExceeded) if the
    ///   account has no room for another CA
    /// - [`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest) if the
    ///   service refuses the certificate
    /// - others as in the [table of the crate](crate#errors);
    ///   [`Error::may_have_taken_effect`] tells whether it may be stored all the same
    pub async fn upload(&self, upload: &Upload) -> Result<Certificate, Error> {
        upload.check()?;
        let call = self
            .call(Operation::UploadCertificate, None)
            .hide(upload.private_key());
        traced(call.span(), store(self, call, upload)).await
    }
}

async fn store(
    certificates: &Certificates,
    mut call: Call<'_>,
    upload: &Upload,
) -> Result<Certificate, Error> {
    let request = UploadCertificate {
        account: &certificates.account,
        body: &upload.to_wire(),
    };
    match call.write(Replay::Unsafe, request).await {
        Ok(envelope) => {
            let told = envelope
                .result
                .map(Certificate::from)
                .unwrap_or_else(Certificate::blank);
            if told.id().is_some() {
                return Ok(told);
            }
            // It is stored; its id is worth a look, but no error.
            let found = Box::pin(find(&certificates.in_time(call.left()), upload)).await;
            Ok(found.ok().flatten().unwrap_or(told))
        }
        Err(Failed {
            error,
            ambiguous: false,
            ..
        }) => Err(error),
        Err(Failed { error, .. }) => match find(&certificates.in_time(call.left()), upload).await {
            Ok(Some(certificate)) => Ok(certificate),
            Ok(None) => Err(error.with_detail("it was not in the list when looked for afterwards")),
            Err(unknown) => Err(error.with_detail(format!(
                "looking for it afterwards failed too: {}",
                unknown.kind()
            ))),
        },
    }
}

/// The newest certificate that is the same and has the same name. PEM is stored
/// with other line ends than it was sent with, so what it encodes is compared.
async fn find(certificates: &Certificates, upload: &Upload) -> Result<Option<Certificate>, Error> {
    let filter = match upload.name() {
        Some(name) => CertificateFilter::all().name(name),
        None => CertificateFilter::all(),
    };
    let mut list = certificates.list(filter);
    let mut newest: Option<Certificate> = None;
    let read = async {
        while let Some(certificate) = list.next().await {
            let certificate = certificate?;
            let same = certificate.name().unwrap_or_default() == upload.name().unwrap_or_default()
                && certificate.is_ca().is_none_or(|ca| ca == upload.is_ca())
                && certificate
                    .chain()
                    .is_ok_and(|chain| chain == *upload.chain());
            let newer = newest
                .as_ref()
                .is_none_or(|other| other.uploaded_on() <= certificate.uploaded_on());
            if same && newer {
                newest = Some(certificate);
            }
        }
        Ok(newest)
    };
    // Each page has a deadline of its own, all of them share this one.
    match tokio::time::timeout(certificates.client.limits().time.total(), read).await {
        Ok(found) => found,
        Err(_) => Err(Error::new(ErrorKind::Timeout)),
    }
}
