//! The zones, in which a CA may be in use.

use cf_mtls_api::requests::ListZones;
use cf_mtls_api::{AccountId, ZoneId, types};
use serde::{Deserialize, Serialize};

use crate::error::{Operation, SubjectRef};
use crate::transport::{Call, Client, Listing, PER_PAGE, Page};

/// A zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Zone {
    /// The id, by which other calls name the zone.
    pub id: ZoneId,
    /// The domain name.
    pub name: Option<String>,
    /// The state, such as `active`.
    pub status: Option<String>,
}

impl Zone {
    /// A zone of which only the id is known.
    pub fn new(id: ZoneId) -> Self {
        Self { id, name: None, status: None }
    }
}

/// Which zones to list.
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

    /// The zones of one account.
    pub fn account(mut self, account: &AccountId) -> Self {
        self.account = Some(account.clone());
        self
    }

    /// The zone of one domain name.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

impl Client {
    /// The zones that the credentials can see, a page at a time. Each page is retried
    /// as [`Retry`](crate::Retry) allows.
    pub fn zones(&self, filter: ZoneFilter) -> Listing<Zone> {
        let this = self.clone();
        let read = move |page| {
            let (client, filter) = (this.clone(), filter.clone());
            async move {
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
                Page::new(envelope.result, envelope.result_info, |wire: types::Zone| {
                    Some(Zone { id: wire.id?, name: wire.name, status: wire.status })
                })
            }
        };
        Listing::new(read, |zone: &Zone| zone.id.as_str(), |_| true)
    }
}
