//! A running simulator, as a test sees and changes it.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::simulator::auth::{EmailAndKey, Keyring, Token};
use crate::simulator::clock::Clock;
use crate::simulator::fault::{Fault, FaultId};
use crate::simulator::http::server::Server;
use crate::simulator::protocol::route::Operation;
use crate::simulator::record::{Effects, RequestRecord};
use crate::simulator::seed::{Seed, SeedError, StoredCertificate};
use crate::simulator::service::Service;
use crate::simulator::settings::Settings;
use crate::simulator::world::{Entitlement, HostnamesError, UnknownId};

/// A running simulator; see the [module documentation](super).
///
/// It stops when it is dropped. All methods may be called while requests are
/// under way, from any thread.
pub struct Simulator {
    // Declared before the service, so that serving ends first.
    server: Server,
    pub(crate) service: Arc<Service>,
    base_url: String,
    token: String,
}

impl Simulator {
    pub(crate) fn launch(
        settings: Settings,
        token: Token,
        email_and_key: Option<EmailAndKey>,
    ) -> io::Result<Self> {
        let origin = settings.start_time.unwrap_or_else(SystemTime::now);
        let clock = Clock::new(origin, settings.clock_stands_still);
        let port = settings.port;
        let text = token.text().to_owned();
        let keyring = Keyring::new(token, email_and_key);
        let service = Arc::new(Service::new(settings, keyring, clock));
        let server = Server::start(port, Arc::clone(&service))?;
        let base_url = format!("http://{}/client/v4", server.address);
        Ok(Self { server, service, base_url, token: text })
    }

