//! The products that use certificates, and what of them holds one.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ScriptName;
use crate::text::printable;

/// A product of an account that can hold a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Product {
    /// Workers, with a binding of type `mtls_certificate`.
    Workers,
    /// Hyperdrive, for the connection to a database.
    Hyperdrive,
    /// Gateway, to inspect TLS.
    Gateway,
}

impl Product {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Workers, Self::Hyperdrive, Self::Gateway];

    /// The name as a word in lower case, as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Workers => "workers",
            Self::Hyperdrive => "hyperdrive",
            Self::Gateway => "gateway",
        }
    }

    /// Whether it can hold a CA, or a leaf, or a certificate of which that is not known: a
    /// Worker and Hyperdrive present a leaf, and Hyperdrive and Gateway use a CA.
    pub fn can_hold(self, is_ca: Option<bool>) -> bool {
        match self {
            Self::Workers => is_ca != Some(true),
            Self::Hyperdrive => true,
            Self::Gateway => is_ca != Some(false),
        }
    }

    /// The permission with which a token can read it.
    pub fn permission(self) -> &'static str {
        match self {
            Self::Workers => "Workers Scripts Read",
            Self::Hyperdrive => "Hyperdrive Read",
            Self::Gateway => "Zero Trust Read",
        }
    }
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// What holds a certificate, so that it cannot be deleted.
///
/// Nothing is detached from it automatically; [`advice`](Self::advice) says what to do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(tag = "holder", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Holder {
    /// A Worker.
    #[non_exhaustive]
    Worker {
        /// Its name.
        script: ScriptName,
        /// The binding that holds the certificate.
        binding: String,
    },
    /// A Hyperdrive configuration.
    #[non_exhaustive]
    Hyperdrive {
        /// Its name.
        name: String,
        /// Whether it holds the certificate as the CA of its database, and not as its
        /// client certificate.
        is_ca: bool,
    },
    /// Gateway.
    Gateway,
}

impl Holder {
    /// A Worker, by the name of its binding.
    pub fn worker(script: ScriptName, binding: impl Into<String>) -> Self {
        Self::Worker { script, binding: binding.into() }
    }

    /// A Hyperdrive configuration, which holds a CA or a client certificate.
    pub fn hyperdrive(name: impl Into<String>, is_ca: bool) -> Self {
        Self::Hyperdrive { name: name.into(), is_ca }
    }

    /// The product.
    pub fn product(&self) -> Product {
        match self {
            Self::Worker { .. } => Product::Workers,
            Self::Hyperdrive { .. } => Product::Hyperdrive,
            Self::Gateway => Product::Gateway,
        }
    }

    /// What a person can do to free the certificate.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Worker { .. } => "redeploy the Worker without the binding",
            Self::Hyperdrive { .. } => "change the configuration to another certificate",
            Self::Gateway => "choose another certificate in the settings of Zero Trust",
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Worker { script, binding } => {
                write!(f, "Worker {script} (binding {})", printable(binding))
            }
            Self::Hyperdrive { name, is_ca } => {
                let role = if *is_ca { "CA" } else { "client certificate" };
                write!(f, "Hyperdrive configuration {} ({role})", printable(name))
            }
            Self::Gateway => f.write_str("Gateway (TLS inspection)"),
        }
    }
}

/// A product's use of a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ProductUse {
    /// The id of the certificate, as the product writes it.
    pub certificate_id: String,
    /// What holds it.
    #[serde(flatten)]
    pub holder: Holder,
}

impl ProductUse {
    /// A use of a certificate.
    pub fn new(certificate_id: impl Into<String>, holder: Holder) -> Self {
        Self { certificate_id: certificate_id.into(), holder }
    }
}

/// What the service says of a holder; `None` if it holds no certificate.
#[must_use]
pub fn product_use(certificate_id: Option<String>, holder: Holder) -> Option<ProductUse> {
    Some(ProductUse::new(certificate_id.filter(|id| !id.is_empty())?, holder))
}
