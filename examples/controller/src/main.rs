//! The program: reads its arguments, runs the controller, and prints its events.

use std::error::Error;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use cf_mtls::{Client, account_id_from_env};
use controller::Controller;
use serde_json::Value;

const USAGE: &str = "usage: controller FOLDER OWNER [--release]";
const INTERVAL: Duration = Duration::from_secs(300);

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (folder, owner, releases) = match &arguments[..] {
        [folder, owner] => (folder, owner, false),
        [folder, owner, flag] if flag == "--release" => (folder, owner, true),
        _ => return Err(USAGE.into()),
    };
    // CLOUDFLARE_API_TOKEN and CLOUDFLARE_ACCOUNT_ID
    let certificates = Client::from_env()?.certificates(&account_id_from_env()?);
    let controller = Controller::new(certificates, folder, owner).with_release(releases);
    controller.run(INTERVAL, stop_signal(), &mut print).await;
    Ok(())
}

fn print(event: Value) {
    // The work goes on if nobody reads about it.
    _ = writeln!(io::stdout(), "{event}");
}

/// Ends when the process is asked to stop.
async fn stop_signal() {
    #[cfg(unix)]
    let terminated = async {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => _ = signal.recv().await,
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
    }
}
