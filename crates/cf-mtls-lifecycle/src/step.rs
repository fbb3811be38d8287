//! What a job has done so far.

use std::fmt;

use cf_mtls::{Association, CertificateId};
use serde::Serialize;

use crate::zone_hostnames::ZoneHostnames;

/// A step of a release or a rotation, told when it is done.
///
/// `Display` tells it to a person; as JSON it is an object whose field `step`
/// has the name of the variant in snake case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(tag = "step", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Step {
    /// A successor was uploaded.
    Uploaded {
        /// The successor.
        certificate_id: CertificateId,
    },
    /// The successor was in the account already.
    AlreadyUploaded {
        /// The successor.
        certificate_id: CertificateId,
    },
    /// Hostnames were added to those of a certificate.
    Attached {
        /// The certificate.
        certificate_id: CertificateId,
        /// The hostnames that were not there before.
        #[serde(flatten)]
        zone: ZoneHostnames,
    },
    /// The certificate is not active for its hostnames yet; looks again later.
    AwaitingActive {
        /// The certificate.
        certificate_id: CertificateId,
        /// What the service says of its uses.
        associations: Vec<Association>,
    },
    /// The certificate is active for its hostnames.
    Active {
        /// The certificate.
        certificate_id: CertificateId,
    },
    /// Hostnames were taken from a certificate.
    Detached {
        /// The certificate.
        certificate_id: CertificateId,
        /// The hostnames that were there before.
        #[serde(flatten)]
        zone: ZoneHostnames,
    },
    /// Services have not let go of the certificate yet; looks again later.
    AwaitingRelease {
        /// The certificate.
        certificate_id: CertificateId,
        /// Those that remain.
        associations: Vec<Association>,
    },
    /// No service uses the certificate any more; it is deleted next.
    Unused {
        /// The certificate.
        certificate_id: CertificateId,
    },
    /// No service is left, but the deletion is still refused; tries again later.
    StillRefused {
        /// The certificate.
        certificate_id: CertificateId,
    },
    /// The certificate is gone.
    Deleted {
        /// The certificate.
        certificate_id: CertificateId,
    },
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uploaded { certificate_id } => write!(f, "uploaded {certificate_id}"),
            Self::AlreadyUploaded { certificate_id } => {
                write!(f, "goes on with {certificate_id}, uploaded before")
            }
            Self::Attached {
                certificate_id,
                zone,
            } => write!(f, "attached {zone} to {certificate_id}"),
            Self::AwaitingActive {
                certificate_id,
                associations,
            } => {
                write!(f, "waiting until {certificate_id} is active")?;
                list(f, associations)
            }
            Self::Active { certificate_id } => write!(f, "{certificate_id} is active"),
            Self::Detached {
                certificate_id,
                zone,
            } => write!(f, "detached {zone} from {certificate_id}"),
            Self::AwaitingRelease {
                certificate_id,
                associations,
            } => {
                write!(f, "waiting until nothing uses {certificate_id}")?;
                list(f, associations)
            }
            Self::Unused { certificate_id } => write!(f, "nothing uses {certificate_id}"),
            Self::StillRefused { certificate_id } => write!(
                f,
                "waiting until {certificate_id} can be deleted: the service refuses it still"
            ),
            Self::Deleted { certificate_id } => write!(f, "deleted {certificate_id}"),
        }
    }
}

/// Each association once: there may be one for each zone.
fn list(f: &mut fmt::Formatter<'_>, associations: &[Association]) -> fmt::Result {
    let mut seen: Vec<&Association> = Vec::new();
    for association in associations {
        if seen.contains(&association) {
            continue;
        }
        write!(
            f,
            "{}{association}",
            if seen.is_empty() { ": " } else { ", " }
        )?;
        seen.push(association);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_tells_people_and_scripts() {
        let certificate_id: CertificateId = "abc".parse().unwrap();
        let association = r#"{"service":"gateway","status":"active"}"#;
        let association: Association = serde_json::from_str(association).unwrap();
        let zone = ZoneHostnames {
            zone_id: "z1".parse().unwrap(),
            zone_name: Some("example.com".to_owned()),
            hostnames: vec!["a.example.com".to_owned()],
        };
        let table = [
            (
                Step::Detached {
                    certificate_id: certificate_id.clone(),
                    zone,
                },
                "detached a.example.com in zone example.com from abc",
                r#"{"step":"detached","certificate_id":"abc","zone_id":"z1","zone_name":"example.com","hostnames":["a.example.com"]}"#,
            ),
            (
                Step::AwaitingRelease {
                    certificate_id,
                    associations: vec![association.clone(), association],
                },
                "waiting until nothing uses abc: gateway (active)",
                r#"{"step":"awaiting_release","certificate_id":"abc","associations":[{"service":"gateway","status":"active"},{"service":"gateway","status":"active"}]}"#,
            ),
        ];
        for (step, text, json) in table {
            assert_eq!(step.to_string(), text);
            assert_eq!(serde_json::to_string(&step).unwrap(), json);
        }
    }
}
