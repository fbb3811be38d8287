//! Limits on the handles of all resources.

/// What every handle of a resource has, over its `client`.
macro_rules! handle_limits {
    () => {
        /// The client of this handle, with the limits of this handle.
        pub fn client(&self) -> &$crate::transport::Client {
            &self.client
        }

        /// The patience of this handle, if it is set.
        pub fn patience(&self) -> Option<std::time::Duration> {
            self.client.limits.patience
        }

        /// Bounds each operation of this handle by what is `left` of something
        /// longer, but leaves time for one attempt.
        pub fn within(self, left: std::time::Duration) -> Self {
            let limits = self.client.limits.clone().within(left);
            self.with_limits(limits)
        }

        /// This handle, for another request of an operation that began before.
        fn after(&self, elapsed: std::time::Duration) -> Self {
            let limits = self.client.limits.clone().after(elapsed);
            self.clone().with_limits(limits)
        }

        fn with_limits(mut self, limits: $crate::transport::Limits) -> Self {
            self.client.limits = limits;
            self
        }
    };
}

pub(crate) use handle_limits;
