//! Ctrl-C: the first lets the request in progress finish, so that its outcome is
//! known; the second ends the process at once.

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use cf_mtls::Client;
#[cfg(unix)]
use tokio::signal::unix::{self, SignalKind};
#[cfg(windows)]
use tokio::signal::windows;
use tokio::sync::watch;

/// The command was interrupted, and nothing more will be sent.
#[derive(Debug)]
pub(crate) struct Interrupted {
    /// Whether a change was sent before.
    pub(crate) was_sent: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Interrupt {
    raised: watch::Receiver<bool>,
    /// The client whose changes are waited for.
    client: Arc<Mutex<Option<Client>>>,
}

impl Interrupt {
    /// Listens in a thread, since the main one may be blocked by a full pipe. On
    /// the second Ctrl-C, `quit` reports whether a change is in progress, and
    /// returns the exit code.
    pub(crate) fn listen(quit: impl FnOnce(bool) -> u8 + Send + 'static) -> io::Result<Self> {
        let (raise, raised) = watch::channel(false);
        let this = Self { raised, client: Arc::default() };
        let watched = this.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let (mut interrupt, mut end) = {
            let _runtime = runtime.enter();
            signals()?
        };
        let listen = async move {
            let mut next =
                async || tokio::select! { _ = interrupt.recv() => {}, _ = end.recv() => {} };
            next().await;
            raise.send_replace(true);
            if watched.is_change_in_progress() {
                eprintln!(
                    "interrupted: finishing the request in progress; press Ctrl-C again to quit \
                     at once"
                );
            }
            next().await;
            let code = quit(watched.is_change_in_progress());
            std::process::exit(code.into());
        };
        std::thread::Builder::new()
            .name("interrupt".to_owned())
            .spawn(move || runtime.block_on(listen))?;
        Ok(this)
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

    /// Runs something that only reads; Ctrl-C stops it at once.
    pub(crate) async fn reading<T>(&self, read: impl Future<Output = T>) -> Result<T, Interrupted> {
        tokio::select! {
            biased;
            () = self.raised() => Err(Interrupted { was_sent: false }),
            value = read => Ok(value),
        }
    }

    /// Runs something that changes something. Ctrl-C stops it as soon as no
    /// request with an effect is in progress.
    pub(crate) async fn changing<T>(
        &self,
        client: &Client,
        change: impl Future<Output = T>,
    ) -> Result<T, Interrupted> {
        *self.client() = Some(client.clone());
        let mut change = pin!(change);
        let mut raised = pin!(self.raised());
        let (mut stops, mut was_sent) = (false, false);
        poll_fn(|context| {
            stops = stops || raised.as_mut().poll(context).is_ready();
            let may_stop = |stops: bool| stops && !client.has_pending_write();
            if may_stop(stops) {
                return Poll::Ready(Err(Interrupted { was_sent }));
            }
            let polled = change.as_mut().poll(context);
            was_sent |= client.has_pending_write();
            match polled {
                Poll::Ready(value) => Poll::Ready(Ok(value)),
                Poll::Pending if may_stop(stops) => Poll::Ready(Err(Interrupted { was_sent })),
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }

    fn client(&self) -> MutexGuard<'_, Option<Client>> {
        self.client.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_change_in_progress(&self) -> bool {
        let client = self.client();
        client.as_ref().is_some_and(Client::has_pending_write)
    }
}

/// Ctrl-C, and the request of the system to end.
#[cfg(unix)]
fn signals() -> io::Result<(unix::Signal, unix::Signal)> {
    Ok((unix::signal(SignalKind::interrupt())?, unix::signal(SignalKind::terminate())?))
}

#[cfg(windows)]
fn signals() -> io::Result<(windows::CtrlC, windows::CtrlBreak)> {
    Ok((windows::ctrl_c()?, windows::ctrl_break()?))
}
