//! The forms of JSON that are told beside the library's own. They are stable
//! and documented: fields may be added, none goes away or changes its meaning.

use cf_mtls::{Association, Certificate, CertificateId, Reason, Step, ZoneHostnames};
use serde::Serialize;

use crate::failure::Failure;
use crate::preview::Uses;

/// An error.
#[derive(Serialize)]
pub(crate) struct ErrorForm<'a> {
    kind: &'a str,
    message: &'a str,
    status: Option<u16>,
    codes: Vec<i64>,
    ray_id: Option<&'a str>,
    exit_code: u8,
    certificate_id: Option<&'a str>,
    zone_id: Option<&'a str>,
    attempts: u32,
    retry_after_seconds: Option<u64>,
    may_have_taken_effect: bool,
    associations: &'a [Association],
    candidates: &'a [CertificateId],
    detached: Vec<&'a ZoneHostnames>,
    /// What `release` and `rotate` had done before.
    steps: &'a [Step],
    causes: &'a [String],
}

impl<'a> ErrorForm<'a> {
    pub(crate) fn of(failure: &'a Failure) -> Self {
        let error = failure.error();
        let wait = error.and_then(|error| error.retry_after());
        Self {
            kind: failure.kind(),
            message: failure.message(),
            status: error
                .and_then(|error| error.status())
                .map(|status| status.as_u16()),
            codes: error
                .map(|error| error.codes().collect())
                .unwrap_or_default(),
            ray_id: error.and_then(|error| error.ray_id()),
            exit_code: failure.exit().code(),
            certificate_id: failure.certificate_id().map(CertificateId::as_str),
            zone_id: error
                .and_then(|error| error.zone_id())
                .map(|id| id.as_str()),
            attempts: error.map(|error| error.attempts()).unwrap_or_default(),
            retry_after_seconds: wait.map(|wait| wait.as_secs_f64().ceil() as u64),
            may_have_taken_effect: error.is_some_and(|error| error.may_have_taken_effect()),
            associations: failure.associations(),
            candidates: error.map(|error| error.candidates()).unwrap_or_default(),
            detached: failure.detached(),
            steps: failure.steps(),
            causes: failure.causes(),
        }
    }
}

/// A zone, as far as it is known.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ZoneForm {
    pub(crate) id: String,
    /// `None` where the zone was given by its id.
    pub(crate) name: Option<String>,
}

/// What a deletion did, or would do.
#[derive(Debug, Serialize)]
pub(crate) struct DeleteForm<'a> {
    pub(crate) id: &'a CertificateId,
    pub(crate) name: Option<&'a str>,
    pub(crate) outcome: Outcome,
    pub(crate) error: Option<&'a Failure>,
    /// In a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) certificate: Option<&'a Certificate>,
    /// In a dry run, where it was looked up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) used_by: Option<&'a Uses>,
    /// In a dry run of `prune`: the criteria that it meets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reasons: Option<&'a [Reason]>,
}

/// How it ended for one of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// It is gone.
    Deleted,
    /// It was not there, which `--if-exists` takes for success.
    Absent,
    /// It is still there, or never was.
    Failed,
    /// Whether it is gone is not known.
    Unknown,
    /// It was not begun, because of an interruption.
    NotBegun,
    /// A dry run: nothing stands in the way.
    WouldDelete,
    /// A dry run: the service would refuse it.
    WouldBeRefused,
}

impl Outcome {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Deleted => "deleted",
            Self::Absent => "absent",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::NotBegun => "not begun",
            Self::WouldDelete => "would delete",
            Self::WouldBeRefused => "would be refused",
        }
    }
}
