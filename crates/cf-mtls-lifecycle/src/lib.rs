#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod blocker;
mod error;
mod ext;
mod holder;
mod many;
mod options;
mod poll;
mod prune;
mod release;
mod retire;
mod rotate;
mod services;
mod step;
mod usage;
mod x509;
mod zone_hostnames;

pub use blocker::Blocker;
pub use error::Error;
pub use ext::CertificatesExt;
pub use holder::{Holder, Product, UnreadableProduct};
pub use many::{Outcome, Outcomes};
pub use options::ReleaseOptions;
pub use prune::{Candidate, Prune, Reason};
pub use release::{Release, ReleasePlan, Released};
pub use rotate::{Rotate, RotatePlan, Rotated};
pub use step::Step;
pub use usage::{UnreadableZone, Usage, UsageProgress, UsageWalk, ZoneUse};
pub use x509::CertificateContents;
pub use zone_hostnames::ZoneHostnames;
