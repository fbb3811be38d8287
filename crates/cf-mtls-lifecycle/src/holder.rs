//! Reads the products that hold a certificate.

use cf_mtls::{CertificateId, Certificates, ErrorKind, Holder, Product, ProductUse, ScriptName};
use futures_util::{StreamExt as _, stream};

use crate::unread::UnreadableProduct;

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    uses: Vec<ProductUse>,
    pub(crate) unreadable: Vec<UnreadableProduct>,
}

impl Found {
    /// The holders of one certificate.
    pub(crate) fn of(&self, id: &CertificateId) -> Vec<Holder> {
        let same = |other: &&ProductUse| id.as_str().eq_ignore_ascii_case(&other.certificate_id);
        let held = self.uses.iter().filter(same);
        let mut holders: Vec<Holder> = held.map(|one| one.holder.clone()).collect();
        holders.sort();
        holders
    }

    fn note(&mut self, product: Product, script: Option<ScriptName>, error: cf_mtls::Error) {
        self.unreadable.push(UnreadableProduct { product, script, error });
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
            _ => client.gateway_certificates(account).await,
        };
        match uses {
            Ok(uses) => self.uses.extend(uses),
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
            let detail = "a Worker has a name that this client cannot read";
            self.note(Product::Workers, None, error.with_detail(detail));
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
                Ok(uses) => self.uses.extend(uses),
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

/// Finds those of the holders that still hold the certificate, and others of their products.
/// Only they are read again; what cannot be read still holds it.
pub(crate) async fn keep_holding(
    certificates: &Certificates,
    id: &CertificateId,
    holders: &mut Vec<Holder>,
) {
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
    let is_unknown = |holder: &Holder| {
        found.unreadable.iter().any(|part| match (holder, &part.script) {
            (Holder::Worker { script, .. }, Some(unread)) => script == unread,
            _ => part.product == holder.product(),
        })
    };
    holders.retain(is_unknown);
    holders.extend(found.of(id));
}
