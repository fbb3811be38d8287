//! Logs the requests of the library for `-vv`.

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

pub(crate) fn begin(verbose: u8) {
    let level = match verbose {
        0 | 1 => return,
        2 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    // Its events contain neither headers nor bodies; those of other crates might.
    let own = Targets::new().with_target("cf_mtls", level);
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false);
    // It can only fail if another subscriber was set.
    let _ = tracing_subscriber::registry().with(layer).with(own).try_init();
}
