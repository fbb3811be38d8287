//! Waiting until the service has done what was asked of it.

use std::fmt;
use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use tokio::time::Instant;

/// How long to wait for the service, and how often to look.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wait {
    pub(crate) longest: Duration,
    pub(crate) first: Duration,
    pub(crate) most: Duration,
}

impl Default for Wait {
    fn default() -> Self {
        Self {
            longest: Duration::from_secs(10 * 60),
            first: Duration::from_secs(1),
            most: Duration::from_secs(15),
        }
    }
}

/// A wait under way.
#[derive(Debug)]
pub(crate) struct Turns {
    wait: Wait,
    begun: Instant,
    next: Duration,
}

/// What to do when a wait has ended in vain.
pub(crate) const LATER: &str = "run it again later to go on";

/// Comes back at the second poll, so that whoever polls can stop in between.
pub(crate) async fn give_way() {
    let mut polled = false;
    poll_fn(|context| {
        if polled {
            return Poll::Ready(());
        }
        polled = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

impl fmt::Display for Wait {
    /// How long it lasts, as people read it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} s", self.longest.as_secs_f64())
    }
}

impl Wait {
    pub(crate) fn begin(self) -> Turns {
        Turns {
            wait: self,
            begun: Instant::now(),
            next: self.first,
        }
    }
}

impl Turns {
    /// The time that is left.
    pub(crate) fn left(&self) -> Duration {
        self.wait.longest.saturating_sub(self.begun.elapsed())
    }

    /// Pauses, longer each time; `false`, and at once, where the time is over.
    pub(crate) async fn pause(&mut self) -> bool {
        let left = self.left();
        if left.is_zero() {
            return false;
        }
        // The last look is at the very end.
        tokio::time::sleep(self.next.min(left)).await;
        self.next = self.next.saturating_mul(2).min(self.wait.most);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn pauses_longer_each_time_and_ends_on_time() {
        let seconds = Duration::from_secs;
        let wait = Wait {
            longest: seconds(12),
            first: seconds(1),
            most: seconds(4),
        };
        let (mut turns, mut looks) = (wait.begin(), Vec::new());
        let begun = Instant::now();
        while turns.pause().await {
            looks.push(begun.elapsed().as_secs());
        }
        assert_eq!(looks, [1, 3, 7, 11, 12]);
        assert_eq!(begun.elapsed(), seconds(12));
    }
}
