//! A local stand-in for Cloudflare's mTLS certificate API.
//!
//! [`Simulator`] is an HTTP server on the loopback interface that keeps
//! certificates, zones and hostnames in memory and answers the eight operations
//! which a client of the API needs, and the few others by which command line
//! clients find their account. It reads uploaded certificates for real, checks
//! credentials, limits the rate, lets associations come and go with a delay,
//! and breaks on request:
//!
//! ```
//! use cf_mtls_testkit::simulator::{Fault, Operation, Simulator};
//!
//! # async fn example() -> std::io::Result<()> {
//! let simulator = Simulator::start().await?;
//! println!("base URL {}", simulator.base_url());
//! println!("account  {}", simulator.account_id());
//! println!("token    {}", simulator.token());
//!
//! // The next delete takes effect, but its answer never arrives.
//! simulator.inject(Fault::reset().on(Operation::Delete).times(1).after_effect());
//! # Ok(())
//! # }
//! ```
//!
//! It runs in a thread of its own and stops when it is dropped, whatever is
//! still connected. It listens on `127.0.0.1` only, speaks HTTP/1.1 and, with
//! prior knowledge, HTTP/2, and answers under
//! [`base_url`](Simulator::base_url), `/client/v4` included.
//!
//! # Time
//!
//! Propagation, the rate limit and all dates follow the simulator's clock: real
//! time plus whatever [`advance`](Simulator::advance) added, or only the latter
//! with [`Builder::clock_stands_still`]. So tests need not sleep. The one
//! exception is the delay of a [`Fault`], which passes in real time because a
//! client waits on a socket for it.
//!
//! # What the simulator assumes
//!
//! The service is documented in part only. Where the simulator had to choose,
//! a client should not rely on its choice. Codes from 99001 on are made up, so
//! that nobody takes them for real ones.
//!
//! Errors:
//!
//! - The refusal to delete a certificate in use: HTTP 409, code 99001
//!   ([`Builder::in_use_error`]).
//! - A certificate that does not exist: HTTP 404, code 99002
//!   ([`Builder::not_found_error`]).
//! - Paths answer with and without a final slash, so a client that puts an
//!   empty id into a path meets the list, or a refusal of the method.
//! - Every other refusal without a published code, such as malformed PEM: HTTP
//!   400, code 99003 ([`Builder::refusal_code`]).
//! - Codes 1489 and 1411 come with HTTP 400; 7003 and 7000 come together, with
//!   HTTP 404. A known path with another method: HTTP 405, code 7001.
//! - Missing credentials: HTTP 401, code 10000. A well-formed but wrong token:
//!   HTTP 403, code 9109. A wrong email address or key: HTTP 403, code 10000. A
//!   malformed or missing email address beside a key: code 6003 with 6102.
//! - A well-formed id of a foreign account or unknown zone: HTTP 403, code
//!   10000.
//! - Credentials are checked before the path, and only requests with right
//!   credentials count for the rate limit. All of them belong to one user. A
//!   fault strikes before either is looked at, and unless the request takes
//!   effect it does not count.
//!
//! Uploads:
//!
//! - Every certificate of a chain has to have a supported signature algorithm
//!   and, for a CA, the CA basic constraint. A CA need not be self-signed.
//! - The first certificate of a chain gives the printed values.
//! - Signature algorithms other than the documented example are named alike:
//!   `SHA1WithRSA`, `ECDSAWithSHA256`. Names are escaped as in RFC 4514.
//! - Expired certificates, the same certificate twice and names in use are
//!   taken. Leaf certificates and managed ones do not count for the quota.
//! - A certificate without a name is shown without the field `name`.
//! - Requests are limited to 1 MiB, and their `Content-Type` does not matter.
//!
//! Lists:
//!
//! - Certificates come in the order of upload, and without `type` all types
//!   are listed. `name` matches exactly; a `ca` other than `true` means leaf
//!   certificates.
//! - A repeated `type` means the same as one with commas.
//! - `per_page` above 50 means 50; zero, negative and unreadable numbers mean
//!   the default. A page beyond the last is empty.
//! - Zones of an account that is not the simulated one are an empty list.
//!
//! Associations:
//!
//! - Hostnames appear as one row of the service `API Shield`
//!   ([`Builder::hostname_service`]) for each zone; other rows come from
//!   [`Simulator::attach_service`]. A row with the status `deleted` does not
//!   keep a certificate from being deleted, any other does.
//! - Attaching and detaching take equally long ([`Builder::propagation`]). A
//!   hostname list shows a change at once.
//! - A hostname may belong to several CAs of a zone
//!   ([`Builder::hostname_rule`]). Hostnames are taken as they are: nothing
//!   checks that they lie in the zone.
//! - The hostname operations take an `mtls_certificate_id` only if it is that of
//!   a CA and a UUID ([`Builder::hostname_ids`]), so a certificate that was
//!   seeded with 32 hexadecimal digits for its id has no hostnames; in a request body `null` means the managed CA, like an absent one.
//!
//! Accounts, memberships and tokens:
//!
//! - `GET /accounts` and `GET /memberships` list the one account, with the
//!   fields that clients read. `GET /user/tokens/verify` finds the token active,
//!   and refuses an email address and key like a foreign account.
//!
//! # Speed
//!
//! On a shared machine with two cores it starts and stops in 0.2 ms and answers
//! 50,000 reads a second on the one core it uses, the client taking the other.
//! `cargo run --release -p cf-mtls-testkit --example throughput` measures both.

