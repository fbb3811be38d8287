//! How a release or a rotation waits, and what it assumes.

use std::time::Duration;

/// How a [release](crate::Release) or a [rotation](crate::Rotate) waits, and what it
/// assumes.
#[derive(Clone, Debug)]
#[must_use]
pub struct ReleaseOptions {
    pub(crate) wait_timeout: Duration,
    pub(crate) first_delay: Duration,
    pub(crate) max_delay: Duration,
    pub(crate) hostname_services: Vec<String>,
    pub(crate) unreadable_zones_ignored: bool,
}

impl Default for ReleaseOptions {
    fn default() -> Self {
        Self {
            wait_timeout: Duration::from_secs(10 * 60),
            first_delay: Duration::from_secs(1),
            max_delay: Duration::from_secs(15),
            hostname_services: Vec::new(),
            unreadable_zones_ignored: false,
        }
    }
}

impl ReleaseOptions {
    /// Bounds the time to wait until the service has applied a change (10 minutes
    /// unless set). Requests before and after have the limits of the handle.
    pub fn with_wait_timeout(mut self, timeout: Duration) -> Self {
        self.wait_timeout = timeout;
        self
    }

    /// Sets the first delay between looks, which doubles, and the longest (1 and 15
    /// seconds unless set).
    pub fn with_poll_interval(mut self, first: Duration, max: Duration) -> Self {
        self.first_delay = first;
        self.max_delay = max;
        self
    }

    /// Adds a service whose associations stand for hostnames. `API Shield` is known, and
    /// other names are judged by evidence.
    pub fn with_hostname_service(mut self, name: impl Into<String>) -> Self {
        self.hostname_services.push(name.into());
        self
    }

    /// Proceeds although zones cannot be read. If they have hostnames of the
    /// certificate, the others are detached, and the wait times out.
    pub fn with_unreadable_zones_ignored(mut self) -> Self {
        self.unreadable_zones_ignored = true;
        self
    }
}
