#![doc = include_str!("../README.md")]

mod blocker;
mod error;
mod ext;
mod many;
mod options;
mod poll;
mod prune;
mod release;
mod retire;
mod rotate;
mod step;
mod usage;
mod zone_hostnames;

pub use blocker::Blocker;
pub use error::Error;
pub use ext::CertificatesExt;
pub use many::{Outcome, Outcomes};
pub use options::ReleaseOptions;
pub use prune::{Candidate, Prune, Reason};
pub use release::{Release, ReleasePlan, Released};
pub use rotate::{Rotate, RotatePlan, Rotated};
pub use step::Step;
pub use usage::{UnreadableZone, Usage, ZoneUse};
pub use zone_hostnames::ZoneHostnames;
