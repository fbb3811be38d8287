//! The forms of JSON that are told beside the library's own. They are stable
//! and documented: fields may be added, none goes away or changes its meaning.

use cf_mtls::{Certificate, CertificateId, Reason};
use serde::Serialize;

use crate::report::failure::Failure;
use crate::view::preview::Uses;

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
