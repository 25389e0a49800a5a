//! HTTP for those who watch: a few pages to read, and a sign of life to give.
//! It knows nothing of letters; what stands on a page, it is handed.
//!
//! Invariant: whoever asks gets little time and room, and what sends waits
//! for nobody here.

mod ping;

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tracing::{debug, warn};

pub use self::ping::{PingUrl, Pinger};

/// How it is watched.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Watched {
    /// Where pages can be read; nowhere if not said.
    pub listen: Option<SocketAddr>,
    /// Where signs of life go; nowhere if not said.
    pub ping_url: Option<PingUrl>,
}

/// More who ask at once are turned away.
const CONNECTIONS_MAX: usize = 32;
/// A request that has not come by then, does not come.
const REQUEST_MAX: Duration = Duration::from_secs(5);
/// After so long a conversation is over, whatever has been said.
const CONVERSATION_MAX: Duration = Duration::from_secs(20);
/// The most that a request may say before its body, which nobody reads.
const REQUEST_BYTES_MAX: usize = 16 * 1024;

/// What can be asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Page {
    /// Does it live?
    Health,
    /// Does it do its work?
    Ready,
    /// Numbers, in the text format of Prometheus.
    Metrics,
    /// All of it, as JSON.
    Status,
}

impl Page {
    fn at(path: &str) -> Option<Self> {
        match path {
            "/healthz" => Some(Self::Health),
            "/readyz" => Some(Self::Ready),
            "/metrics" => Some(Self::Metrics),
            "/status" => Some(Self::Status),
            _ => None,
        }
    }

    fn content_type(self) -> &'static str {
        match self {
            Self::Health | Self::Ready => "text/plain; charset=utf-8",
            Self::Metrics => "text/plain; version=0.0.4; charset=utf-8",
            Self::Status => "application/json",
        }
    }
}

/// What stands on a page.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// All is well, or a plain answer.
    Fine(String),
    /// It is not well.
    Unwell(String),
}

/// Answers until the end of time, or of the runtime.
pub async fn serve<V, F>(listener: TcpListener, view: V)
where
    V: Fn(Page) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(cause) => {
                // No descriptor left, as a rule; it must not turn hot over that.
                warn!(%cause, "whoever watches can't be answered");
                tokio::time::sleep(Duration::from_secs(1)).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
        let view = view.clone();
        tokio::spawn(async move {
            match tokio::time::timeout(CONVERSATION_MAX, converse(stream, view)).await {
                Ok(Ok(())) => {}
                Ok(Err(cause)) => debug!(%cause, "somebody who watches was not understood"),
                Err(_) => debug!("somebody who watches took too long"),
            }
            drop(place);
        });
    }
}

async fn converse<V, F>(stream: TcpStream, view: V) -> Result<(), hyper::Error>
where
    V: Fn(Page) -> F,
    F: Future<Output = Answer>,
{
    let service = service_fn(|request| answer(request, &view));
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(REQUEST_MAX)
        .max_buf_size(REQUEST_BYTES_MAX)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await
}

async fn answer<V, F>(request: Request<Incoming>, view: &V) -> Result<Response<Full<Bytes>>, Infallible>
where
    V: Fn(Page) -> F,
    F: Future<Output = Answer>,
{
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut refused = plain(StatusCode::METHOD_NOT_ALLOWED, "only GET\n".to_owned());
        refused.headers_mut().insert(ALLOW, hyper::header::HeaderValue::from_static("GET, HEAD"));
        return Ok(refused);
    }
    let Some(page) = Page::at(request.uri().path()) else {
        return Ok(plain(StatusCode::NOT_FOUND, "/healthz, /readyz, /metrics, /status\n".to_owned()));
    };
    let (status, text) = match view(page).await {
        Answer::Fine(text) => (StatusCode::OK, text),
        Answer::Unwell(text) => (StatusCode::SERVICE_UNAVAILABLE, text),
    };
    let mut response = plain(status, text);
    let kind = hyper::header::HeaderValue::from_static(page.content_type());
    response.headers_mut().insert(CONTENT_TYPE, kind);
    Ok(response)
}

fn plain(status: StatusCode, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, hyper::header::HeaderValue::from_static("no-store"));
    headers.insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
