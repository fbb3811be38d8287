//! A TCP server that says whatever a test wants, and notes what it was told.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A request as it came over the wire.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// From the method to the last header.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    pub(crate) fn method(&self) -> &str {
        self.head.split(' ').next().unwrap_or_default()
    }
}

/// What to do with a connection.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Ends it before anything is read.
    HangUp,
    /// Reads the request, sends these bytes, and then ends like that.
    Say(Vec<u8>, End),
    /// Reads the request, sends the first bytes, and then the others for ever.
    Forever(Vec<u8>, Vec<u8>),
    /// Reads the request, sends these bytes, and then one byte at a time.
    Drip(Vec<u8>),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    Close,
    Reset,
    /// Stays open until the client goes.
    Hold,
}

/// The server. It ends when it is dropped.
pub(crate) struct Raw {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: JoinHandle<()>,
}

impl Raw {
    /// Answers each request with what `script` wants; it is told the request
    /// and how many came before. One that is not read is told as empty.
    pub(crate) async fn start(
        script: impl Fn(&Seen, usize) -> Act + Send + Sync + 'static,
    ) -> Self {
        Self::start_at((Ipv4Addr::LOCALHOST, 0).into(), script).await
    }

    /// Likewise, on a certain port.
    pub(crate) async fn start_at(
        address: SocketAddr,
        script: impl Fn(&Seen, usize) -> Act + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (script, log) = (Arc::new(script), seen.clone());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (script, log) = (script.clone(), log.clone());
                tokio::spawn(async move {
                    // Errors are clients that hung up.
                    let _ = serve(stream, &*script, &log).await;
                });
            }
        });
        Self { address, seen, task }
    }

    /// Says the same to every request.
    pub(crate) async fn saying(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        Self::start(move |_, _| Act::Say(bytes.clone(), End::Close)).await
    }

    pub(crate) fn base_url(&self) -> String {
        format!("http://{}/client/v4", self.address)
    }

    /// Every request so far; a connection without one counts too, as empty.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// `DELETE 3 GET 1`: the methods seen, in the order of their first request.
    pub(crate) fn methods(&self) -> String {
        let mut counts: Vec<(String, usize)> = Vec::new();
        for request in self.seen() {
            let method = match request.method() {
                "" => "nothing",
                method => method,
            };
            match counts.iter_mut().find(|(name, _)| name == method) {
                Some((_, count)) => *count += 1,
                None => counts.push((method.to_owned(), 1)),
            }
        }
        let shown: Vec<_> = counts.iter().map(|(name, n)| format!("{name} {n}")).collect();
        shown.join(" ")
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    mut stream: TcpStream,
    script: &(dyn Fn(&Seen, usize) -> Act + Send + Sync),
    log: &Mutex<Vec<Seen>>,
) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let note = |request: Seen| {
        let mut log = log.lock().unwrap();
        log.push(request);
        log.len() - 1
    };
    // Whether to read at all is asked of the script, too.
    let before = log.lock().unwrap().len();
    if matches!(script(&Seen::default(), before), Act::HangUp) {
        note(Seen::default());
        return Ok(());
    }
    let Some(request) = read_request(&mut stream).await? else {
        return Ok(());
    };
    let number = note(request.clone());
    match script(&request, number) {
        Act::HangUp => {}
        Act::Say(bytes, end) => {
            stream.write_all(&bytes).await?;
            stream.flush().await?;
            match end {
                End::Close => {
                    stream.shutdown().await?;
                    // A close with unread bytes would be a reset.
                    let mut rest = [0; 1024];
                    while 0 < stream.read(&mut rest).await? {}
                }
                End::Reset => stream.set_zero_linger()?,
                End::Hold => {
                    let mut rest = [0; 1024];
                    while 0 < stream.read(&mut rest).await? {}
                }
            }
        }
        Act::Drip(start) => {
            stream.write_all(&start).await?;
            loop {
                stream.write_all(b" ").await?;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        Act::Forever(start, filling) => {
            stream.write_all(&start).await?;
            loop {
                stream.write_all(&filling).await?;
            }
        }
    }
    Ok(())
}

async fn read_request(stream: &mut TcpStream) -> std::io::Result<Option<Seen>> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    };
    let body = bytes.split_off(head_end);
    let head = String::from_utf8_lossy(&bytes).into_owned();
    let mut request = Seen { head, body };
    let length = request.head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let found = name.eq_ignore_ascii_case("content-length");
        found.then(|| value.trim().parse::<usize>().ok())?
    });
    while request.body.len() < length.unwrap_or(0) {
        if stream.read_buf(&mut request.body).await? == 0 {
            return Ok(None);
        }
    }
    Ok(Some(request))
}

/// An answer of HTTP/1.1 with a length.
pub(crate) fn answer(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let mut bytes = format!(
        "HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    )
    .into_bytes();
    bytes.extend(body);
    bytes
}

/// An answer of the service.
pub(crate) fn json(status: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    answer(status, "content-type: application/json\r\n", body)
}

/// What the service says of a certificate that is there, and of one that is not.
pub(crate) const THERE: &str = r#"{"success":true,"errors":[],"messages":[],"result":{"id":"00000000-0000-4000-8000-000000000000"}}"#;
pub(crate) const NOT_THERE: &str = r#"{"success":false,"errors":[{"code":99002,"message":"not found"}],"messages":[],"result":null}"#;
