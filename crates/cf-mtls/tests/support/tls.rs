//! TLS in front of servers that speak none, with a root made for the test.

use std::io;
use std::sync::{Arc, LazyLock};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// A server's side of TLS, and the root that trusts it.
pub(crate) struct Tls {
    pub(crate) acceptor: TlsAcceptor,
    pub(crate) root: String,
}

/// For a server of these names that speaks these protocols.
pub(crate) fn make(names: &[&str], protocols: &[&str]) -> Tls {
    let root_key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    // With the name of its issuer a leaf would pass for self-signed.
    let name = &mut params.distinguished_name;
    name.push(DnType::CommonName, "a root of a test");
    let root = params.self_signed(&root_key).unwrap().pem();
    let key = KeyPair::generate().unwrap();
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let leaf = CertificateParams::new(names).unwrap();
    let leaf = leaf.signed_by(&key, &Issuer::new(params, root_key)).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![leaf.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    Tls { acceptor, root }
}

/// Speaks HTTP/2 on the loopback interface.
pub(crate) static HTTP2: LazyLock<Tls> = LazyLock::new(|| make(&["127.0.0.1"], &["h2"]));

/// An HTTP client that trusts [`HTTP2`], set up like the one that the builder makes.
/// Its connections belong to one test. `None` without TLS.
pub(crate) fn http2_client() -> Option<reqwest::Client> {
    #[cfg(any(feature = "rustls", feature = "native-tls"))]
    {
        let root = reqwest::Certificate::from_pem(HTTP2.root.as_bytes()).unwrap();
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .tls_certs_only([root]);
        Some(http.build().unwrap())
    }
    #[cfg(not(any(feature = "rustls", feature = "native-tls")))]
    None
}

/// Serves each connection, and gives the base URL.
pub(crate) async fn serve<F>(
    serve: impl Fn(TlsStream<TcpStream>) -> F + Send + Sync + 'static,
) -> String
where
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/client/v4", listener.local_addr().unwrap());
    let serve = Arc::new(serve);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let serve = serve.clone();
            tokio::spawn(async move {
                // Errors are clients that went away.
                if let Ok(stream) = HTTP2.acceptor.accept(stream).await {
                    let _ = serve(stream).await;
                }
            });
        }
    });
    url
}

/// The base URL of a server that passes on what it decrypts to that of `base_url`,
/// which knows beforehand that it is HTTP/2.
pub(crate) async fn front(base_url: &str) -> String {
    let (_, rest) = base_url.split_once("//").unwrap();
    let behind = rest.split_once('/').unwrap().0.to_owned();
    serve(move |mut stream| {
        let behind = behind.clone();
        async move {
            let mut server = TcpStream::connect(behind).await?;
            tokio::io::copy_bidirectional(&mut stream, &mut server).await.map(drop)
        }
    })
    .await
}
