//! How a release or a rotation waits, and what it assumes.

use std::time::Duration;

/// How a [release](crate::Release) or a [rotation](crate::Rotate) waits, and what it assumes.
#[derive(Clone, Debug)]
#[must_use]
pub struct ReleaseOptions {
    pub(crate) wait_timeout: Duration,
    pub(crate) first_delay: Duration,
    pub(crate) max_delay: Duration,
    pub(crate) hostname_services: Vec<String>,
    pub(crate) unreadable_zones_ignored: bool,
    pub(crate) ignored_zones: Vec<String>,
    pub(crate) holders_awaited: bool,
    pub(crate) all_zones: bool,
    pub(crate) any_ca_allowed: bool,
}

impl Default for ReleaseOptions {
    fn default() -> Self {
        Self {
            wait_timeout: Duration::from_secs(10 * 60),
            first_delay: Duration::from_secs(1),
            max_delay: Duration::from_secs(15),
            hostname_services: Vec::new(),
            unreadable_zones_ignored: false,
            ignored_zones: Vec::new(),
            holders_awaited: false,
            all_zones: false,
            any_ca_allowed: false,
        }
    }
}

impl ReleaseOptions {
    setters! {
        /// Bounds the time to wait until the service has applied a change (10 minutes
        /// unless set). Requests before and after have the limits of the handle.
        with_wait_timeout(self, timeout: Duration) { self.wait_timeout = timeout }

        /// Sets the first delay between two looks, which doubles each time, and the longest
        /// (1 and 15 seconds unless set).
        with_poll_interval(self, first: Duration, max: Duration) {
            (self.first_delay, self.max_delay) = (first, max);
        }

        /// Adds a service whose associations stand for hostnames. `API Shield` is known, and
        /// other names are judged by evidence.
        with_hostname_service(self, name: impl Into<String>) {
            self.hostname_services.push(name.into())
        }

        /// Waits until a person has removed the certificate from Workers, Hyperdrive and
        /// others that hold it, in place of failing at once. Set a
        /// [wait timeout](Self::with_wait_timeout) that is long enough for that.
        with_wait_for_holders(self) { self.holders_awaited = true }

        /// Looks for hostnames in all zones even if no association shows any, which costs a
        /// request for each zone. A rotation always does. A zone that cannot be read then blocks
        /// the job, unless it is [ignored](Self::with_ignored_zone).
        with_all_zones(self) { self.all_zones = true }

        /// Proceeds although this zone, given by its id or name, cannot be read.
        with_ignored_zone(self, zone: impl Into<String>) { self.ignored_zones.push(zone.into()) }

        /// Lets a rotation proceed with a CA that has expired, is not valid yet, or is
        /// neither RSA nor ECDSA, and so verifies nobody.
        with_any_ca_allowed(self) { self.any_ca_allowed = true }

        /// Proceeds although zones cannot be read. If they have hostnames of the certificate, the
        /// others are detached, and the wait times out. Steps and errors name these zones.
        with_unreadable_zones_ignored(self) { self.unreadable_zones_ignored = true }
    }

    pub(crate) fn ignores(&self, zone: &cf_mtls::Zone) -> bool {
        let names = [Some(zone.id.as_str()), zone.name.as_deref()];
        let is_zone =
            |text: &String| names.into_iter().flatten().any(|name| name.eq_ignore_ascii_case(text));
        self.unreadable_zones_ignored || self.ignored_zones.iter().any(is_zone)
    }
}