    /// What a client needs as its base URL: `http://127.0.0.1:PORT/client/v4`.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The address on which it listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address
    }

    /// The simulator's own API token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The account, 32 hexadecimal digits.
    pub fn account_id(&self) -> &str {
        &self.service.settings.account_id
    }

    /// What to put into the environment of a client, by the names which
    /// Cloudflare's own clients read; the base URL has two of them.
    pub fn environment(&self) -> [(&'static str, &str); 4] {
        [
            ("CLOUDFLARE_BASE_URL", self.base_url()),
            ("CLOUDFLARE_API_BASE_URL", self.base_url()),
            ("CLOUDFLARE_API_TOKEN", self.token()),
            ("CLOUDFLARE_ACCOUNT_ID", self.account_id()),
        ]
    }

    /// The [`environment`](Self::environment) as lines for a shell.
    pub fn exports(&self) -> String {
        let export = |(name, value): (&str, &str)| {
            // Quoted, as a shell may expand what a token can hold, such as `~`.
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/".contains(&byte);
            let quote = if value.bytes().all(plain) { "" } else { "'" };
            format!("export {name}={quote}{value}{quote}\n")
        };
        self.environment().map(export).concat()
    }

    /// Adds an account and returns its id.
    pub fn add_account(&self) -> String {
        self.service.world().add_account()
    }

    /// Adds an API token, or replaces the one with the same text.
    pub fn add_token(&self, token: impl Into<Token>) {
        self.service.world().keyring.add(token.into());
    }

    /// Revokes an API token.
    pub fn remove_token(&self, text: &str) {
        self.service.world().keyring.remove(text);
    }

    /// Adds a zone to the simulator's own account and returns its id.
    pub fn add_zone(&self, name: &str) -> String {
        let mut world = self.service.world();
        // Its own account is always there.
        world.add_zone(self.account_id(), name).unwrap_or_default()
    }

    /// Adds a zone to another account and returns its id.
    ///
    /// # Errors
    ///
    /// If there is no such account.
    pub fn add_zone_to(
        &self,
        account_id: impl AsRef<str>,
        name: &str,
    ) -> Result<String, UnknownId> {
        self.service.world().add_zone(account_id.as_ref(), name)
    }

    /// Says whether a zone can hold hostnames.
    ///
    /// # Errors
    ///
    /// If there is no such zone.
    pub fn set_entitlement(
        &self,
        zone_id: impl AsRef<str>,
        entitlement: Entitlement,
    ) -> Result<(), UnknownId> {
        let mut world = self.service.world();
        world.set_entitlement(zone_id.as_ref(), entitlement)
    }

    /// Puts a certificate in without a request and returns its id.
    ///
    /// # Errors
    ///
    /// If its PEM cannot be read, or there is no such account.
    pub fn seed(&self, seed: Seed) -> Result<String, SeedError> {
        let stored = seed.into_stored(self.account_id(), &self.service.clock)?;
        let mut world = self.service.world();
        if !world.accounts().contains(&stored.account) {
            return Err(SeedError::UnknownAccount(UnknownId::new(&stored.account)));
        }
        Ok(world.insert(stored).id.clone())
    }

    /// Attaches a service such as `gateway` to a certificate, or changes its
    /// status, such as `active`. The status stays until the next call.
    ///
    /// # Errors
    ///
    /// If there is no such certificate.
    pub fn attach_service(
        &self,
        certificate_id: impl AsRef<str>,
        service: &str,
        status: &str,
    ) -> Result<(), UnknownId> {
        let mut world = self.service.world();
        world.attach(certificate_id.as_ref(), service, status)
    }

    /// Detaches a service: `pending_deletion` until the propagation delay has
    /// passed, then gone.
    ///
    /// # Errors
    ///
    /// If there is no such certificate, or no such service attached to it.
    pub fn detach_service(
        &self,
        certificate_id: impl AsRef<str>,
        service: &str,
    ) -> Result<(), UnknownId> {
        let now = self.service.clock.moment();
        let mut world = self.service.world();
        world.detach(certificate_id.as_ref(), service, now)
    }

    /// The hostnames of a certificate in a zone as they really are, whatever reads
    /// show; empty for unknown ids.
    pub fn hostnames(
        &self,
        zone_id: impl AsRef<str>,
        certificate_id: impl AsRef<str>,
    ) -> Vec<String> {
        let world = self.service.world();
        world.hostnames(zone_id.as_ref(), Some(certificate_id.as_ref()))
    }

    /// Replaces the hostnames of a CA in a zone, without a request. Reads show
    /// them at once.
    ///
    /// # Errors
    ///
    /// If there is no such zone or CA, or the zone's [`Entitlement`] or the
    /// [`HostnameRule`](crate::simulator::HostnameRule) forbids it.
    pub fn set_hostnames<S: Into<String>>(
        &self,
        zone_id: impl AsRef<str>,
        certificate_id: impl AsRef<str>,
        hostnames: impl IntoIterator<Item = S>,
    ) -> Result<(), UnknownId> {
        self.put_hostnames(zone_id.as_ref(), Some(certificate_id.as_ref()), hostnames)
    }

    /// The hostnames of the CA that the service manages for a zone.
    pub fn managed_hostnames(&self, zone_id: impl AsRef<str>) -> Vec<String> {
        self.service.world().hostnames(zone_id.as_ref(), None)
    }

    /// Replaces the hostnames of the managed CA, without a request.
    ///
    /// # Errors
    ///
    /// Those of [`set_hostnames`](Self::set_hostnames).
    pub fn set_managed_hostnames<S: Into<String>>(
        &self,
        zone_id: impl AsRef<str>,
        hostnames: impl IntoIterator<Item = S>,
    ) -> Result<(), UnknownId> {
        self.put_hostnames(zone_id.as_ref(), None, hostnames)
    }

    fn put_hostnames<S: Into<String>>(
        &self,
        zone_id: &str,
        owner: Option<&str>,
        hostnames: impl IntoIterator<Item = S>,
    ) -> Result<(), UnknownId> {
        let hostnames: Vec<String> = hostnames.into_iter().map(Into::into).collect();
        let settings = &self.service.settings;
        let mut world = self.service.world();
        let now = self.service.clock.moment();
        let replaced = world.replace_hostnames(zone_id, owner, &hostnames, now, settings);
        // Gaps count among the effects of requests only.
        replaced.map_err(|problem| {
            UnknownId::new(match problem {
                HostnamesError::UnknownCertificate | HostnamesError::NotACa => {
                    owner.unwrap_or_default()
                }
                _ => zone_id,
            })
        })?;
        world.show_hostnames(zone_id, owner);
        Ok(())
    }

    /// The services that use a certificate and their statuses, as its
    /// associations show them; empty for an unknown id.
    pub fn associations(&self, certificate_id: impl AsRef<str>) -> Vec<(String, String)> {
        let now = self.service.clock.moment();
        let settings = &self.service.settings;
        let rows = self.service.world().associations(certificate_id.as_ref(), now, settings);
        rows.into_iter().map(|row| (row.service, row.status)).collect()
    }

    /// Moves the simulator's clock forward.
    pub fn advance(&self, by: Duration) {
        self.service.clock.advance(by);
    }

    /// What the simulator's clock shows.
    pub fn now(&self) -> SystemTime {
        self.service.clock.system_time()
    }

    /// Lets something go wrong from now on.
    pub fn inject(&self, fault: Fault) -> FaultId {
        self.service.faults().inject(fault)
    }

    /// How many requests a fault has hit; 0 once it was removed.
    pub fn fired(&self, fault: FaultId) -> u64 {
        self.service.faults().fired(fault)
    }

    /// Removes one fault.
    pub fn remove_fault(&self, fault: FaultId) {
        self.service.faults().remove(fault);
    }

    /// Removes all faults.
    pub fn clear_faults(&self) {
        self.service.faults().clear();
    }

    /// The requests seen, in the order in which they arrived. Only the newest
    /// are kept, see [`Builder::recorded_requests`](crate::simulator::Builder::recorded_requests).
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.service.log().records()
    }

    /// How many requests were seen, of one operation or of all; those which
    /// [`requests`](Self::requests) has forgotten are counted too.
    pub fn request_count(&self, operation: impl Into<Option<Operation>>) -> u64 {
        self.service.log().count(operation.into())
    }

    /// Forgets the requests seen, and their counts.
    pub fn clear_requests(&self) {
        self.service.log().clear();
    }

    /// The certificates held, of all accounts, in the order of their upload.
    pub fn certificates(&self) -> Vec<StoredCertificate> {
        let held: Vec<_> = self.service.world().certificates().cloned().collect();
        held.iter().map(|stored| StoredCertificate::from(&**stored)).collect()
    }

    /// What requests have really changed since the start.
    pub fn effects(&self) -> Effects {
        self.service.world().effects.clone()
    }
}

impl fmt::Debug for Simulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulator").field("base_url", &self.base_url).finish_non_exhaustive()
    }
}
