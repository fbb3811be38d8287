//! Shows waits for the rate limit on a terminal, and logs the requests of the library
//! for `-vv` and `RUST_LOG`.

use std::fmt::Debug;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tracing::field::Field;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::terminal::progress;

pub(crate) fn begin(verbose: u8, quiet: bool) {
    let level = match verbose {
        0 | 1 => level_of_environment(),
        2 => Some(LevelFilter::DEBUG),
        _ => Some(LevelFilter::TRACE),
    };
    let shows_waits = level.is_none() && !quiet && progress::is_possible();
    if level.is_none() && !shows_waits {
        return;
    }
    // Its events contain neither headers nor bodies; those of other crates might.
    let own = |level| Targets::new().with_target("cf_mtls", level);
    let log = level.map(|level| {
        let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false);
        layer.with_filter(own(level))
    });
    let waits = Waits(Mutex::new(Instant::now())).with_filter(own(LevelFilter::DEBUG));
    let waits = shows_waits.then_some(waits);
    // It can only fail if another subscriber was set.
    let _ = tracing_subscriber::registry().with(log).with(waits).try_init();
}

/// What `RUST_LOG` says about the library.
fn level_of_environment() -> Option<LevelFilter> {
    let wanted: Targets = std::env::var("RUST_LOG").ok()?.parse().ok()?;
    let levels = [Level::TRACE, Level::DEBUG, Level::INFO, Level::WARN, Level::ERROR];
    let level = levels.into_iter().find(|level| wanted.would_enable("cf_mtls", level));
    level.map(LevelFilter::from_level)
}

/// Shows the waits of the library for the rate limit, each once, until it ends.
struct Waits(Mutex<Instant>);

impl<S: Subscriber> Layer<S> for Waits {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let (mut is_wait, mut millis) = (false, 0_u64);
        event.record(&mut |field: &Field, value: &dyn Debug| match field.name() {
            "message" => is_wait = format!("{value:?}") == "waiting for the rate limit",
            "wait_ms" => millis = format!("{value:?}").parse().unwrap_or_default(),
            _ => {}
        });
        let now = Instant::now();
        let mut shown_until = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if is_wait && *shown_until <= now {
            *shown_until = now + Duration::from_millis(millis);
            let seconds = millis.div_ceil(1000);
            progress::remark(&format!("waiting {seconds} s for the rate limit"));
        }
    }
}
