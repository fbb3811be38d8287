//! The thread that accepts and serves connections.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use super::connection::{Connection, State};
use super::respond::respond;
use crate::simulator::service::Service;

/// The thread that serves, with a runtime of its own.
///
/// That makes the simulator work from any runtime or none, keeps it awake
/// while a test's runtime is blocked or its clock paused, and lets a drop
/// return only when every socket is closed.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start(port: u16, service: Arc<Service>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel();
        let (ready, started) = mpsc::sync_channel(1);
        let thread =
            thread::Builder::new().name("cf-mtls-simulator".to_owned()).spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                let runtime = match runtime {
                    Ok(runtime) => runtime,
                    Err(error) => {
                        let _ = ready.send(Err(error)); // `start` waits for it.
                        return;
                    }
                };
                runtime.block_on(async {
                    let listener = tokio::net::TcpListener::from_std(listener);
                    let (outcome, listener) = match listener {
                        Ok(listener) => (Ok(()), Some(listener)),
                        Err(error) => (Err(error), None),
                    };
                    let _ = ready.send(outcome);
                    let Some(listener) = listener else { return };
                    tokio::select! {
                        () = accept(&listener, &service) => {}
                        _ = stopped => {}
                    }
                });
                // Dropping the runtime here ends all connections.
            })?;
        let server = Self { address, stop: Some(stop), thread: Some(thread) };
        started.recv().map_err(io::Error::other)??;
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic in there has been printed; a second one helps nobody.
            let _ = thread.join();
        }
    }
}

async fn accept(listener: &tokio::net::TcpListener, service: &Arc<Service>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(serve(stream, Arc::clone(service)));
            }
            // Out of file descriptors, most likely: let some be closed.
            Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
}

async fn serve(stream: TcpStream, service: Arc<Service>) {
    // Without it a small response may wait for the client's acknowledgement.
    let _ = stream.set_nodelay(true);
    let state = Arc::new(State::default());
    let max_silence = service.settings.max_silence;
    let connection = Connection::new(stream, Arc::clone(&state), max_silence);
    let handler = service_fn(|request| {
        let (service, state) = (Arc::clone(&service), Arc::clone(&state));
        async move { Ok::<_, Infallible>(respond(&service, &state, request).await) }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    // A header that arrives byte by byte is never silent.
    builder.http1().timer(TokioTimer::new()).header_read_timeout(max_silence);
    let connection = builder.serve_connection(TokioIo::new(connection), handler);
    tokio::select! {
        // Errors here are clients that hung up and bodies cut on purpose.
        _ = connection => {}
        () = state.ended() => {}
    }
}
