//! A local stand-in for Cloudflare's mTLS certificate API.
//!
//! [`Simulator`] is an HTTP server on the loopback interface that keeps
//! certificates, zones and hostnames in memory. It serves the eight operations
//! that a client of the API needs, and the few others with which command line
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
//! - Paths are served with and without a final slash, so a client that puts an
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
//!   seeded with 32 hexadecimal digits for its id has no hostnames; in a
//!   request body `null` means the managed CA, like an absent one.
//!
//! Accounts, memberships and tokens:
//!
//! - `GET /accounts` and `GET /memberships` list the one account, with the
//!   fields that clients read. `GET /user/tokens/verify` finds the token active,
//!   and refuses an email address and key like a foreign account.
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
mod protocol;
mod rate_limit;
mod record;
mod seed;
mod service;
mod settings;
mod world;

pub use auth::Credentials;
pub use builder::Builder;
pub use fault::{Fault, FaultId};
pub use handle::Simulator;
pub use protocol::route::Operation;
pub use record::{Effects, Gap, RequestRecord};
pub use seed::{Seed, StoredCertificate, UnreadablePem};
pub use settings::{DeleteResult, HostnameIds, HostnameRule};
pub use world::UnknownId;
