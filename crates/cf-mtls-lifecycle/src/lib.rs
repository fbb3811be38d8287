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
mod unread;
mod usage;
mod x509;

pub use blocker::Blocker;
pub use cf_mtls::{Holder, Product, ZoneHostnames};
pub use error::Error;
pub use ext::CertificatesExt;
pub use many::{Outcome, Outcomes};
pub use options::ReleaseOptions;
pub use prune::{Candidate, Prune, Reason};
pub use release::{Release, ReleasePlan, Released};
pub use rotate::{Rotate, RotatePlan, Rotated};
pub use step::Step;
pub use unread::{Unread, UnreadableProduct, UnreadableZone};
pub use usage::{Usage, UsageProgress, UsageWalk, ZoneUse};
pub use x509::CertificateContents;
