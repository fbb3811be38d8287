//! Envelopes for typed mocks, in one line each.
//!
//! ```
//! use cf_mtls_testkit::{cf_mtls_api::types::Certificate, envelopes};
//!
//! let mut one = Certificate::default();
//! one.name = Some("devices".to_owned());
//! assert!(envelopes::certificate(one).success);
//! assert!(!envelopes::error(9109, "Invalid access token").success);
//! ```

use cf_mtls_api::types::{
    ApiMessage, Association, AssociationListEnvelope, Certificate, CertificateEnvelope,
    CertificateListEnvelope, ErrorEnvelope, Hostnames, HostnamesEnvelope, ResultInfo, Zone,
    ZoneListEnvelope,
};

/// Fills an envelope of a list that has one page.
macro_rules! one_page {
    ($envelope:ty, $rows:expr) => {{
        let rows: Vec<_> = $rows;
        let count = i64::try_from(rows.len()).ok();
        let mut info = ResultInfo::default();
        (info.page, info.per_page, info.total_pages) = (Some(1), Some(50), Some(1));
        (info.count, info.total_count) = (count, count);
        let mut envelope = <$envelope>::default();
        envelope.success = true;
        envelope.result_info = Some(info);
        envelope.result = Some(rows);
        envelope
    }};
}

/// A certificate: the response to an upload, a get or a delete.
pub fn certificate(certificate: Certificate) -> CertificateEnvelope {
    let mut envelope = CertificateEnvelope::default();
    envelope.success = true;
    envelope.result = Some(certificate);
    envelope
}

/// All certificates, on one page.
pub fn certificates(certificates: Vec<Certificate>) -> CertificateListEnvelope {
    one_page!(CertificateListEnvelope, certificates)
}

/// All associations of a certificate, on one page: services and statuses.
pub fn associations<S: Into<String>>(
    rows: impl IntoIterator<Item = (S, S)>,
) -> AssociationListEnvelope {
    let rows = rows.into_iter().map(|(service, status)| {
        let mut association = Association::default();
        association.service = Some(service.into());
        association.status = Some(status.into());
        association
    });
    one_page!(AssociationListEnvelope, rows.collect())
}

/// A list of hostnames.
pub fn hostnames<S: Into<String>>(hostnames: impl IntoIterator<Item = S>) -> HostnamesEnvelope {
    let mut result = Hostnames::default();
    result.hostnames = Some(hostnames.into_iter().map(Into::into).collect());
    let mut envelope = HostnamesEnvelope::default();
    envelope.success = true;
    envelope.result = Some(result);
    envelope
}

/// All zones, on one page.
pub fn zones(zones: Vec<Zone>) -> ZoneListEnvelope {
    one_page!(ZoneListEnvelope, zones)
}

/// One error, with a code or without (`None`).
pub fn error(code: impl Into<Option<i64>>, message: impl Into<String>) -> ErrorEnvelope {
    let mut error = ApiMessage::default();
    error.code = code.into();
    error.message = message.into();
    let mut envelope = ErrorEnvelope::default();
    envelope.errors = Some(vec![error]);
    envelope
}
