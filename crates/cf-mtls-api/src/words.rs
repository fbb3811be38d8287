//! Words of the service, in enumerations that may grow.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A word of the service that this version does not know.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UnknownWord(String);

/// Declares an enum that keeps values which it does not know, and that reads
/// and writes the service's words.
macro_rules! open_enum {
    ($(#[$doc:meta])* pub enum $name:ident {
        $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)+
    }) => {
        $(#[$doc])*
        ///
        /// Open: a value that this version does not know is kept as it is.
        #[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
        #[cfg_attr(feature = "schemars", schemars(with = "String", extend("examples" = [$($text),+])))]
        #[serde(from = "String", into = "String")]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
            /// A value that this version does not know.
            Other(UnknownWord),
        }

        impl $name {
            /// The service's word for it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Other(word) => &word.0,
                }
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                match text.as_str() {
                    $($text => Self::$variant,)+
                    _ => Self::Other(UnknownWord(text)),
                }
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.as_str().to_owned()
            }
        }

        impl FromStr for $name {
            type Err = Infallible;

            fn from_str(text: &str) -> Result<Self, Infallible> {
                Ok(text.to_owned().into())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(match self.as_str() {
                    "" => "unknown",
                    text => text,
                })
            }
        }
    };
}

open_enum! {
    /// Who manages a certificate.
    pub enum CertificateType {
        /// The account's owner, who uploaded it.
        Custom = "custom",
        /// Cloudflare Gateway.
        GatewayManaged = "gateway_managed",
        /// Cloudflare Access.
        AccessManaged = "access_managed",
    }
}

open_enum! {
    /// Whether an API token is valid.
    pub enum TokenStatus {
        /// It is valid.
        Active = "active",
        /// It was switched off, and can be switched on again.
        Disabled = "disabled",
        /// Its time is over.
        Expired = "expired",
    }
}

open_enum! {
    /// How far a service's use of a certificate has come.
    pub enum AssociationStatus {
        /// The use is being prepared.
        Initializing = "initializing",
        /// The use is on its way to the edge.
        PendingDeployment = "pending_deployment",
        /// The certificate is in use.
        Active = "active",
        /// The end of the use is on its way to the edge.
        PendingDeletion = "pending_deletion",
        /// The use has ended.
        Deleted = "deleted",
        /// The use did not reach the edge in time.
        DeploymentTimedOut = "deployment_timed_out",
        /// The end of the use did not reach the edge in time.
        DeletionTimedOut = "deletion_timed_out",
    }
}
