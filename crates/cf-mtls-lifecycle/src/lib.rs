#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

/// Declares what a job returns, with a constructor for tests and fakes.
macro_rules! record {
    ($(#[$meta:meta])* pub struct $name:ident$(<$item:ident>)? {
        $($(#[$doc:meta])* pub $field:ident: $type:ty,)*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
        #[non_exhaustive]
        pub struct $name$(<$item>)? {
            $($(#[$doc])* pub $field: $type,)*
        }

        impl$(<$item>)? $name$(<$item>)? {
            /// From its fields, such as for a test.
            pub fn new($($field: $type),*) -> Self {
                Self { $($field),* }
            }
        }
    };
}

/// Declares an enum whose variants may get fields, each with a constructor for tests.
macro_rules! variants {
    ($(#[$meta:meta])* pub enum $name:ident {
        $($(#[$doc:meta])* $variant:ident = $new:ident {
            $($(#[$field_doc:meta])* $field:ident: $type:ty,)*
        },)*
    }) => {
        #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
        $(#[$meta])*
        #[non_exhaustive]
        pub enum $name {
            $($(#[$doc])* #[non_exhaustive] $variant {
                $($(#[$field_doc])* $field: $type,)*
            },)*
        }

        impl $name {$(
            #[doc = concat!("Makes [`", stringify!($variant), "`](Self::", stringify!($variant), ").")]
            pub fn $new($($field: $type),*) -> Self {
                Self::$variant { $($field),* }
            }
        )*}
    };
}

/// Declares methods that change a value and return it.
macro_rules! setters {
    ($($(#[$meta:meta])* $name:ident($self:ident $(, $value:ident: $type:ty)*) $change:block)*) => {
        $($(#[$meta])*
        pub fn $name(mut $self $(, $value: $type)*) -> Self {
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
pub use release::{PlannedRelease, Release, ReleasePlan, Released};
pub use rotate::{Rotate, RotatePlan, Rotated};
pub use step::Step;
pub use unread::{Unread, UnreadableProduct, UnreadableZone};
pub use usage::{Usage, UsageProgress, UsageWalk, ZoneUse};
pub use x509::CertificateContents;
