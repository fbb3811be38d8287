//! The settings of a simulator, and its start.

use std::io;
use std::time::{Duration, SystemTime};

use crate::simulator::auth::{Keyring, is_token};
use crate::simulator::handle::Simulator;
use crate::simulator::protocol::envelope::ServiceError;
use crate::simulator::protocol::route::is_hex_id;
use crate::simulator::rate_limit::Policy;
use crate::simulator::record::RequestRecord;
use crate::simulator::settings::{
    DeleteResult, HostnameIds, HostnameRule, Observer, Settings, random_hex_id,
};

/// Settings for a [`Simulator`]; begin with [`Simulator::builder`].
///
/// Values which stand for something that is not known of the real service are
/// listed in the [module documentation](super).
#[derive(Clone)]
#[must_use = "a builder does nothing until it is started"]
pub struct Builder(Settings);

impl Builder {
    pub(crate) fn new() -> Self {
        Self(Settings {
            port: 0,
            account_id: random_hex_id(),
            keyring: Keyring {
                token: format!("simulated-{}", random_hex_id()),
                email_and_key: None,
            },
            ca_quota: 5,
            propagation: Duration::ZERO,
            rate_limit: Some(Policy {
                quota: 1200,
                window: Duration::from_secs(300),
            }),
            in_use: ServiceError::new(409, 99001, "The certificate is in use by a service."),
            not_found: ServiceError::new(404, 99002, "The certificate was not found."),
            refusal_code: 99003,
            delete_result: DeleteResult::Certificate,
            null_lists: false,
            normalise_pem: true,
            hostname_rule: HostnameRule::Shared,
            hostname_service: "API Shield".to_owned(),
            hostname_ids: HostnameIds::Uuid,
            recorded_requests: 4096,
            observer: None,
            start_time: None,
            clock_stands_still: false,
        })
    }

    /// The TCP port; 0, the default, takes any free one.
    pub fn port(mut self, port: u16) -> Self {
        self.0.port = port;
        self
    }

    /// The account, 32 hexadecimal digits; random by default.
    pub fn account_id(mut self, id: impl Into<String>) -> Self {
        self.0.account_id = id.into();
        self
    }

    /// The API token that is right; random by default.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.0.keyring.token = token.into();
        self
    }

    /// The email address and global API key that are right beside the token;
    /// none by default.
    pub fn email_and_key(mut self, email: impl Into<String>, key: impl Into<String>) -> Self {
        self.0.keyring.email_and_key = Some((email.into(), key.into()));
        self
    }

    /// How many CAs the account may upload; 5 by default.
    pub fn ca_quota(mut self, quota: usize) -> Self {
        self.0.ca_quota = quota;
        self
    }

    /// How long an association stays `pending_deployment` after it was made,
    /// and `pending_deletion` after it was removed; no time at all by default.
    /// Measured on the simulator's clock, see [`Simulator::advance`].
    pub fn propagation(mut self, delay: Duration) -> Self {
        self.0.propagation = delay;
        self
    }

    /// How many requests a window allows; 1,200 in 300 seconds by default.
    pub fn rate_limit(mut self, quota: u64, window: Duration) -> Self {
        self.0.rate_limit = Some(Policy { quota, window });
        self
    }

    /// Any number of requests; responses come without the rate limit headers.
    pub fn no_rate_limit(mut self) -> Self {
        self.0.rate_limit = None;
        self
    }

    /// The refusal to delete a certificate that is in use. The real one is
    /// published nowhere: the default, HTTP 409 with code 99001, is made up,
    /// and a client that depends on it is wrong.
    pub fn in_use_error(mut self, status: u16, code: u32, message: impl Into<String>) -> Self {
        self.0.in_use = ServiceError::new(status, code, message);
        self
    }

    /// The response where a certificate does not exist; HTTP 404 with the made
    /// up code 99002 by default.
    pub fn not_found_error(mut self, status: u16, code: u32, message: impl Into<String>) -> Self {
        self.0.not_found = ServiceError::new(status, code, message);
        self
    }

    /// The code of every other refusal whose real code is not known; the made
    /// up 99003 by default.
    pub fn refusal_code(mut self, code: u32) -> Self {
        self.0.refusal_code = code;
        self
    }

    /// The `result` of a successful delete; the whole certificate by default.
    pub fn delete_result(mut self, result: DeleteResult) -> Self {
        self.0.delete_result = result;
        self
    }

    /// Writes `errors` and `messages` of a success as `null`; off by default.
    pub fn null_lists(mut self, on: bool) -> Self {
        self.0.null_lists = on;
        self
    }

    /// Stores PEM with `\n` as its line ends and without white space around
    /// it; on by default. Off keeps the text as it was sent.
    pub fn normalise_pem(mut self, on: bool) -> Self {
        self.0.normalise_pem = on;
        self
    }

    /// What happens to a hostname that another CA has; shared by default.
    pub fn hostname_rule(mut self, rule: HostnameRule) -> Self {
        self.0.hostname_rule = rule;
        self
    }

    /// Which certificate ids the hostname operations take; UUIDs by default.
    pub fn hostname_ids(mut self, ids: HostnameIds) -> Self {
        self.0.hostname_ids = ids;
        self
    }

    /// The service name under which hostnames appear among a certificate's
    /// associations; `API Shield` by default.
    pub fn hostname_service(mut self, name: impl Into<String>) -> Self {
        self.0.hostname_service = name.into();
        self
    }

    /// How many requests [`Simulator::requests`] remembers; 4,096 by default,
    /// and 0 saves the work. Older ones are forgotten, but stay counted.
    pub fn recorded_requests(mut self, capacity: usize) -> Self {
        self.0.recorded_requests = capacity;
        self
    }

    /// Calls `observer` with each request once its response is decided, or once
    /// its connection has ended without one. It runs on the thread that serves,
    /// so no other request is served until it returns; it may call the
    /// simulator. It sees only requests
    /// that are [remembered](Self::recorded_requests).
    pub fn on_request(mut self, observer: impl Fn(&RequestRecord) + Send + Sync + 'static) -> Self {
        self.0.observer = Some(Observer::new(observer));
        self
    }

    /// The date at which the simulator's clock starts; today by default.
    pub fn start_time(mut self, at: SystemTime) -> Self {
        self.0.start_time = Some(at);
        self
    }

    /// A clock that moves only by [`Simulator::advance`].
    pub fn clock_stands_still(mut self) -> Self {
        self.0.clock_stands_still = true;
        self
    }

    /// Starts the simulator.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] for an account id or token that no
    /// request could carry; otherwise what the operating system says about the
    /// port or the thread.
    #[expect(clippy::unused_async, reason = "leaves room for a start that waits")]
    pub async fn start(self) -> io::Result<Simulator> {
        self.start_blocking()
    }

    /// Starts the simulator from code that is not async.
    ///
    /// # Errors
    ///
    /// Those of [`start`](Self::start).
    pub fn start_blocking(self) -> io::Result<Simulator> {
        let settings = self.0;
        if !is_hex_id(&settings.account_id) {
            return Err(invalid("an account id has 32 hexadecimal digits"));
        }
        if !is_token(&settings.keyring.token) {
            return Err(invalid("the token cannot be sent in a header"));
        }
        if let Some((email, key)) = &settings.keyring.email_and_key
            && !(email.contains('@') && is_token(key))
        {
            return Err(invalid(
                "the email address or key cannot be sent in a header",
            ));
        }
        Simulator::launch(settings)
    }
}

fn invalid(message: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, message)
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
}
