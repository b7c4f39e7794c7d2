//! `usher serve`: bind, open, serve, and drain at a stop.

use std::{
    io::Write as _,
    net::{SocketAddr, TcpListener},
    path::Path,
    sync::Arc,
    time::Duration,
};

use actix_http::{HttpService, Protocol, error::DispatchError};
use actix_server::Server;
use actix_service::{ServiceFactoryExt as _, fn_service, map_config};
use actix_web::{App as HttpApp, HttpServer, dev::AppConfig, rt::net::TcpStream, web};
use tracing::{info, warn};

use crate::{
    admin,
    app::App,
    health,
    patience::{Patience, PatientStream},
    scim,
    settings::Settings,
    telemetry,
};

/// How long a connection may be idle.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How long a connection that ends is read on, so that a client in the middle of a refused body gets its answer.
const LINGER: Duration = Duration::from_secs(1);

/// Runs until SIGTERM or SIGINT.
///
/// # Errors
/// One sentence for the operator.
pub(crate) fn serve(config: Option<&Path>) -> Result<(), String> {
    let settings = Settings::read(config)?;
    telemetry::log::start(&settings)?;
    actix_web::rt::System::new().block_on(run(settings))
}

async fn run(settings: Settings) -> Result<(), String> {
    outlive_the_file_size_limit();
    let listener = bind("server.listen", settings.listen)?;
    let address = listener.local_addr().map_err(|e| format!("server.listen: {e}"))?;
    let metrics = settings.metrics_listen.map(|a| bind("metrics.listen", a)).transpose()?;
    let public_url = settings.public_url.clone().unwrap_or_else(|| format!("http://{address}"));
    let app = App::open(settings, public_url).await?;
    leave_server_url(&app.settings.data_dir, address)?;
    let metrics = metrics.map(|listener| metrics_server(&app, listener)).transpose()?;
    let server = scim_server(&app, listener)?;
    info!(%address, public_url = app.public_url, "serving");
    let handle = server.handle();
    let stopping = Arc::clone(&app);
    actix_web::rt::spawn(async move {
        wait_for_stop().await;
        stopping.stop_being_ready();
        handle.stop(true).await;
    });
    let ended = server.await.map_err(|e| format!("serving: {e}"));
    if let Some(metrics) = metrics {
        metrics.stop(true).await;
    }
    app.stores.shutdown().await;
    info!("stopped");
    ended
}

fn bind(key: &str, address: SocketAddr) -> Result<TcpListener, String> {
    TcpListener::bind(address)
        .map_err(|e| format!("{key} {address}: {e}; choose another address or stop what uses it"))
}

/// Built by hand and not with `HttpServer`, which would put no stream of ours under HTTP.
fn scim_server(app: &Arc<App>, listener: TcpListener) -> Result<Server, String> {
    let settings = app.settings.clone();
    let data = web::Data::from(Arc::clone(app));
    let mut server = Server::build().shutdown_timeout(settings.shutdown.as_secs()).disable_signals();
    if let Some(workers) = settings.workers {
        server = server.workers(workers);
    }
    let stopping = server.graceful_shutdown_signal();
    let http = move || {
        let data = data.clone();
        let app = HttpApp::new()
            .app_data(data)
            .configure(health::routes)
            .configure(admin::routes)
            .default_service(web::to(scim::scim));
        let stopping = stopping.clone();
        let http = HttpService::build()
            .client_request_timeout(settings.header_timeout)
            .keep_alive(KEEP_ALIVE)
            .client_disconnect_timeout(LINGER)
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            .finish(map_config(app, |()| AppConfig::default()));
        let patience = patience_of(&settings);
        fn_service(move |stream: TcpStream| connected(stream, patience)).and_then(http)
    };
    Ok(server.listen("scim", listener, http).map_err(|e| format!("server.listen: {e}"))?.run())
}

/// The parts of an exchange have limits of their own; together they last this long, with some time for the work itself.
fn patience_of(settings: &Settings) -> Patience {
    let work = settings.store.admission_deadline * 2;
    let exchange = settings.header_timeout + settings.body_timeout + work;
    Patience { exchange, write: settings.write_timeout }
}

/// One write an answer leaves at once (`TCP_NODELAY`).
async fn connected(
    stream: TcpStream,
    patience: Patience,
) -> Result<(PatientStream, Protocol, Option<SocketAddr>), DispatchError> {
    if let Err(error) = stream.set_nodelay(true) {
        warn!(%error, "a connection could not be tuned");
    }
    let peer = stream.peer_addr().ok();
    Ok((PatientStream::new(stream, patience), Protocol::Http1, peer))
}

fn metrics_server(app: &Arc<App>, listener: TcpListener) -> Result<actix_web::dev::ServerHandle, String> {
    let data = web::Data::from(Arc::clone(app));
    let server =
        HttpServer::new(move || HttpApp::new().app_data(data.clone()).configure(health::metrics_routes))
            .workers(1)
            .disable_signals()
            .listen(listener)
            .map_err(|e| format!("metrics.listen: {e}"))?
            .run();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    Ok(handle)
}

/// Where the command line finds this server.
fn leave_server_url(data_dir: &Path, address: SocketAddr) -> Result<(), String> {
    let path = data_dir.join("server-url");
    let written = std::fs::File::create(&path).and_then(|mut file| writeln!(file, "http://{address}"));
    written.map_err(|e| format!("{}: {e}", path.display()))
}

/// A limit on the size of files (`ulimit -f`, `LimitFSIZE=`) ends a process that meets it, and every tenant with it, unless the
/// signal is taken; then the one write fails.
fn outlive_the_file_size_limit() {
    use tokio::signal::unix::{SignalKind, signal};
    /// SIGXFSZ; the number is the same on Linux and macOS.
    const FILE_SIZE_LIMIT: i32 = 25;
    // Once a handler is there it stays, also without anybody who waits for it.
    if let Err(error) = signal(SignalKind::from_raw(FILE_SIZE_LIMIT)) {
        warn!(%error, "a file size limit would end this process");
    }
}

async fn wait_for_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut term), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        warn!("signals cannot be waited for; stop this process with SIGKILL");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = interrupt.recv() => {}
    }
}
