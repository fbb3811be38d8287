//! Products that hold a certificate, by name.

use std::fmt;

use cf_mtls::text::printable;
use cf_mtls::{CertificateId, Certificates, ErrorKind, ProductUse, ScriptName};
use futures_util::{StreamExt as _, stream};
use serde::{Deserialize, Serialize};

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

/// What holds a certificate, so that it cannot be deleted.
///
/// Nothing is detached from it by this crate; [`advice`](Self::advice) says what to do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(tag = "holder", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Holder {
    /// A Worker.
    Worker {
        /// Its name.
        script: ScriptName,
        /// The binding that holds the certificate.
        binding: String,
    },
    /// A Hyperdrive configuration.
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

/// A part of a product that could not be read, and may hold certificates.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct UnreadableProduct {
    /// The product.
    pub product: Product,
    /// The Worker, where only one of them could not be read.
    pub script: Option<ScriptName>,
    /// Why it could not be read.
    pub error: cf_mtls::Error,
}

impl Product {
    pub(crate) const ALL: [Self; 3] = [Self::Workers, Self::Hyperdrive, Self::Gateway];

    /// The permission with which a token can read it.
    pub fn permission(self) -> &'static str {
        match self {
            Self::Workers => "Workers Scripts Read",
            Self::Hyperdrive => "Hyperdrive Read",
            Self::Gateway => "Zero Trust Read",
        }
    }

    /// Whether it can hold a CA, or a leaf: a Worker and Hyperdrive present a leaf, and
    /// Hyperdrive and Gateway use a CA.
    pub(crate) fn can_hold(self, is_ca: Option<bool>) -> bool {
        match self {
            Self::Workers => is_ca != Some(true),
            Self::Hyperdrive => true,
            Self::Gateway => is_ca != Some(false),
        }
    }

    /// Whether a service of an association is this product.
    pub(crate) fn is_service(self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        match self {
            Self::Workers => name.contains("worker"),
            Self::Hyperdrive => name.contains("hyperdrive"),
            Self::Gateway => name.contains("gateway"),
        }
    }
}

impl Holder {
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

/// What was found: the id of a certificate as the product writes it, and who holds it.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) holders: Vec<(String, Holder)>,
    pub(crate) unreadable: Vec<UnreadableProduct>,
}

impl Found {
    /// The holders of one certificate.
    pub(crate) fn of(&self, id: &CertificateId) -> Vec<Holder> {
        let same = |other: &str| id.as_str().eq_ignore_ascii_case(other);
        let held = self.holders.iter().filter(|(other, _)| same(other));
        let mut holders: Vec<Holder> = held.map(|(_, holder)| holder.clone()).collect();
        holders.sort();
        holders
    }

    fn note(&mut self, product: Product, script: Option<ScriptName>, error: cf_mtls::Error) {
        self.unreadable.push(UnreadableProduct { product, script, error });
    }

    fn add(&mut self, uses: Vec<ProductUse>, holder: impl Fn(String, bool) -> Holder) {
        let held = |one: ProductUse| (one.certificate_id, holder(one.name, one.is_ca));
        self.holders.extend(uses.into_iter().map(held));
    }

    /// Reads all of a product. Reports how many of how many Workers were read.
    pub(crate) async fn read(
        &mut self,
        certificates: &Certificates,
        product: Product,
        on_worker: &mut (dyn FnMut(usize, usize) + Send),
    ) {
        let (client, account) = (certificates.client(), certificates.account_id());
        let uses = match product {
            Product::Workers => match client.workers_scripts(account).await {
                Ok(scripts) => return self.read_workers(certificates, scripts, on_worker).await,
                Err(error) => Err(error),
            },
            Product::Hyperdrive => client.hyperdrive_certificates(account).await,
            Product::Gateway => client.gateway_certificates(account).await,
        };
        match uses {
            Ok(uses) if product == Product::Gateway => self.add(uses, |_, _| Holder::Gateway),
            Ok(uses) => self.add(uses, |name, is_ca| Holder::Hyperdrive { name, is_ca }),
            Err(error) => self.note(product, None, error),
        }
    }

    async fn read_workers(
        &mut self,
        certificates: &Certificates,
        scripts: Vec<Option<ScriptName>>,
        on_worker: &mut (dyn FnMut(usize, usize) + Send),
    ) {
        let total = scripts.len();
        if scripts.iter().any(Option::is_none) {
            let error = cf_mtls::Error::new(ErrorKind::InvalidResponse);
            let error = error.with_detail("a Worker is listed without a name that can be read");
            self.note(Product::Workers, None, error);
        }
        let (client, account) = (certificates.client(), certificates.account_id());
        let read = |script: ScriptName| async move {
            let uses = client.workers_certificates(account, &script).await;
            (script, uses)
        };
        let reads = stream::iter(scripts.into_iter().flatten()).map(read);
        let mut reads = reads.buffer_unordered(certificates.concurrency());
        let mut done = 0;
        while let Some((script, uses)) = reads.next().await {
            done += 1;
            on_worker(done, total);
            match uses {
                Ok(uses) => {
                    self.add(uses, |binding, _| Holder::Worker { script: script.clone(), binding });
                }
                // Deleted since it was listed.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                // The others would be refused like this one.
                Err(error) if error.kind() == ErrorKind::Permission => {
                    return self.note(Product::Workers, None, error);
                }
                Err(error) => self.note(Product::Workers, Some(script), error),
            }
        }
    }
}

/// Keeps those of the holders that still hold the certificate. Only they are read again;
/// what cannot be read still holds it.
pub(crate) async fn keep_holding(
    certificates: &Certificates,
    id: &CertificateId,
    holders: &mut Vec<Holder>,
) {
    if holders.is_empty() {
        return;
    }
    let mut found = Found::default();
    let scripts = holders.iter().filter_map(|holder| match holder {
        Holder::Worker { script, .. } => Some(Some(script.clone())),
        _ => None,
    });
    let mut scripts: Vec<_> = scripts.collect();
    scripts.dedup(); // holders are sorted
    found.read_workers(certificates, scripts, &mut |_, _| ()).await;
    for product in [Product::Hyperdrive, Product::Gateway] {
        if holders.iter().any(|holder| holder.product() == product) {
            found.read(certificates, product, &mut |_, _| ()).await;
        }
    }
    let mut held = found.of(id);
    held.retain(|holder| matches!(holder, Holder::Worker { .. }) || holders.contains(holder));
    let is_unknown = |holder: &Holder| {
        found.unreadable.iter().any(|part| match (holder, &part.script) {
            (Holder::Worker { script, .. }, Some(unread)) => script == unread,
            _ => part.product == holder.product(),
        })
    };
    held.extend(holders.drain(..).filter(is_unknown));
    *holders = held;
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
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

impl fmt::Display for UnreadableProduct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.script {
            Some(script) => write!(f, "Worker {script}")?,
            None => write!(f, "{}", self.product)?,
        }
        let kind = self.error.kind();
        write!(f, " could not be read: {kind}; it may hold the certificate")?;
        match kind {
            ErrorKind::Permission | ErrorKind::Authentication => {
                let permission = self.product.permission();
                write!(f, " (the permission {permission:?} would show it)")
            }
            _ => Ok(()),
        }
    }
}
