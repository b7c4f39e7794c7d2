//! One kept HTTP/1.1 connection. It shares two cores with the server it measures, so it does as little as it can:
//! no pool, no redirects, no TLS, and the whole answer in one piece.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::Result;

/// A server that does not answer in this time is taken for dead.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection to one server with one credential at a time.
pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
    host: HeaderValue,
    authorization: Option<HeaderValue>,
}

/// A whole answer, and the time from the first byte sent to the last byte read.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body, unparsed.
    pub body: Bytes,
    /// How long the caller waited.
    pub took: Duration,
}

impl Connection {
    /// Connects; `authorization` is sent with every request.
    pub async fn open(address: SocketAddr, authorization: Option<&str>) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // A broken connection shows as the error of the request that met it.
        tokio::spawn(async move { connection.await.ok() });
        let host = HeaderValue::from_str(&address.to_string())?;
        let mut connection = Self { sender, host, authorization: None };
        connection.authorize(authorization)?;
        Ok(connection)
    }

    /// Sends this value of `Authorization` from now on.
    pub fn authorize(&mut self, authorization: Option<&str>) -> Result<()> {
        self.authorization = authorization.map(HeaderValue::from_str).transpose()?;
        Ok(())
    }

    /// Sends one request and waits for all of its answer.
    pub async fn send(&mut self, method: Method, path: &str, body: Option<Bytes>) -> Result<Answer> {
        let request = self.request(method, path, body)?;
        let begun = Instant::now();
        let answer = tokio::time::timeout(PATIENCE, async {
            self.sender.ready().await?;
            let answer = self.sender.send_request(request).await?;
            let status = answer.status().as_u16();
            Ok::<_, hyper::Error>((status, answer.into_body().collect().await?.to_bytes()))
        });
        let (status, body) = match answer.await {
            Ok(answered) => answered.map_err(|error| format!("{path}: {error}"))?,
            Err(_) => return Err(format!("{path}: no answer in {} s", PATIENCE.as_secs()).into()),
        };
        Ok(Answer { status, body, took: begun.elapsed() })
    }

    fn request(&self, method: Method, path: &str, body: Option<Bytes>) -> Result<Request<Full<Bytes>>> {
        let mut request = Request::builder().method(method).uri(path).header(HOST, &self.host);
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        if body.is_some() {
            request = request.header(CONTENT_TYPE, HeaderValue::from_static("application/scim+json"));
        }
        Ok(request.body(Full::new(body.unwrap_or_default()))?)
    }
}