mod answer;
mod auth;
mod body;
mod clock;
mod envelope;
mod fault;
mod hostnames;
mod identity;
mod limit;
mod operations;
mod query;
mod record;
mod route;
mod seed;
mod server;
mod service;
mod settings;
mod shapes;
mod wire;
mod world;
mod x509;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

pub use auth::Credentials;
pub use fault::{Fault, FaultId};
pub use record::{Effects, Gap, RequestRecord};
pub use route::Operation;
pub use seed::{Seed, StoredCertificate, UnreadablePem};
pub use settings::{Builder, DeleteAnswer, HostnameIds, HostnameRule};
pub use world::UnknownId;

use clock::Clock;
use server::Server;
use service::Service;
use settings::Settings;

/// A running simulator; see the [module documentation](self).
///
/// It stops when it is dropped. All methods may be called while requests are
/// under way, from any thread.
pub struct Simulator {
    // Declared before the service, so that serving ends first.
    server: Server,
    service: Arc<Service>,
    base_url: String,
}

impl Simulator {
    /// Starts a simulator with default settings on a free port.
    ///
    /// # Errors
    ///
    /// What the operating system says if there is no port or thread to be had.
    pub async fn start() -> io::Result<Self> {
        Self::builder().start().await
    }

    /// Settings other than the defaults.
    pub fn builder() -> Builder {
        Builder::new()
    }

    fn launch(settings: Settings) -> io::Result<Self> {
        let origin = settings.start_time.unwrap_or_else(SystemTime::now);
        let clock = Clock::new(origin, settings.clock_stands_still);
        let port = settings.port;
        let service = Arc::new(Service::new(settings, clock));
        let server = Server::start(port, Arc::clone(&service))?;
        let base_url = format!("http://{}/client/v4", server.address);
        Ok(Self {
            server,
            service,
            base_url,
        })
    }

