//! A local stand-in for Cloudflare's mTLS certificate API.
//!
//! [`Simulator`] is an HTTP server on the loopback interface that keeps
//! certificates, zones and hostnames in memory. It serves the eight operations
//! that a client of the API needs, those by which Workers, Hyperdrive and Gateway
//! show which certificates they use, and the few others with which command line
//! clients find their account. It reads uploaded certificates for real, checks
//! credentials and permissions, limits the rate, shows changes as late as the
//! service does, and breaks on request:
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
//! // The next delete takes effect, but its response never arrives.
//! simulator.inject(Fault::reset().on(Operation::Delete).times(1).after_effect());
//! # Ok(())
//! # }
//! ```
//!
//! It runs in a thread of its own and stops when it is dropped, whatever is
//! still connected. It listens on `127.0.0.1` only, speaks HTTP/1.1 and, with
//! prior knowledge, HTTP/2; [`base_url`](Simulator::base_url) includes `/client/v4`.
//!
//! # Time
//!
//! Lags, late effects, the rate limit and all dates follow the simulator's clock: real time
//! plus whatever [`advance`](Simulator::advance) and [`Builder::clock_step`] add, or
//! only the latter with [`Builder::clock_stands_still`]. So tests need not sleep.
//! Two things pass in real time because a socket waits for them: the delay of a
//! [`Fault`], and [`Builder::max_silence`].
//!
//! The service is eventually consistent. How late it usually is nobody publishes: tests
//! that read at once pass on it, and others waited for more than a minute under load. So
//! what it responds is the default here, and how late it is a setting: by default nothing
//! is late, and [`Builder::slow_day`] turns on all delays as they were seen under load.
//! A test of a client runs both ways:
//!
//! | setting | what is late |
//! | --- | --- |
//! | [`propagation`](Builder::propagation) | associations come and go |
//! | [`hostname_lag`](Builder::hostname_lag) | a read of hostnames shows the list before a change |
//! | [`list_lag`](Builder::list_lag) | the list shows neither an upload nor a delete |
//! | [`delete_lag`](Builder::delete_lag) | a deleted certificate can still be read |
//! | [`in_use_lag`](Builder::in_use_lag) | a delete is refused although no association is left |
//!
//! # What is known of the service
//!
//! Seen live, reported by users, or documented by Cloudflare:
//!
//! - A delete while the certificate is in use: HTTP 400, "Certificate cannot be
//!   deleted while in use."; also for a while after the last use.
//! - A repeated delete: HTTP 400, with "already deleted" in the message.
//! - Codes 1472 ("Certificate not found"), 1489 ("Hit maximum CA cert
//!   allocation.", HTTP 400), and 1471 ("This certificate already exists") for an
//!   upload of content that the account holds, whatever its name
//!   ([`Builder::accept_duplicates`]).
//! - Certificates of Gateway and Access cannot be deleted here: HTTP 401 or 403.
//! - A token without the permission, and a foreign account or zone: HTTP 403, code
//!   10000, "Authentication error". An invalid token: HTTP 403, code 9109. No
//!   credentials: HTTP 400, code 10001. Malformed ones: code 6003 with 6102, 6103 or
//!   6111 as its cause. 10000 and 10001 happen to valid tokens, too
//!   ([`Fault::flaky_credentials`], [`Fault::flaky_authentication`]).
//! - Hostnames of a zone without the entitlement: HTTP 403, or code 7003
//!   ([`Simulator::set_entitlement`]).
//! - The rate limit, its headers and code 971. Errors can come without a code
//!   ([`Fault::error_without_code`], [`Builder::refusal`]).
//! - The service keeps its own form of PEM: a final line end, duplicates dropped,
//!   perhaps another order ([`Builder::pem_form`]). A certificate without a name has
//!   `"name": ""`. An Ed25519 CA is taken, although it verifies nobody.
//! - A hostname may belong to several CAs of a zone. An empty list for the managed CA
//!   switches mTLS off. The response to a change of hostnames is right at once.
//! - Workers, Hyperdrive configurations and Gateway use certificates
//!   ([`Simulator::put_worker`], [`Simulator::put_hyperdrive`],
//!   [`Simulator::set_gateway_use`]), and keep them in use for a while after they
//!   stopped, perhaps without an association ([`Builder::hide_products`]).
//! - Accounts can own tokens, which `GET /user/tokens/verify` refuses with HTTP 401,
//!   and `GET /accounts` with code 1001.
//!
//! # What the simulator assumes
//!
//! The rest is not known. A client should not rely on these choices, and codes
//! from 99001 on are [made up](MADE_UP_CODES), so that nobody takes them for real
//! ones. The rays of its responses end in `-SIM`.
//!
//! Errors:
//!
//! - Codes of refusals in use (99001), already deleted (99002) and not entitled
//!   (99004); HTTP 404 for 1472, HTTP 400 for 1471; HTTP 403 and code 10000 for
//!   managed certificates ([`Builder::refusal`]).
//! - Every other refusal without a published code, such as malformed PEM: HTTP
//!   400, code 99003. [`Builder::without_made_up_codes`] leaves all made-up codes out.
//! - A deleted certificate is remembered for good, until 4,096 others are.
//! - Code 1411 comes with HTTP 400; 7003 and 7000 come together, with HTTP 404. A
//!   known path with another method: HTTP 405, code 7001.
//! - Paths are served with and without a final slash, so a client that puts an
//!   empty id into a path meets the list, or a refusal of the method.
//! - A wrong email address or key: HTTP 400, code 9103.
//! - A token that is verified where it does not belong: code 1000.
//! - A token without the permission for zones, or restricted to some, gets a list
//!   of zones without the others.
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
//!   `SHA1WithRSA`, `ECDSAWithSHA256`; and `Ed25519`. Names are escaped as in RFC
//!   4514.
//! - Two uploads have the same content if their chains hold the same
//!   certificates, as CA or not. A deleted certificate can be uploaded again at once.
//! - Expired certificates and names in use are taken. Leaf certificates and managed
//!   ones do not count for the quota.
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
//! - The `result` of an empty list is `[]` ([`Builder::null_empty_results`]).
//! - Zones of an unknown account are an empty list. A zone without the entitlement
//!   has the plan `free`; one that is not routed is `pending` besides.
//!
//! Associations:
//!
//! - Hostnames appear as one row of the service `API Shield`
//!   ([`Builder::hostname_service`]) for each zone; other rows come from
//!   [`Simulator::attach_service`]. A row with the status `deleted` does not
//!   keep a certificate from being deleted, any other does.
//! - Attaching and detaching take equally long.
//! - While a deleted certificate can be read, so can its (empty) associations.
//!   [`Builder::list_lag`] holds for deletes as for uploads.
//! - Hostnames are taken as they are: nothing checks that they lie in the zone.
//! - The hostname operations take an `mtls_certificate_id` only if it is that of a
//!   CA; in a request body `null` means the managed CA, like an absent one.
//! - Products appear as `Workers`, `Hyperdrive` and `Gateway`, one row each.
//!
//! Products:
//!
//! - Hyperdrive configurations have pages, because the official libraries ask for
//!   them until one is empty; Workers and Gateway certificates do not. They have
//!   only the fields that show a use or a name. An unknown Worker: HTTP 404, code
//!   10007. The certificates of Gateway are those
//!   that it manages and those that it uses.
//!
//! Accounts, memberships and tokens:
//!
//! - `GET /accounts` and `GET /memberships` list the accounts that the token may
//!   see, with the fields that clients read.
//! - A disabled or expired token can be verified, which returns that status; every
//!   other operation refuses it like an invalid one.
//!
//! # Speed
//!
//! On a shared machine with two cores it starts and stops in 0.2 ms and serves
//! 50,000 reads a second on the one core it uses, the client taking the other.
//! `cargo run --release -p cf-mtls-testkit --example throughput` measures both.

mod auth;
mod builder;
mod chain;
mod clock;
mod fault;
mod handle;
mod http;
#[cfg(feature = "clap")]
mod options;
mod products;
mod protocol;
mod rate_limit;
mod record;
mod refusal;
mod seed;
mod service;
mod settings;
mod world;

pub use auth::{Credentials, Permission, Token};
pub use builder::Builder;
pub use fault::{Fault, FaultId};
pub use handle::Simulator;
#[cfg(feature = "clap")]
pub use options::{Options, RepeatedZone};
pub use protocol::route::Operation;
pub use record::{Effects, Gap, RequestRecord};
pub use refusal::{MADE_UP_CODES, Refusal};
pub use seed::{Seed, SeedError, StoredCertificate};
pub use settings::{DeleteResult, HostnameRule, PemForm};
pub use world::{Entitlement, Hyperdrive, UnknownId, Worker};
