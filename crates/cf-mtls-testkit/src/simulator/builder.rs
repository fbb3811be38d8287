//! The settings of a simulator, and its start.

use std::io;
use std::time::{Duration, SystemTime};

use crate::simulator::auth::{EmailAndKey, Token, is_token};
use crate::simulator::handle::Simulator;
use crate::simulator::protocol::ids::{is_hex_id, random_hex_id};
use crate::simulator::rate_limit::Policy;
use crate::simulator::record::RequestRecord;
use crate::simulator::refusal::{Refusal, Refusals};
use crate::simulator::settings::{DeleteResult, HostnameRule, Lags, Observer, PemForm, Settings};

/// Settings for a [`Simulator`]; begin with [`Simulator::builder`].
///
/// What is known of the live service is the default, without its delays;
/// [`slow_day`](Self::slow_day) turns those on. Which values are assumed is listed
/// in the [module documentation](super).
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until it is started"]
pub struct Builder {
    settings: Settings,
    token: Token,
    email_and_key: Option<EmailAndKey>,
}

impl Builder {
    fn new() -> Self {
        let settings = Settings {
            port: 0,
            account_id: random_hex_id(),
            ca_quota: 5,
            lags: Lags::default(),
            rate_limit: Some(Policy { quota: 1200, window: Duration::from_secs(300) }),
            refusals: Refusals::default(),
            without_made_up_codes: false,
            accept_duplicates: false,
            delete_result: DeleteResult::Certificate,
            null_lists: false,
            null_empty_results: false,
            pem_form: PemForm::Normalized,
            hostname_rule: HostnameRule::Shared,
            hostname_service: "API Shield".to_owned(),
            products_hidden: false,
            recorded_requests: 4096,
            max_silence: Duration::from_secs(30),
            observer: None,
            start_time: None,
            clock_stands_still: false,
            clock_step: Duration::ZERO,
        };
        Self {
            settings,
            token: Token::new(format!("simulated-{}", random_hex_id())),
            email_and_key: None,
        }
    }

    /// The TCP port; 0, the default, takes any free one.
    pub fn port(mut self, port: u16) -> Self {
        self.settings.port = port;
        self
    }

    /// The account, 32 hexadecimal digits; random by default.
    pub fn account_id(mut self, id: impl AsRef<str>) -> Self {
        self.settings.account_id = id.as_ref().to_ascii_lowercase();
        self
    }

    /// The simulator's own API token: a text, or a [`Token`] with restrictions; by
    /// default random, and allowed everything.
    pub fn token(mut self, token: impl Into<Token>) -> Self {
        self.token = token.into();
        self
    }

    /// The email address and global API key that are right beside the token;
    /// none by default. They may do everything.
    pub fn email_and_key(mut self, email: impl Into<String>, key: impl Into<String>) -> Self {
        let (email, key) = (email.into(), key.into());
        self.email_and_key = Some(EmailAndKey { email, key });
        self
    }

    /// How many CAs the account may upload; 5 by default.
    pub fn ca_quota(mut self, quota: usize) -> Self {
        self.settings.ca_quota = quota;
        self
    }

    /// How long an association stays `pending_deployment` after it was made,
    /// and `pending_deletion` after it was removed; no time at all by default.
    /// Measured on the simulator's clock, see [`Simulator::advance`].
    pub fn propagation(mut self, delay: Duration) -> Self {
        self.settings.lags.propagation = delay;
        self
    }

    /// How long a read of hostnames shows the list before a change, while the
    /// response to the change shows the new one; no time at all by default.
    pub fn hostname_lag(mut self, lag: Duration) -> Self {
        self.settings.lags.hostnames = lag;
        self
    }

    /// How long the list of certificates shows neither an upload nor a delete; no
    /// time at all by default.
    pub fn list_lag(mut self, lag: Duration) -> Self {
        self.settings.lags.list = lag;
        self
    }

    /// How long a deleted certificate and its associations can still be read; no
    /// time at all by default.
    pub fn delete_lag(mut self, lag: Duration) -> Self {
        self.settings.lags.delete = lag;
        self
    }

    /// How long a delete is refused after the last association is gone; no time at
    /// all by default.
    pub fn in_use_lag(mut self, lag: Duration) -> Self {
        self.settings.lags.in_use = lag;
        self
    }

    /// All lags at once, as they were seen under load: associations 15 s,
    /// hostnames 25 s, lists 10 s, deletes 20 s, in use 60 s. Set single ones
    /// after it.
    pub fn slow_day(self) -> Self {
        self.propagation(Duration::from_secs(15))
            .hostname_lag(Duration::from_secs(25))
            .list_lag(Duration::from_secs(10))
            .delete_lag(Duration::from_secs(20))
            .in_use_lag(Duration::from_secs(60))
    }

    /// How many requests a window allows; 1,200 in 300 seconds by default.
    pub fn rate_limit(mut self, quota: u64, window: Duration) -> Self {
        self.settings.rate_limit = Some(Policy { quota, window });
        self
    }

