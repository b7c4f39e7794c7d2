//! `usher serve`: bind, open, serve, and drain at a stop.

use std::{
    any::Any,
    io::Write as _,
    net::{SocketAddr, TcpListener},
    path::Path,
    sync::Arc,
    time::Duration,
};

use actix_web::{App as HttpApp, HttpServer, rt::net::TcpStream, web};
use socket2::SockRef;
use tracing::{info, warn};

use crate::{admin, app::App, health, scim, settings::Settings, telemetry};

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

fn scim_server(app: &Arc<App>, listener: TcpListener) -> Result<actix_web::dev::Server, String> {
    let settings = &app.settings;
    let data = web::Data::from(Arc::clone(app));
    let write_timeout = settings.write_timeout;
    let mut server = HttpServer::new(move || {
        HttpApp::new()
            .app_data(data.clone())
            .configure(health::routes)
            .configure(admin::routes)
            .default_service(web::to(scim::scim))
    })
    .on_connect(move |connection, _| tune(connection, write_timeout))
    .client_request_timeout(settings.header_timeout)
    .keep_alive(Duration::from_secs(75))
    .shutdown_timeout(settings.shutdown.as_secs())
    .disable_signals();
    if let Some(workers) = settings.workers {
        server = server.workers(workers);
    }
    Ok(server.listen(listener).map_err(|e| format!("server.listen: {e}"))?.run())
}

/// One write an answer leaves at once (`TCP_NODELAY`); a client that does not take its answer is cut off.
fn tune(connection: &dyn Any, write_timeout: Duration) {
    let Some(stream) = connection.downcast_ref::<TcpStream>() else { return };
    let socket = SockRef::from(stream);
    let tuned = socket.set_tcp_nodelay(true).and_then(|()| socket.set_tcp_user_timeout(Some(write_timeout)));
    if let Err(error) = tuned {
        warn!(%error, "a connection could not be tuned");
    }
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