    /// What a client needs as its base URL: `http://127.0.0.1:PORT/client/v4`.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The address on which it listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address
    }

    /// The API token that is right.
    pub fn token(&self) -> &str {
        &self.service.settings.keyring.token
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

    /// Adds a zone to the account and returns its id.
    pub fn add_zone(&self, name: &str) -> String {
        self.service.world().add_zone(name)
    }

    /// Puts a certificate in without a request and returns its id.
    ///
    /// # Errors
    ///
    /// If its PEM cannot be read.
    pub fn seed(&self, seed: Seed) -> Result<String, UnreadablePem> {
        let stored = seed.sow(&self.service.clock)?;
        Ok(self.service.world().insert(stored).id.clone())
    }

    /// Attaches a service such as `gateway` to a certificate, or changes its
    /// status, such as `active`. The status stays until the next call.
    ///
    /// # Errors
    ///
    /// If there is no such certificate.
    pub fn attach_service(
        &self,
        certificate_id: &str,
        service: &str,
        status: &str,
    ) -> Result<(), UnknownId> {
        self.service.world().attach(certificate_id, service, status)
    }

    /// Detaches a service: `pending_deletion` until the propagation delay has
    /// passed, then gone.
    ///
    /// # Errors
    ///
    /// If there is no such certificate, or no such service attached to it.
    pub fn detach_service(&self, certificate_id: &str, service: &str) -> Result<(), UnknownId> {
        let now = self.service.clock.moment();
        self.service.world().detach(certificate_id, service, now)
    }

    /// The hostnames of a certificate in a zone; empty for unknown ids.
    pub fn hostnames(&self, zone_id: &str, certificate_id: &str) -> Vec<String> {
        self.service
            .world()
            .hostnames(zone_id, Some(certificate_id))
    }

    /// Replaces the hostnames of a CA in a zone, without a request.
    ///
    /// # Errors
    ///
    /// If there is no such zone or CA, or the
    /// [`HostnameRule`] forbids it.
    pub fn set_hostnames<S: Into<String>>(
        &self,
        zone_id: &str,
        certificate_id: &str,
        hostnames: impl IntoIterator<Item = S>,
    ) -> Result<(), UnknownId> {
        self.put_hostnames(zone_id, Some(certificate_id), hostnames)
    }

    /// The hostnames of the CA that the service manages for a zone.
    pub fn managed_hostnames(&self, zone_id: &str) -> Vec<String> {
        self.service.world().hostnames(zone_id, None)
    }

    /// Replaces the hostnames of the managed CA, without a request.
    ///
    /// # Errors
    ///
    /// Those of [`set_hostnames`](Self::set_hostnames).
    pub fn set_managed_hostnames<S: Into<String>>(
        &self,
        zone_id: &str,
        hostnames: impl IntoIterator<Item = S>,
    ) -> Result<(), UnknownId> {
        self.put_hostnames(zone_id, None, hostnames)
    }

    fn put_hostnames<S: Into<String>>(
        &self,
        zone_id: &str,
        owner: Option<&str>,
        hostnames: impl IntoIterator<Item = S>,
    ) -> Result<(), UnknownId> {
        let hostnames: Vec<String> = hostnames.into_iter().map(Into::into).collect();
        let now = self.service.clock.moment();
        let settings = &self.service.settings;
        let replaced = self
            .service
            .world()
            .replace_hostnames(zone_id, owner, &hostnames, now, settings);
        // Gaps count among the effects of requests only.
        replaced.map(|_gaps| ()).map_err(|_| UnknownId)
    }

    /// The services that use a certificate and their statuses, as its
    /// associations show them; empty for an unknown id.
    pub fn associations(&self, certificate_id: &str) -> Vec<(String, String)> {
        let now = self.service.clock.moment();
        let settings = &self.service.settings;
        let rows = self
            .service
            .world()
            .associations(certificate_id, now, settings);
        rows.into_iter()
            .map(|row| (row.service, row.status))
            .collect()
    }

    /// Moves the simulator's clock forward.
    pub fn advance(&self, by: Duration) {
        self.service.clock.advance(by);
    }

    /// What the simulator's clock shows.
    pub fn now(&self) -> SystemTime {
        self.service.clock.now().into()
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
    /// are kept, see [`Builder::recorded_requests`].
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

    /// The certificates held, in the order of their upload.
    pub fn certificates(&self) -> Vec<StoredCertificate> {
        let held: Vec<_> = self.service.world().certificates().cloned().collect();
        held.iter()
            .map(|stored| StoredCertificate::from(&**stored))
            .collect()
    }

    /// What requests have really changed since the start.
    pub fn effects(&self) -> Effects {
        self.service.world().effects.clone()
    }
}

impl fmt::Debug for Simulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulator")
            .field("base_url", &self.base_url)
            .finish_non_exhaustive()
    }
}
