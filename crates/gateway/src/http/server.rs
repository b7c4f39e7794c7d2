//! Serves an actix-web application on a listener. It uses the parts of actix-web's server, because `HttpServer` accepts no
//! stream of another type.

use std::{fmt, net::SocketAddr, sync::Arc, time::Duration};

use actix_http::{ConnectionType, HttpService, KeepAlive, Request};
use actix_server::{Server, ServerHandle};
use actix_service::{
    IntoServiceFactory, Service as _, ServiceFactory, ServiceFactoryExt as _, apply_fn_factory, fn_service,
    map_config,
};
use actix_web::{
    Error, HttpRequest, body::MessageBody, dev::AppConfig, http::header, rt::net::TcpStream,
    rt::time::Instant,
};
use socket2::SockRef;

use super::{
    connections::{Connections, Exchange, Peer},
    door::Door,
    refusals::refuse_newcomer,
    stream::ClientStream,
    timeouts::Timeouts,
};
use crate::listeners::Listener;

/// How long an ending connection is still read, so that a client in the middle of a refused body receives its response.
const LINGER: Duration = Duration::from_secs(1);

/// Seconds for the library to end after the last connection.
const LAST_MOMENT: u64 = 1;

/// Connections above the limit that a listener may have accepted before they are counted.
pub(crate) const NEWCOMERS: usize = 4;

/// An application that is being served.
pub(crate) struct Serving {
    pub(crate) server: Server,
    pub(crate) stopper: Stopper,
}

/// Stops an application in good order.
pub(crate) struct Stopper {
    door: Door,
    handle: ServerHandle,
    connections: Connections,
}

impl Stopper {
    /// Call [`Connections::stop`] first. No new connection is accepted. Ends when all connections have ended, or at the deadline; false if
    /// some were cut then.
    pub(crate) async fn stop(self, deadline: Instant) -> bool {
        if self.door.is_inherited() {
            self.handle.pause().await;
        }
        let all_are_gone = self.door.close(&self.connections, deadline).await;
        self.handle.stop(all_are_gone).await;
        all_are_gone
    }
}

/// Serves an application on a listener. `connections` counts those of all listeners.
///
/// # Errors
/// One sentence if the listener cannot be used.
pub(crate) fn start<F, I, S, B>(
    application: F,
    listener: Listener,
    workers: usize,
    timeouts: Timeouts,
    connections: &Connections,
) -> Result<Serving, String>
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
    let address = listener.address;
    let door = Door::of(&listener).map_err(|e| format!("{address}: {e}"))?;
    let most = (connections.bounds().all + NEWCOMERS).div_ceil(workers);
    let builder = Server::build()
        .disable_signals()
        .shutdown_timeout(LAST_MOMENT)
        .workers(workers)
        .max_concurrent_connections(most);
    let (connections, counted) = (connections.clone(), connections.clone());
    let builder = builder.listen(format!("http-{address}"), listener.socket, move || {
        // `ClientStream` has the timeouts, for every request.
        let http = HttpService::build()
            .keep_alive(KeepAlive::Os)
            .client_request_timeout(Duration::ZERO)
            .client_disconnect_timeout(LINGER)
            .on_connect_ext(|stream: &ClientStream, data: &mut actix_http::Extensions| {
                data.insert(Arc::clone(stream.peer()));
            })
            .local_addr(address);
        let application = application().into_factory().map_err(|error| {
            let error: Error = error.into();
            error.error_response()
        });
        // The host and address in it are unused: base URLs come from the settings.
        let application = map_config(application, |()| AppConfig::default());
        let application =
            apply_fn_factory::<_, _, _, _, _, Request, _, _>(application, |request: Request, service| {
                let exchange = request.conn_data::<Arc<Peer>>().map(|peer| Arc::clone(peer).hear());
                let has_body = announces_body(&request);
                let answering = service.call(request);
                async move {
                    let answered = answering.await;
                    answered.map(|response| ended(response.into(), exchange.as_ref(), has_body))
                }
            });
        let connections = connections.clone();
        let connection = fn_service(move |stream: TcpStream| {
            let connections = connections.clone();
            async move {
                let peer: Option<SocketAddr> = stream.peer_addr().ok();
                tune(&stream, timeouts.write);
                let Some(visit) = connections.enter().await else {
                    connections.note_refusal();
                    refuse_newcomer(stream).await;
                    return Err(actix_http::error::DispatchError::DisconnectTimeout);
                };
                Ok((ClientStream::new(stream, visit, timeouts), peer))
            }
        });
        connection.and_then(http.h1(application))
    });
    let server = builder.map_err(|e| format!("{address}: {e}"))?.run();
    let stopper = Stopper { door, handle: server.handle(), connections: counted };
    Ok(Serving { server, stopper })
}

/// Notes that the request's credential is valid, so that its connection is never closed to make room.
pub(crate) fn trust(request: &HttpRequest) {
    if let Some(peer) = request.conn_data::<Arc<Peer>>() {
        peer.authenticate();
    }
}

/// Gives the request the time that a whole tenant takes on its way.
pub(crate) fn allow_long(request: &HttpRequest) {
    if let Some(peer) = request.conn_data::<Arc<Peer>>() {
        peer.take_long();
    }
}

/// Notes a refused body, and adds `Connection: close` to the last response of a connection.
fn ended<B>(
    mut response: actix_http::Response<B>,
    exchange: Option<&Exchange>,
    has_body: bool,
) -> actix_http::Response<B> {
    if let Some(exchange) = exchange {
        if has_body && response.status().as_u16() >= 400 {
            exchange.leave_rest();
        }
        if exchange.is_last() {
            response.head_mut().set_connection_type(ConnectionType::Close);
        }
    }
    response
}

fn announces_body(request: &Request) -> bool {
    let headers = request.head().headers();
    headers.contains_key(header::CONTENT_LENGTH) || headers.contains_key(header::TRANSFER_ENCODING)
}

/// Sends each response at once (`TCP_NODELAY`), and cuts off a client that does not read its response. If an option cannot be set,
/// the connection is served without it.
fn tune(stream: &TcpStream, write_timeout: Duration) {
    let socket = SockRef::from(stream);
    let tuned = socket.set_tcp_nodelay(true).and_then(|()| socket.set_tcp_user_timeout(Some(write_timeout)));
    if let Err(error) = tuned {
        tracing::warn!(%error, "a connection could not be tuned");
    }
}
