//! Ctrl-C. The first one lets what is under way come to its end, so that its
//! outcome can be told; the second one does not wait.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use cf_mtls::Client;
use tokio::sync::watch;

use crate::report::exit::Exit;
use crate::report::failure::{Failure, Report};
use crate::report::ledger::Ledger;

#[derive(Clone, Debug)]
pub(crate) struct Interrupt {
    raised: watch::Receiver<bool>,
    /// Whose changes are told, and waited for.
    client: Arc<Mutex<Option<Client>>>,
    ledger: Ledger,
}

impl Interrupt {
    /// Listens in a thread of its own, since the main one may be stuck at a
    /// pipe that nobody reads.
    pub(crate) fn listen(report: Report) -> Result<Self, Failure> {
        let (raise, raised) = watch::channel(false);
        let this = Self {
            raised,
            client: Arc::default(),
            ledger: Ledger::default(),
        };
        let watched = this.clone();
        let (ready, listening) = std::sync::mpsc::channel();
        std::thread::Builder::new()
            .name("interrupt".to_owned())
            .spawn(move || listen(&raise, &watched, report, &ready))
            .map_err(|error| refused(&error))?;
        // A signal before this would end the process with nothing told.
        let _ = listening.recv();
        Ok(this)
    }

    /// What has been done so far, which a second Ctrl-C tells, too.
    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    pub(crate) fn is_raised(&self) -> bool {
        *self.raised.borrow()
    }

    pub(crate) async fn raised(&self) {
        let mut raised = self.raised.clone();
        if raised.wait_for(|raised| *raised).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Runs what only reads, and gives it up at once.
    pub(crate) async fn reading<T>(&self, read: impl Future<Output = T>) -> Result<T, Failure> {
        tokio::select! {
            biased;
            () = self.raised() => Err(Failure::not_begun()),
            value = read => Ok(value),
        }
    }

    /// Runs what changes something. Once interrupted, it is given up as soon as
    /// nothing that was sent waits for its outcome; `None` then.
    pub(crate) async fn changing<T>(
        &self,
        client: &Client,
        change: impl Future<Output = T>,
    ) -> Option<T> {
        *self.client() = Some(client.clone());
        let mut change = pin!(change);
        let mut raised = pin!(self.raised());
        let mut stops = false;
        poll_fn(|context| {
            stops = stops || raised.as_mut().poll(context).is_ready();
            let may_stop = |stops: bool| stops && !client.has_change_under_way();
            if may_stop(stops) {
                return Poll::Ready(None);
            }
            match change.as_mut().poll(context) {
                Poll::Ready(value) => Poll::Ready(Some(value)),
                Poll::Pending if may_stop(stops) => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }

    fn client(&self) -> MutexGuard<'_, Option<Client>> {
        self.client.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_change_under_way(&self) -> bool {
        let client = self.client();
        client.as_ref().is_some_and(Client::has_change_under_way)
    }
}

fn refused(error: &std::io::Error) -> Failure {
    Failure::new(Exit::Other, "io", "signals cannot be listened to").with_cause(error)
}

fn listen(
    raise: &watch::Sender<bool>,
    interrupt: &Interrupt,
    report: Report,
    ready: &std::sync::mpsc::Sender<()>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build();
    let Ok(runtime) = runtime else { return };
    runtime.block_on(async {
        let Ok(mut signals) = Signals::new() else {
            return;
        };
        let _ = ready.send(());
        signals.next().await;
        raise.send_replace(true);
        if interrupt.is_change_under_way() {
            eprintln!(
                "interrupted: finishing the request in progress; press Ctrl-C again to quit at once"
            );
        }
        signals.next().await;
        // Whatever is under way, and whoever blocks: end now.
        let failure = interrupted_twice(interrupt);
        report.tell(&failure);
        std::process::exit(failure.exit().code().into());
    });
}

fn interrupted_twice(interrupt: &Interrupt) -> Failure {
    let (exit, message) = match interrupt.is_change_under_way() {
        true => (
            Exit::Unknown,
            "interrupted twice; the outcome of what was under way is unknown, so look before \
             trying again",
        ),
        false => (
            Exit::Interrupted,
            "interrupted twice; nothing was under way",
        ),
    };
    let mut message = message.to_owned();
    if let Some(done) = interrupt.ledger.changes() {
        message.push_str(&format!("; done before: {done}"));
    }
    let failure = Failure::new(exit, "interrupted", message);
    interrupt.ledger.enter(failure)
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}
