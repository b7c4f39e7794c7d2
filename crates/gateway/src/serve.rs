//! `usher serve`: bind, open, serve, and drain at a stop.

use std::{
    fs::OpenOptions,
    io::{ErrorKind, Write as _},
    net::{SocketAddr, TcpListener},
    path::Path,
    sync::Arc,
};

use actix_web::{App as HttpApp, HttpServer, web};
use tokio::sync::watch;
use tracing::{info, warn};

use crate::{
    admin,
    app::App,
    health, http,
    process_limits::make_files_for_this_user_only,
    scim,
    settings::{BaseUrl, Settings},
    telemetry,
};

/// Runs until SIGTERM or SIGINT.
///
/// # Errors
/// One sentence for the operator.
pub(crate) fn serve(config: Option<&Path>) -> Result<(), String> {
    make_files_for_this_user_only();
    let settings = Settings::read(config)?;
    telemetry::log::start(&settings)?;
    actix_web::rt::System::new().block_on(run(settings))
}

async fn run(settings: Settings) -> Result<(), String> {
    outlive_the_file_size_limit();
    let listener = bind("server.listen", settings.listen)?;
    let address = listener.local_addr().map_err(|e| format!("server.listen: {e}"))?;
    let metrics = settings.metrics_listen.map(|a| bind("metrics.listen", a)).transpose()?;
    let public_url = match settings.public_url.clone() {
        Some(told) => told,
        None => {
            BaseUrl::parse(&format!("http://{address}")).map_err(|fault| format!("server.listen {fault}"))?
        }
    };
    let app = App::open(settings, public_url).await?;
    leave_server_url(&app.settings.data_dir, address)?;
    let metrics = metrics.map(|listener| metrics_server(&app, listener)).transpose()?;
    let (stop, stopping) = watch::channel(false);
    let server = scim_server(&app, listener, &stopping)?;
    let looked_after = Arc::clone(&app);
    actix_web::rt::spawn(async move { looked_after.regions.look_after().await });
    info!(%address, public_url = %app.public_url, "serving");
    let handle = server.handle();
    let stopped = Arc::clone(&app);
    actix_web::rt::spawn(async move {
        wait_for_stop().await;
        stopped.stop_being_ready();
        stop.send_replace(true);
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

fn scim_server(
    app: &Arc<App>,
    listener: TcpListener,
    stopping: &watch::Receiver<bool>,
) -> Result<actix_server::Server, String> {
    let settings = &app.settings;
    let data = web::Data::from(Arc::clone(app));
    let turn = settings.store.admission_deadline;
    // The work waits for its turn at two stores at the most, and then has as long again; a bulk waits once more when its time is
    // nearly over, and a search makes its page of what it has found.
    let work = (turn * 4).max(settings.bulk_time.max(settings.search_time) + turn * 2);
    let limits = http::Limits {
        headers: settings.header_timeout,
        exchange: settings.header_timeout + settings.body_timeout + work,
        write: settings.write_timeout,
        keep_alive: settings.keep_alive,
        shutdown: settings.shutdown,
    };
    let application = move || {
        let application = HttpApp::new().app_data(data.clone());
        application.configure(health::routes).configure(admin::routes).default_service(web::to(scim::scim))
    };
    let server = http::start(application, listener, settings.workers, limits, stopping);
    server.map_err(|e| format!("server.listen {e}"))
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

/// Where the command line finds this server. Written over what is there, which takes no new room, because a start on a full disk
/// must serve.
fn leave_server_url(data_dir: &Path, address: SocketAddr) -> Result<(), String> {
    let path = data_dir.join("server-url");
    let line = format!("http://{address}\n");
    let written =
        OpenOptions::new().write(true).create(true).truncate(false).open(&path).and_then(|mut file| {
            file.write_all(line.as_bytes())?;
            file.set_len(u64::try_from(line.len()).unwrap_or_default())
        });
    match written {
        Err(error) if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) => {
            warn!(%error, "server-url could not be written; name this server with --server");
            Ok(())
        }
        written => written.map_err(|e| format!("{}: {e}", path.display())),
    }
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
