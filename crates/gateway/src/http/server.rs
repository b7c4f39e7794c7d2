//! Binding actix-web's application to a listener. What actix-web's own server does is done here with its parts, because it
//! has no place for a stream of ours.

use std::{
    fmt,
    net::{SocketAddr, TcpListener},
    time::Duration,
};

use actix_http::{HttpService, Request};
use actix_server::Server;
use actix_service::{IntoServiceFactory, ServiceFactory, ServiceFactoryExt as _, fn_service, map_config};
use actix_web::{Error, body::MessageBody, dev::AppConfig, rt::net::TcpStream};
use socket2::SockRef;
use tokio::sync::watch;

use super::{
    patience::{Patience, Patient},
    raw_query::RawQuery,
    refusals::Refusals,
};

/// How long a connection that ends is read on, so that a client in the middle of a refused body gets its answer.
const LINGER: Duration = Duration::from_secs(1);

/// How long clients may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// To send the headers.
    pub(crate) headers: Duration,
    /// For a whole exchange, from a request's first byte to its answer's.
    pub(crate) exchange: Duration,
    /// To take an answer.
    pub(crate) write: Duration,
    /// Between two requests on one connection.
    pub(crate) keep_alive: Duration,
    /// To end what is under way at a stop.
    pub(crate) shutdown: Duration,
}

/// Serves an application on a listener. When `stopping` turns true, idle connections are closed.
///
/// # Errors
/// One sentence when the listener cannot be used.
pub(crate) fn start<F, I, S, B>(
    application: F,
    listener: TcpListener,
    workers: Option<usize>,
    limits: Limits,
    stopping: &watch::Receiver<bool>,
) -> Result<Server, String>
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<Error> + 'static,
    S::InitError: fmt::Debug,
    S::Response: Into<actix_http::Response<B>> + 'static,
    <S::Service as actix_service::Service<Request>>::Future: 'static,
    S::Service: 'static,
    B: MessageBody + 'static,
{
    let address = listener.local_addr().map_err(|e| e.to_string())?;
    let stopping = stopping.clone();
    // An idle connection is closed in good order first.
    let patience = Patience { exchange: limits.exchange, idle: limits.keep_alive + LINGER };
    let mut builder = Server::build().disable_signals().shutdown_timeout(limits.shutdown.as_secs());
    if let Some(workers) = workers {
        builder = builder.workers(workers);
    }
    let builder = builder.listen(format!("http-{address}"), listener, move || {
        let stopping = stopping.clone();
        let http = HttpService::build()
            .keep_alive(limits.keep_alive)
            .client_request_timeout(limits.headers)
            .client_disconnect_timeout(LINGER)
            .graceful_shutdown_signal(move || wait_for(stopping.clone()))
            .local_addr(address);
        let application = application().into_factory().map_err(|error| {
            let error: Error = error.into();
            error.error_response()
        });
        // Nothing here reads a host or an address from it: base URLs come from the settings.
        let application = map_config(application, |()| AppConfig::default());
        let connection = fn_service(move |stream: TcpStream| async move {
            let peer: Option<SocketAddr> = stream.peer_addr().ok();
            tune(&stream, limits.write);
            let stream = Refusals::new(RawQuery::new(Patient::new(stream, patience)));
            Ok::<_, actix_http::error::DispatchError>((stream, peer))
        });
        connection.and_then(http.h1(application))
    });
    Ok(builder.map_err(|e| format!("{address}: {e}"))?.run())
}

async fn wait_for(mut stopping: watch::Receiver<bool>) {
    // The sender going away is a stop as well.
    let _ = stopping.wait_for(|stopping| *stopping).await;
}

/// One write an answer leaves at once (`TCP_NODELAY`); a client that does not take its answer is cut off. A connection that
/// cannot be tuned is served all the same.
fn tune(stream: &TcpStream, write_timeout: Duration) {
    let socket = SockRef::from(stream);
    let tuned = socket.set_tcp_nodelay(true).and_then(|()| socket.set_tcp_user_timeout(Some(write_timeout)));
    if let Err(error) = tuned {
        tracing::warn!(%error, "a connection could not be tuned");
    }
}
