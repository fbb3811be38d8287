//! The zones, in which a CA may be in use.

use cf_mtls_api::requests::ListZones;
use cf_mtls_api::{AccountId, Zone, types};

use crate::error::{Error, Operation, SubjectRef};
use crate::transport::{Call, Client, Listing, PER_PAGE, Page};

/// Which zones to list. A list fails if the name is empty, which means "any" to the service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct ZoneFilter {
    account: Option<AccountId>,
    name: Option<String>,
}

impl ZoneFilter {
    /// All zones that the credentials can see.
    pub fn all() -> Self {
        Self::default()
    }

    setters! {
        /// The zones of one account.
        account(self, account: &AccountId) { self.account = Some(account.clone()) }

        /// The zone of one domain name.
        name(self, name: impl Into<String>) { self.name = Some(name.into()) }
    }
}

impl Client {
    /// The zones that the credentials can see, a page at a time. Each page is retried
    /// as [`Retry`](crate::Retry) allows.
    ///
    /// ```no_run
    /// use cf_mtls::{AccountId, Client, Error, Zone, ZoneFilter};
    ///
    /// async fn zones(client: &Client, account: &AccountId) -> Result<Vec<Zone>, Error> {
    ///     client.zones(ZoneFilter::all().account(account)).collect().await
    /// }
    /// ```
    pub fn zones(&self, filter: ZoneFilter) -> Listing<Zone> {
        let this = self.clone();
        let read = move |page| {
            let (client, filter) = (this.clone(), filter.clone());
            async move {
                if filter.name.as_deref() == Some("") {
                    return Err(Error::invalid_input("the name to look for is empty"));
                }
                let account = filter.account.as_ref();
                let subject = account.map(SubjectRef::from).unwrap_or_default();
                let mut call = Call::new(&client, Operation::ListZones, subject);
                let request = ListZones {
                    account_id: account,
                    name: filter.name.as_deref(),
                    page: Some(page),
                    per_page: Some(PER_PAGE),
                };
                let envelope = call.span().run(call.read(request)).await?;
                Page::new(envelope.result, envelope.result_info, types::Zone::into_value)
            }
        };
        Listing::new(read, |zone: &Zone| zone.id.as_str(), |_| true)
    }
}