    /// Any number of requests; responses come without the rate limit headers.
    pub fn no_rate_limit(mut self) -> Self {
        self.settings.rate_limit = None;
        self
    }

    /// The response of a refusal; [`Refusal`] has the defaults. `None` leaves the
    /// code out, as the service does at times.
    pub fn refusal(
        mut self,
        refusal: Refusal,
        status: u16,
        code: Option<u32>,
        message: impl Into<String>,
    ) -> Self {
        let refusals = &mut self.settings.refusals;
        refusals.set(refusal, status, code, message.into());
        self
    }

    /// Leaves out the code of an error where the real one is not known, in place
    /// of one that is [made up](super::MADE_UP_CODES); off by default.
    pub fn without_made_up_codes(mut self, on: bool) -> Self {
        self.settings.without_made_up_codes = on;
        self
    }

    /// Stores content that the account holds already a second time; off by default.
    pub fn accept_duplicates(mut self, on: bool) -> Self {
        self.settings.accept_duplicates = on;
        self
    }

    /// The `result` of a successful delete; the whole certificate by default.
    pub fn delete_result(mut self, result: DeleteResult) -> Self {
        self.settings.delete_result = result;
        self
    }

    /// Writes `errors` and `messages` of a success as `null`; off by default.
    pub fn null_lists(mut self, on: bool) -> Self {
        self.settings.null_lists = on;
        self
    }

    /// Writes the `result` of an empty list as `null`, as a neighbouring API of
    /// Cloudflare does; off by default.
    pub fn null_empty_results(mut self, on: bool) -> Self {
        self.settings.null_empty_results = on;
        self
    }

    /// How the PEM of an upload is stored; in the service's own form by default.
    pub fn pem_form(mut self, form: PemForm) -> Self {
        self.settings.pem_form = form;
        self
    }

    /// What happens to a hostname that another CA has; shared by default.
    pub fn hostname_rule(mut self, rule: HostnameRule) -> Self {
        self.settings.hostname_rule = rule;
        self
    }

    /// The service name under which hostnames appear among a certificate's
    /// associations; `API Shield` by default.
    pub fn hostname_service(mut self, name: impl Into<String>) -> Self {
        self.settings.hostname_service = name.into();
        self
    }

    /// Leaves Workers, Hyperdrive and Gateway out of a certificate's associations,
    /// although they keep it in use; off by default.
    pub fn hide_products(mut self, on: bool) -> Self {
        self.settings.products_hidden = on;
        self
    }

    /// How many requests [`Simulator::requests`] remembers; 4,096 by default,
    /// and 0 saves the work. Older ones are forgotten, but stay counted.
    pub fn recorded_requests(mut self, capacity: usize) -> Self {
        self.settings.recorded_requests = capacity;
        self
    }

    /// How long a client may be silent, and how long the head and the body of a
    /// request may take, before its connection is closed; 30 s of real time by
    /// default. A client that waits for a response may be silent.
    pub fn max_silence(mut self, limit: Duration) -> Self {
        self.settings.max_silence = limit;
        self
    }

    /// Calls `observer` with each request once its response is decided, or once
    /// its connection has ended without one. It runs on the thread that serves,
    /// so no other request is served until it returns; it may call the
    /// simulator. It sees only requests
    /// that are [remembered](Self::recorded_requests).
    pub fn on_request(mut self, observer: impl Fn(&RequestRecord) + Send + Sync + 'static) -> Self {
        self.settings.observer = Some(Observer::new(observer));
        self
    }

    /// The date at which the simulator's clock starts; today by default.
    pub fn start_time(mut self, at: SystemTime) -> Self {
        self.settings.start_time = Some(at);
        self
    }

    /// A clock that moves only by [`Simulator::advance`] and
    /// [`clock_step`](Self::clock_step).
    pub fn clock_stands_still(mut self) -> Self {
        self.settings.clock_stands_still = true;
        self
    }

    /// Moves the clock forward with each request, before it is served: delays pass
    /// without sleeping. No time at all by default.
    pub fn clock_step(mut self, step: Duration) -> Self {
        self.settings.clock_step = step;
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
        if !is_hex_id(&self.settings.account_id) {
            return Err(invalid("an account id has 32 hexadecimal digits"));
        }
        if !is_token(self.token.text()) {
            return Err(invalid("the token cannot be sent in a header"));
        }
        if let Some(EmailAndKey { email, key }) = &self.email_and_key
            && !(email.contains('@') && is_token(key))
        {
            return Err(invalid("the email address or key cannot be sent in a header"));
        }
        Simulator::launch(self.settings, self.token, self.email_and_key)
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

    /// The same from code that is not async.
    ///
    /// # Errors
    ///
    /// Those of [`start`](Self::start).
    pub fn start_blocking() -> io::Result<Self> {
        Self::builder().start_blocking()
    }

    /// Settings other than the defaults.
    pub fn builder() -> Builder {
        Builder::new()
    }
}
