#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

/// Declares what a job returns, with a constructor for tests and fakes.
macro_rules! record {
    ($(#[$meta:meta])* pub struct $name:ident {
        $($(#[$doc:meta])* pub $field:ident: $type:ty,)*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
        #[non_exhaustive]
        pub struct $name {
            $($(#[$doc])* pub $field: $type,)*
        }

        impl $name {
            /// From its fields, such as for a test.
            pub fn new($($field: $type),*) -> Self {
                Self { $($field),* }
            }
        }
    };
}

/// Declares methods that change a value and return it.
macro_rules! setters {
    ($($(#[$meta:meta])* $name:ident($self:ident $(, $value:ident: $type:ty)?) $change:block)*) => {
        $($(#[$meta])*
        pub fn $name(mut $self $(, $value: $type)?) -> Self {
            $change
            $self
        })*
    };
}

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
