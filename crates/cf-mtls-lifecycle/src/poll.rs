//! Looks at the service again and again until it has applied a change.

use std::future::poll_fn;
use std::task;
use std::time::Duration;

use tokio::time::Instant;

use crate::error::Error;
use crate::options::ReleaseOptions;
use crate::step::Step;

/// Receives each step.
pub(crate) type OnStep<'a> = &'a mut (dyn FnMut(&Step) + Send);

/// What one look found.
pub(crate) enum Look<T> {
    Done(T),
    /// Not yet. The step is reported, and the next look follows.
    Pending(Step),
}

/// Looks with pauses between them, within one timeout.
#[derive(Debug)]
pub(crate) struct Poll {
    begun: Instant,
    timeout: Duration,
    delay: Duration,
    max_delay: Duration,
}

impl Poll {
    pub(crate) fn new(options: &ReleaseOptions) -> Self {
        Self {
            begun: Instant::now(),
            timeout: options.wait_timeout,
            delay: options.first_delay,
            max_delay: options.max_delay,
        }
    }

    /// The time that is left.
    pub(crate) fn left(&self) -> Duration {
        self.timeout.saturating_sub(self.begun.elapsed())
    }

    /// Waits, longer each time; `false`, and at once, where the time is over.
    pub(crate) async fn wait_for_next(&mut self) -> bool {
        let left = self.left();
        if left.is_zero() {
            return false;
        }
        // The last look is at the very end.
        tokio::time::sleep(self.delay.min(left)).await;
        self.delay = self.delay.saturating_mul(2).min(self.max_delay);
        true
    }
}

/// Looks until one look is the last; `None` where the time is over before. Each look is
/// handed the time that is left.
///
/// A loop in the caller, since futures of async closures are not `Send` for every
/// lifetime.
macro_rules! poll_until {
    ($poll:expr, $on_step:expr, |$left:pat_param| $look:block) => {
        loop {
            let $left = $poll.left();
            match crate::poll::one_look(async { $look }).await? {
                Look::Done(found) => break Some(found),
                Look::Pending(step) => $on_step(&step),
            }
            if !$poll.wait_for_next().await {
                break None;
            }
        }
    };
}

pub(crate) use poll_until;

/// Names the type of a look.
pub(crate) fn one_look<T, F: Future<Output = Result<Look<T>, Error>>>(look: F) -> F {
    look
}

/// Is ready at the second poll, so that the caller can stop in between.
pub(crate) async fn yield_once() {
    let mut polled = false;
    poll_fn(|context| {
        if polled {
            return task::Poll::Ready(());
        }
        polled = true;
        context.waker().wake_by_ref();
        task::Poll::Pending
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn waits_longer_each_time_and_ends_on_time() {
        let seconds = Duration::from_secs;
        let options = ReleaseOptions::default().with_wait_timeout(seconds(12));
        let mut poll = Poll::new(&options.with_poll_interval(seconds(1), seconds(4)));
        let (begun, mut looks) = (Instant::now(), Vec::new());
        while poll.wait_for_next().await {
            looks.push(begun.elapsed().as_secs());
        }
        assert_eq!(looks, [1, 3, 7, 11, 12]);
    }
}
