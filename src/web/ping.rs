//! A sign of life for a service elsewhere that raises the alarm when none
//! comes (a dead man's switch): a GET after each complete look.

use std::fmt;
use std::io;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, HOST, USER_AGENT};
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// One sign may take so long, from the name to the answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where signs of life go. Whoever knows it can give one, so that it is not
/// shown.
#[derive(Clone, PartialEq, Eq)]
pub struct PingUrl {
    uri: Uri,
    host: String,
    port: u16,
    encrypted: bool,
}

impl FromStr for PingUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const HINT: &str = "write http:// or https://, a host and a path, like https://ping.example/abc";
        let uri: Uri = text.parse().map_err(|_| HINT)?;
        let (encrypted, usual) = match uri.scheme_str() {
            Some("https") => (true, 443),
            Some("http") => (false, 80),
            Some(_) | None => return Err(HINT),
        };
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@')).ok_or(HINT)?;
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        let port = authority.port_u16().unwrap_or(usual);
        if host.is_empty() { Err(HINT) } else { Ok(Self { uri, host, port, encrypted }) }
    }
}

impl fmt::Debug for PingUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// Why nobody took a sign of life.
#[derive(Debug, thiserror::Error)]
pub enum PingError {
    /// The connection.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The conversation.
    #[error("{0}")]
    Http(#[from] hyper::Error),
    /// The answer.
    #[error("it was answered with {0}")]
    Refused(StatusCode),
    /// The time.
    #[error("no answer within {} seconds", PATIENCE.as_secs())]
    TooLate,
    /// TLS can't be spoken at all.
    #[error("{0}")]
    Tls(#[from] rustls::Error),
    /// The host is no name that a certificate can be for.
    #[error("no certificate can be for this host")]
    Name,
    /// The address can't be asked for.
    #[error("{0}")]
    Request(#[from] hyper::http::Error),
}

/// Gives signs of life.
pub struct Pinger {
    url: PingUrl,
    tls: Option<TlsConnector>,
}

impl Pinger {
    /// Loads the certificates to trust, where there is something to encrypt;
    /// connects to nothing.
    ///
    /// # Errors
    /// When there is no way to speak TLS.
    pub fn new(url: PingUrl) -> Result<Self, PingError> {
        let tls = if url.encrypted { Some(connector()?) } else { None };
        Ok(Self { url, tls })
    }

    /// Gives one.
    ///
    /// # Errors
    /// Why nobody took it.
    pub async fn ping(&self) -> Result<(), PingError> {
        tokio::time::timeout(PATIENCE, self.give()).await.map_err(|_| PingError::TooLate)?
    }

    async fn give(&self) -> Result<(), PingError> {
        let stream = TcpStream::connect((self.url.host.as_str(), self.url.port)).await?;
        match &self.tls {
            None => self.ask(stream).await,
            Some(tls) => {
                let name = ServerName::try_from(self.url.host.clone()).map_err(|_| PingError::Name)?;
                self.ask(tls.connect(name, stream).await?).await
            }
        }
    }

    async fn ask(&self, stream: impl AsyncRead + AsyncWrite + Unpin + Send) -> Result<(), PingError> {
        let (mut sender, conversation) = http1::handshake(TokioIo::new(stream)).await?;
        let path = self.url.uri.path_and_query().map_or("/", |path| path.as_str());
        let request = Request::get(path)
            .header(HOST, self.url.uri.authority().map_or("", |authority| authority.as_str()))
            .header(USER_AGENT, concat!("courtesy/", env!("CARGO_PKG_VERSION")))
            .header(CONNECTION, "close")
            .body(Empty::<Bytes>::new())?;
        let mut conversation = std::pin::pin!(conversation);
        let mut asked = std::pin::pin!(sender.send_request(request));
        let response = tokio::select! {
            response = &mut asked => response?,
            // An end without an answer comes to the one who asked as well.
            ended = &mut conversation => {
                ended?;
                asked.await?
            }
        };
        if response.status().is_success() { Ok(()) } else { Err(PingError::Refused(response.status())) }
    }
}

fn connector() -> Result<TlsConnector, PingError> {
    let mut roots = RootCertStore::empty();
    // Those that can't be read can't be trusted either; without any, nothing verifies.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_http_with_a_host_and_without_a_password_is_an_address_for_signs_of_life() {
        for good in ["https://ping.example/abc", "http://127.0.0.1:8080/x?y=1", "http://[::1]:80"] {
            assert!(good.parse::<PingUrl>().is_ok(), "{good}");
        }
        for wrong in ["", "ping.example", "ftp://ping.example/", "https://", "http://a:b@ping.example/", "/x"]
        {
            assert!(wrong.parse::<PingUrl>().is_err(), "{wrong}");
        }
        let secret: PingUrl = "https://ping.example/secret".parse().expect("an address");
        assert_eq!(format!("{secret:?}"), "ping.example:443");
    }
}
