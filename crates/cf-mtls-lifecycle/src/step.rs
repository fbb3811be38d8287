//! The steps of a release or a rotation.

use std::fmt;

use cf_mtls::text::list;
use cf_mtls::{Association, CertificateId, Holder, ZoneHostnames};

use crate::unread::Unread;

variants! {
    /// A step of a release or a rotation, reported when it is done.
    ///
    /// `Display` describes it to people; in JSON the field `step` is the name of the
    /// variant in snake case.
    #[serde(tag = "step", rename_all = "snake_case")]
    pub enum Step {
        /// A successor was uploaded.
        Uploaded = uploaded {
            /// The successor.
            certificate_id: CertificateId,
        },
        /// The successor is in the account already.
        AlreadyUploaded = already_uploaded {
            /// The successor.
            certificate_id: CertificateId,
        },
        /// Hostnames were added to those of a certificate.
        Attached = attached {
            /// The certificate.
            certificate_id: CertificateId,
            /// The hostnames that it did not have before.
            #[serde(flatten)]
            zone: ZoneHostnames,
        },
        /// The certificate is not active for its hostnames yet. Repeated until it is.
        AwaitingActive = awaiting_active {
            /// The certificate.
            certificate_id: CertificateId,
            /// Its uses.
            associations: Vec<Association>,
        },
        /// The certificate is active for its hostnames.
        Active = active {
            /// The certificate.
            certificate_id: CertificateId,
        },
        /// Reads do not show the hostnames of the active certificate yet. Repeated until they do.
        AwaitingHostnames = awaiting_hostnames {
            /// The certificate.
            certificate_id: CertificateId,
            /// The hostnames.
            #[serde(flatten)]
            zone: ZoneHostnames,
        },
        /// Hostnames were detached from a certificate.
        Detached = detached {
            /// The certificate.
            certificate_id: CertificateId,
            /// The hostnames that it had before.
            #[serde(flatten)]
            zone: ZoneHostnames,
        },
        /// Services still use the certificate. Repeated until none does.
        AwaitingRelease = awaiting_release {
            /// The certificate.
            certificate_id: CertificateId,
            /// The uses that remain.
            associations: Vec<Association>,
            /// Workers, Hyperdrive configurations and others that a person has to change.
            #[serde(default)]
            holders: Vec<Holder>,
            /// What could not be read, and may use it, too.
            #[serde(flatten)]
            unread: Unread,
        },
        /// No service shows a use of the certificate. It is deleted next.
        Unused = unused {
            /// The certificate.
            certificate_id: CertificateId,
            /// What could not be read, and may use it all the same.
            #[serde(flatten)]
            unread: Unread,
        },
        /// No service uses it, but the service refuses to delete it. Repeated until it does not.
        StillRefused = still_refused {
            /// The certificate.
            certificate_id: CertificateId,
            /// What could not be read, and may use it.
            #[serde(flatten)]
            unread: Unread,
        },
        /// The certificate is gone.
        Deleted = deleted {
            /// The certificate.
            certificate_id: CertificateId,
        },
    }
}

impl Step {
    /// Whether nothing was done: the step is repeated while the job waits.
    pub fn is_wait(&self) -> bool {
        matches!(
            self,
            Self::AwaitingActive { .. }
                | Self::AwaitingHostnames { .. }
                | Self::AwaitingRelease { .. }
                | Self::StillRefused { .. }
        )
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uploaded { certificate_id } => write!(f, "uploaded {certificate_id}"),
            Self::AlreadyUploaded { certificate_id: id } => {
                write!(f, "resuming with {id}, uploaded earlier")
            }
            Self::Attached { certificate_id: id, zone } => write!(
                f,
                "attached {zone} to {id}; until the old CA is detached, the service prefers the \
                 newer one"
            ),
            Self::AwaitingActive { certificate_id, associations } => {
                let uses = uses(associations, ", ");
                write!(f, "waiting until {certificate_id} is active{uses}")
            }
            Self::Active { certificate_id } => write!(f, "{certificate_id} is active"),
            Self::AwaitingHostnames { certificate_id, zone } => {
                write!(f, "waiting until reads show {zone} for {certificate_id}")
            }
            Self::Detached { certificate_id: id, zone } => write!(f, "detached {zone} from {id}"),
            Self::AwaitingRelease { certificate_id, associations, holders, unread } => {
                let advice = |one: &Holder| format!("{one}: {}", one.advice());
                let uses = match holders.is_empty() {
                    true => uses(associations, ", "),
                    false => uses(&holders.iter().map(advice).collect::<Vec<_>>(), "; "),
                };
                write!(f, "waiting until nothing uses {certificate_id}{uses}{}", unread.suffix())
            }
            Self::Unused { certificate_id, unread } => {
                write!(f, "no service shows a use of {certificate_id}{}", unread.suffix())
            }
            Self::StillRefused { certificate_id, unread } => write!(
                f,
                "waiting until {certificate_id} can be deleted: the service still refuses it{}",
                unread.suffix()
            ),
            Self::Deleted { certificate_id } => write!(f, "deleted {certificate_id}"),
        }
    }
}

/// After what is waited for: each use once, since there may be one for each zone.
fn uses<T: fmt::Display>(uses: &[T], separator: &str) -> String {
    match list(uses, usize::MAX, separator).as_str() {
        "" => String::new(),
        list => format!(": {list}"),
    }
}
