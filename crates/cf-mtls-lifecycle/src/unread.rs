//! What could not be read, and may use a certificate.

use std::fmt;

use cf_mtls::text::{list, printable};
use cf_mtls::{ErrorKind, Product, ScriptName, Zone};
use serde::{Deserialize, Serialize};

/// What could not be read, and may use a certificate.
///
/// `Display` names each, and where a permission is missing, which one would show it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Unread {
    /// The products, or single Workers.
    #[serde(rename = "unreadable_products")]
    pub products: Vec<UnreadableProduct>,
    /// The zones.
    #[serde(rename = "unreadable_zones")]
    pub zones: Vec<UnreadableZone>,
}

record! {
    /// A part of a product that could not be read, and may hold certificates.
    pub struct UnreadableProduct {
        /// The product.
        pub product: Product,
        /// The Worker, where only one of them could not be read.
        pub script: Option<ScriptName>,
        /// Why it could not be read.
        pub error: cf_mtls::Error,
    }
}

record! {
    /// A zone that cannot be read, and may have hostnames of a certificate.
    pub struct UnreadableZone {
        /// The zone.
        pub zone: Zone,
        /// Why it cannot be read.
        pub error: cf_mtls::Error,
    }
}

impl Unread {
    /// Whether all was read.
    pub fn is_empty(&self) -> bool {
        self.products.is_empty() && self.zones.is_empty()
    }

    /// What is said at the end of another text.
    pub(crate) fn suffix(&self) -> String {
        if self.is_empty() { String::new() } else { format!("; {self}") }
    }
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MAX_LINES: usize = 5;
        let products = self.products.iter().map(ToString::to_string);
        let lines: Vec<_> = products.chain(self.zones.iter().map(ToString::to_string)).collect();
        f.write_str(&list(&lines, MAX_LINES, "; "))
    }
}

impl fmt::Display for UnreadableProduct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = &self.error;
        match &self.script {
            Some(script) => write!(f, "Worker {script}")?,
            None => write!(f, "{}", self.product)?,
        }
        let reason = error.operation().map_or(error.to_string(), |_| error.kind().to_string());
        write!(f, " could not be read: {reason}; it may hold the certificate")?;
        if matches!(error.kind(), ErrorKind::Permission | ErrorKind::Authentication) {
            write!(f, " (the permission {:?} would show it)", self.product.permission())?;
        }
        Ok(())
    }
}

impl fmt::Display for UnreadableZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, kind) = (self.zone.name.as_deref(), self.error.kind());
        let name = printable(name.unwrap_or(self.zone.id.as_str()));
        write!(f, "zone {name} cannot be read: {kind}")?;
        if kind == ErrorKind::Permission {
            f.write_str(" (the token lacks \"SSL and Certificates\" for it, or cannot reach it)")?;
        }
        Ok(())
    }
}
